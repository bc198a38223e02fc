import type { DeadLetter } from '../core/delivery.js';
import { severityRank, type EventView } from '../core/event.js';
import { excerpt } from '../core/outcome.js';
import type { Digest, DigestMember } from '../core/sink.js';
import { escapeSlack, slackDate } from '../core/slack-markup.js';
import { fit, fitBlocks, type Block } from './slack-text.js';

/** What rendering makes of an event. */
export interface SlackContent {
  readonly text: string;
  readonly blocks: readonly Block[] | null;
}

/** Slack recommends 4,000 characters, and cuts at 40,000 without a word: https://docs.slack.dev/reference/methods/chat.postMessage#truncating */
const TEXT_CHARS_MAX = 4_000;

/** Fields of the payload that are shown: Slack shows no more in one section. */
const FIELDS_MAX = 10;
/** A value longer than this is better read elsewhere. */
const FIELD_CHARS_MAX = 300;
/** Of a body that nothing could be read in: enough to see what it is. */
const UNREAD_CHARS_MAX = 500;
/** Kinds of one thing that a digest counts by name. */
const COUNTED_MAX = 5;

/** Marks by `severityRank`. */
const MARKS = ['🔴', '🟠', '🟡', '🔵', '🟢', '⚪'];

/** A text within what Slack takes; where it comes out empty, the type of the event. */
export function textOf(text: string, event: EventView): string {
  return fit(text.trim(), TEXT_CHARS_MAX, escapeSlack(event.type) || 'event');
}

/** What stands in the notification, and is read aloud. */
export function defaultText(event: EventView): string {
  const { message } = event;
  return textOf(`${titleOf(event)}${onCluster(event)}${message === null ? '' : `: ${escapeSlack(message)}`}`, event);
}

/** The message of an event without a template. `link`: where it can be seen, as markup; null: nowhere. */
export function defaultMessage(event: EventView, link: string | null): SlackContent {
  const { severity, cluster, message, time, receivedAt, type, source, id } = event;
  const when = time !== null && !Number.isNaN(Date.parse(time)) ? time : receivedAt;
  const clusterName = cluster.name ?? cluster.id;
  const { fields, left } = fieldsOf(event);
  const facts = [...(severity === null ? [] : [escapeSlack(severity)]), ...(clusterName === null ? [] : [`*${escapeSlack(clusterName)}*`])];
  const origin = [`\`${codeOf(type)}\` from ${escapeSlack(source)}`, `\`${codeOf(id)}\``, ...(link === null ? [] : [link])];
  const blocks: Block[] = [
    { type: 'header', text: { type: 'plain_text', text: titleOf(event) } },
    context([...facts, slackDate(when)].join('  ·  ')),
    ...(message === null || message === '' ? [] : [section(escapeSlack(message))]),
    ...(fields.length === 0 ? [] : [{ type: 'section', fields: fields.map(mrkdwn) }]),
    context([...(left === 0 ? [] : [`${left} more ${left === 1 ? 'field' : 'fields'}`]), ...origin].join('  ·  ')),
  ];
  return { text: defaultText(event), blocks: fitBlocks(blocks) };
}

/** A message that says of another what became of it: whatever its template makes, nobody takes it for the event itself. */
export function deadMessage(event: EventView, dead: DeadLetter, content: SlackContent): SlackContent {
  const title = `⚫ Dead letter: ${escapeSlack(event.name ?? (event.type === '' ? `an event of ${event.source}` : event.type))}`;
  const tries = `${dead.attempts} ${dead.attempts === 1 ? 'attempt' : 'attempts'}`;
  const lost = dead.sink === null ? 'It reached no sink' : `Not delivered to *${escapeSlack(dead.sink)}*`;
  const answer = dead.detail === '' ? '' : `\n> ${escapeSlack(dead.detail.replace(/\s+/g, ' '))}`;
  const text = `${lost}: \`${codeOf(dead.reason)}\` after ${tries}${answer}`;
  return {
    text: textOf(`${title}. ${text}`, event),
    blocks: fitBlocks([
      { type: 'header', text: { type: 'plain_text', text: title } },
      section(text),
      context(`Mend the cause, then \`castbridge replay ${codeOf(dead.deliveryId)}\``),
      { type: 'divider' },
      ...blocksOf(content),
    ]),
  };
}

/** An event that nothing could be read in: the beginning of what was received. */
export function unreadMessage({ source, id }: EventView, body: Buffer): SlackContent {
  const text = excerpt(
    body
      .subarray(0, 4 * UNREAD_CHARS_MAX)
      .toString('utf8')
      .replace(/[`\s]+/g, ' ')
      .trim(),
    UNREAD_CHARS_MAX,
  );
  return {
    text: `received from ${escapeSlack(source)}`,
    blocks: [
      section(text === '' ? 'Nothing of it is left.' : `\`\`\`${escapeSlack(text)}\`\`\``),
      context(`from ${escapeSlack(source)}  ·  \`${codeOf(id)}\``),
    ],
  };
}

