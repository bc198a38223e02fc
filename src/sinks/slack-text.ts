/** Slack reads `&`, `<` and `>` as control characters: https://docs.slack.dev/messaging/formatting-message-text#escaping. Half a character is none. */
export function escapeSlack(value: string): string {
  return value
    .replace(/\p{Surrogate}/gu, '\uFFFD')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}

const CUT = '… (truncated)';

/** At most `max` characters, cut on a whole character, never inside an entity or a link, and saying so. Empty texts are refused by Slack: `fallback` stands in. */
export function fit(raw: string, max: number, fallback = '—'): string {
  if (raw.trim() === '') return fallback;
  const text = raw.replace(/\p{Surrogate}/gu, '\uFFFD');
  if (text.length <= max) return text;
  const room = text.slice(0, max - CUT.length);
  const whole = room.replace(/[\uD800-\uDBFF]$/, '').replace(/&[a-z]{0,4}$/, '');
  const open = whole.lastIndexOf('<');
  return (open > whole.lastIndexOf('>') ? whole.slice(0, open) : whole) + CUT;
}

/** https://docs.slack.dev/reference/block-kit/blocks: limits in characters and elements. */
const LIMITS = {
  blocks: 50,
  header: 150,
  section: 3_000,
  field: 2_000,
  fields: 10,
  elements: 25,
  context: 10,
  other: 2_000,
  button: 75,
  markdown: 12_000,
  url: 3_000,
} as const;

export type Block = Readonly<Record<string, unknown>>;

/** The blocks with every text and list within Slack's limits. */
export function fitBlocks(blocks: readonly Block[]): Block[] {
  return blocks.slice(0, LIMITS.blocks).map(fitBlock);
}

function fitBlock(block: Block): Block {
  switch (typeof block['type'] === 'string' ? block['type'] : '') {
    case 'header':
      return { ...block, ...textAt(block, 'text', LIMITS.header) };
    case 'section':
      return {
        ...block,
        ...textAt(block, 'text', LIMITS.section),
        ...listAt(block, 'fields', LIMITS.fields, LIMITS.field),
        ...elementAt(block, 'accessory'),
      };
    case 'context':
      return { ...block, ...listAt(block, 'elements', LIMITS.context, LIMITS.other) };
    case 'actions':
      return { ...block, ...listAt(block, 'elements', LIMITS.elements, LIMITS.button) };
    case 'image':
      return { ...block, ...textAt(block, 'title', LIMITS.other), ...wordsAt(block, 'alt_text', LIMITS.other) };
    case 'markdown':
      return { ...block, ...wordsAt(block, 'text', LIMITS.markdown) };
    default:
      return block;
  }
}

function textAt(block: Block, key: string, max: number): Block {
  return block[key] === undefined ? {} : { [key]: fitText(block[key], max) };
}

function listAt(block: Block, key: string, count: number, max: number): Block {
  const list = block[key];
  return Array.isArray(list) ? { [key]: list.slice(0, count).map((item) => fitText(item, max)) } : {};
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
