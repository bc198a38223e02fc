/** What says how much was cut takes no more. */
const NOTE_CHARS = 32;

/** At most `max` characters, cut on a whole character, never inside an entity or a link, and saying how much is missing. Empty texts are refused by Slack: `fallback` stands in. */
export function fit(raw: string, max: number, fallback = '—'): string {
  if (raw.trim() === '') return fallback;
  const text = raw.replace(/\p{Surrogate}/gu, '\uFFFD');
  if (text.length <= max) return text;
  const room = text.slice(0, max - NOTE_CHARS);
  const whole = room.replace(/[\uD800-\uDBFF]$/, '').replace(/&[a-z]{0,4}$/, '');
  const open = whole.lastIndexOf('<');
  const kept = open > whole.lastIndexOf('>') ? whole.slice(0, open) : whole;
  return `${kept}… (${charactersOf(text.slice(kept.length)).toLocaleString('en-US')} more characters)`;
}

/** As a person counts: an entity is one character. */
function charactersOf(text: string): number {
  return text.replace(/&(amp|lt|gt);|[\uD800-\uDBFF][\uDC00-\uDFFF]/g, '.').length;
}

/** https://docs.slack.dev/reference/block-kit/blocks: limits in characters. */
const LIMITS = {
  header: 150,
  section: 3_000,
  field: 2_000,
  other: 2_000,
  button: 75,
  markdown: 12_000,
  url: 3_000,
} as const;

/** How many a list of blocks, fields or elements may hold. */
export const COUNTS: Readonly<Record<string, { readonly key: string; readonly max: number }>> = {
  section: { key: 'fields', max: 10 },
  context: { key: 'elements', max: 10 },
  actions: { key: 'elements', max: 25 },
};

/** Blocks a message may hold. */
export const BLOCKS_MAX = 50;

/**
 * All blocks of a message, as JSON. Slack refuses messages from about 13,200 characters on (`msg_blocks_too_long`), and documents
 * neither the limit nor how it counts: https://github.com/slackapi/bolt-js/issues/2509.
 */
const BLOCKS_CHARS_MAX = 10_000;

/** Where all texts together are too long, each is cut at the first of these that makes them fit. */
const SHORTER = [3_000, 1_500, 750, 300, 150];

export type Block = Readonly<Record<string, unknown>>;

/** The blocks with every text within Slack's limits, and all of them together: those that do not fit are left out, and a last one says so. */
export function fitBlocks(blocks: readonly Block[]): Block[] {
  const fitting = SHORTER.map((max) => blocks.map((block) => fitBlock(block, max))).find(
    (fitted) => fitted.length <= BLOCKS_MAX && JSON.stringify(fitted).length <= BLOCKS_CHARS_MAX,
  );
  return fitting ?? firstOf(blocks.map((block) => fitBlock(block, 150)));
}

function firstOf(blocks: readonly Block[]): Block[] {
  let chars = 0;
  const kept: Block[] = [];
  for (const block of blocks) {
    chars += JSON.stringify(block).length + 1;
    if (kept.length === BLOCKS_MAX - 1 || chars > BLOCKS_CHARS_MAX) break;
    kept.push(block);
  }
  return [...kept, { type: 'context', elements: [{ type: 'mrkdwn', text: `… (${blocks.length - kept.length} more blocks)` }] }];
}

function fitBlock(block: Block, shorter: number): Block {
  const max = (limit: number): number => Math.min(limit, shorter);
  switch (typeof block['type'] === 'string' ? block['type'] : '') {
    case 'header':
      return { ...block, ...textAt(block, 'text', LIMITS.header) };
    case 'section':
      return {
        ...block,
        ...textAt(block, 'text', max(LIMITS.section)),
        ...listAt(block, 'fields', max(LIMITS.field)),
        ...elementAt(block, 'accessory'),
      };
    case 'context':
      return { ...block, ...listAt(block, 'elements', max(LIMITS.other)) };
    case 'actions':
      return { ...block, ...listAt(block, 'elements', LIMITS.button) };
    case 'image':
      return { ...block, ...textAt(block, 'title', max(LIMITS.other)), ...wordsAt(block, 'alt_text', max(LIMITS.other)) };
    case 'markdown':
      return { ...block, ...wordsAt(block, 'text', shorter === SHORTER[0] ? LIMITS.markdown : shorter) };
    default:
      return fitAll(block, max(LIMITS.other)) as Block;
  }
}

/** Every text of a block whose form is not known here. What is short stays as it is. */
function fitAll(value: unknown, max: number): unknown {
  if (typeof value === 'string') return value === '' ? value : fit(value, max);
  if (Array.isArray(value)) return value.map((item) => fitAll(item, max));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, key === 'text' && item === '' ? fit(item, max) : fitAll(item, max)]));
}

function textAt(block: Block, key: string, max: number): Block {
  return block[key] === undefined ? {} : { [key]: fitText(block[key], max) };
}

function listAt(block: Block, key: string, max: number): Block {
  const list = block[key];
  return Array.isArray(list) ? { [key]: list.map((item) => fitText(item, max)) } : {};
}

function elementAt(block: Block, key: string): Block {
  return block[key] === undefined ? {} : { [key]: fitText(block[key], LIMITS.button) };
}

function wordsAt(block: Block, key: string, max: number): Block {
  const words = block[key];
  return typeof words === 'string' ? { [key]: fit(words, max) } : {};
}

/** A text object, or an element: a button holds a text and a value, an image what stands for it. */
function fitText(value: unknown, max: number): unknown {
  if (!isObject(value)) return value;
  const { text, url } = value;
  return {
    ...value,
    ...(typeof text === 'string' ? { text: fit(text, max) } : textAt(value, 'text', max)),
    ...wordsAt(value, 'value', LIMITS.other),
    ...wordsAt(value, 'alt_text', LIMITS.other),
    // A part of a URL leads elsewhere: better a button that does nothing.
    ...(typeof url === 'string' && (url === '' || url.length > LIMITS.url) ? { url: undefined } : {}),
  };
}

function isObject(value: unknown): value is Block {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