/** One message for many: counts, the first and the most severe in full, and how to see the rest. */
export function digestMessage({ sink, group, members }: Digest<SlackContent>): SlackContent {
  const [first] = members;
  if (first === undefined) return { text: 'an empty digest', blocks: null };
  const worst = members.reduce((most, member) => (severityRank(member.event.severity) < severityRank(most.event.severity) ? member : most));
  const { dead } = first;
  const what = dead === null ? 'events' : 'dead letters';
  const mark = dead === null ? markOf(worst.event) : '⚫';
  const title = `${mark} ${members.length.toLocaleString('en-US')} ${what}${group === null ? '' : `: ${escapeSlack(group)}`}`;
  const times = members.map(({ event }) => event.receivedAt).sort();
  const counts = [
    ...(dead === null ? [] : [countsOf('Reason', members, (one) => one.dead?.reason), countsOf('Sink', members, (one) => one.dead?.sink)]),
    countsOf('Type', members, ({ event }) => event.type),
    countsOf('Severity', members, ({ event }) => event.severity),
    countsOf('Cluster', members, ({ event }) => event.cluster.name ?? event.cluster.id),
  ];
  const listing = dead === null ? `castbridge deliveries --sink ${sink}` : 'castbridge deliveries --state dead';
  return {
    text: textOf(`${title}. ${counts[0]?.replaceAll('\n', ' ') ?? ''}`, first.event),
    blocks: fitBlocks([
      { type: 'header', text: { type: 'plain_text', text: title } },
      context(`${slackDate(times[0] ?? '')} to ${slackDate(times.at(-1) ?? '')}  ·  all of them: \`${listing}\``),
      { type: 'section', fields: counts.map(mrkdwn) },
      ...inFull('The first', first),
      ...(worst === first ? [] : inFull('The most severe', worst)),
    ]),
  };
}

function inFull(heading: string, member: DigestMember<SlackContent>): Block[] {
  return [{ type: 'divider' }, context(`*${heading}*`), ...blocksOf(contentOf(member))];
}

/** A template that fails for one event must not take the others with it. */
function contentOf({ event, content }: DigestMember<SlackContent>): SlackContent {
  try {
    return content();
  } catch {
    return defaultMessage(event, null);
  }
}

function blocksOf({ text, blocks }: SlackContent): readonly Block[] {
  return blocks ?? [section(text)];
}

/** `*Type*`, and a line for each of the most frequent. */
function countsOf(
  title: string,
  members: readonly DigestMember<SlackContent>[],
  of: (member: DigestMember<SlackContent>) => string | null | undefined,
): string {
  const counts = new Map<string, number>();
  for (const member of members) {
    const name = of(member) ?? 'none';
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  const rest = sorted.slice(COUNTED_MAX);
  const lines = sorted.slice(0, COUNTED_MAX).map(([name, count]) => `${count.toLocaleString('en-US')} × ${escapeSlack(excerpt(name, 80))}`);
  const others = rest.reduce((sum, [, count]) => sum + count, 0);
  if (rest.length > 0) lines.push(`${others.toLocaleString('en-US')} × ${rest.length.toLocaleString('en-US')} others`);
  return [`*${title}*`, ...lines].join('\n');
}

/** Marks of the severity, and what happened. */
function titleOf(event: EventView): string {
  return `${markOf(event)} ${escapeSlack(event.name ?? event.type)}`;
}

function markOf({ severity }: EventView): string {
  return MARKS[severityRank(severity)] ?? '';
}

function onCluster({ cluster }: EventView): string {
  const name = cluster.name ?? cluster.id;
  return name === null ? '' : ` on ${escapeSlack(name)}`;
}

/** Scalars of the payload with their names, two levels deep, without what the message shows anyway; `left`: how many more there are. */
function fieldsOf(event: EventView): { readonly fields: readonly string[]; readonly left: number } {
  const { id, type, severity, name, message, cluster, time, data } = event;
  const seen = new Set<unknown>([id, type, severity, name, message, cluster.id, cluster.name, time]);
  const found = scalarsOf(data, 2).filter(([, value]) => !seen.has(value) && !(typeof value === 'string' && seen.has(value.toLowerCase())));
  return {
    fields: found
      .slice(0, FIELDS_MAX)
      .map(([key, value]) => `*${escapeSlack(wordsOf(key))}*\n${escapeSlack(excerpt(String(value), FIELD_CHARS_MAX))}`),
    left: Math.max(0, found.length - FIELDS_MAX),
  };
}

type Scalar = string | number | boolean;

function scalarsOf(value: unknown, depth: number, prefix = ''): [string, Scalar][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  return Object.entries(value).flatMap(([key, item]: [string, unknown]): [string, Scalar][] => {
    const name = prefix + key;
    if (Array.isArray(item) && item.length > 0 && item.every(isScalar)) return [[name, item.join(', ')]];
    if (isScalar(item)) return item === '' ? [] : [[name, item]];
    return depth > 1 ? scalarsOf(item, depth - 1, `${name} `) : [];
  });
}

function isScalar(value: unknown): value is Scalar {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

/** `nodeName`, `node_name` and `NodeName` are "Node name". */
function wordsOf(key: string): string {
  const words = excerpt(key, 80)
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/[_\s-]+/g, ' ')
    .trim();
  const lower = words.replace(/\b[A-Z](?=[a-z])/g, (letter) => letter.toLowerCase());
  return lower.charAt(0).toUpperCase() + lower.slice(1);
}

/** Between backticks: one line, and none of them inside. */
function codeOf(text: string): string {
  return escapeSlack(
    excerpt(text, 120)
      .replace(/[`\s]+/g, ' ')
      .trim() || '-',
  );
}

function section(text: string): Block {
  return { type: 'section', text: mrkdwn(text) };
}

function context(text: string): Block {
  return { type: 'context', elements: [mrkdwn(text)] };
}

function mrkdwn(text: string): Block {
  return { type: 'mrkdwn', text };
}
