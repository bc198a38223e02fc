import type { RowExplained } from '../routing/explanation.js';
import type { TriedDelivery } from '../trial/deliveries.js';
import type { Explanation } from '../trial/explain.js';
import { valueWords, wordsOf } from '../trial/words.js';
import { oneLine } from './table.js';

/** Of a longer table, the rows that matched are shown, and how many others failed by what. */
const ROWS_MAX = 40;

const SIGNS: Readonly<Record<RowExplained['verdict']['kind'], string>> = { matched: '✓', failed: '✗', error: '!', skipped: '-' };

/** An explanation for people: what is read in the event, what each row makes of it, and what would be sent. */
export function explanationLines(source: string, { event, unreadable, rows, deliveries }: Explanation, all: boolean): string[] {
  if (event === null) return [`the source ${source} makes no event of it: ${unreadable?.detail ?? ''} (${unreadable?.reason ?? ''})`];
  const { id, type, severity, name, message, cluster, time, receivedAt, data } = event;
  const fields = { id, source, type, severity, name, message, 'cluster.id': cluster.id, 'cluster.name': cluster.name, time, receivedAt, data };
  return [
    'event',
    ...Object.entries(fields).map(([field, value]) => `  ${field.padEnd(12)}  ${valueWords(value)}`),
    '',
    'rows',
    ...rowLines(rows, all),
    ...deliveries.flatMap((delivery) => ['', ...deliveryLines(delivery)]),
  ];
}

function rowLines(rows: readonly RowExplained[], all: boolean): string[] {
  const shown = all || rows.length <= ROWS_MAX ? rows : rows.filter(({ verdict }) => verdict.kind === 'matched' || verdict.kind === 'error');
  const counts = new Map<string, number>();
  for (const { verdict } of rows) {
    if (shown.length === rows.length || verdict.kind === 'matched' || verdict.kind === 'error') continue;
    const why = verdict.kind === 'failed' ? `no, by ${verdict.at}` : `not looked at, behind "${verdict.behind}"`;
    counts.set(why, (counts.get(why) ?? 0) + 1);
  }
  return [
    ...shown.map(({ row, to, verdict }) => `  ${SIGNS[verdict.kind]} ${row} → ${to.join(', ')}: ${wordsOf(verdict)}`),
    ...[...counts].map(([why, count]) => `  ${count} more: ${why}`),
    ...(counts.size === 0 ? [] : ['  (--all shows every row)']),
  ];
}

function deliveryLines(delivery: TriedDelivery): string[] {
  if (delivery.kind === 'message') return [`${delivery.route} → ${delivery.sink} (${delivery.type})`, ...partLines(delivery.message, '  ')];
  const way = [delivery.route, delivery.sink].filter((name) => name !== null).join(' → ');
  return [`${way === '' ? '' : `${way}: `}a dead letter, ${delivery.reason}: ${oneLine(delivery.detail, 400)}`];
}

/** The parts of a message as it would be sent, a line each; a text of several lines is shown as it will be read. */
export function partLines(message: Readonly<Record<string, unknown>>, indent: string): string[] {
  return Object.entries(message).flatMap(([name, value]) => {
    if (typeof value === 'string') return textLines(name, value, indent);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return [`${indent}${name}:`, ...partLines(value as Readonly<Record<string, unknown>>, `${indent}  `)];
    }
    return [`${indent}${name}: ${JSON.stringify(value)}`];
  });
}

/** Line by line, as it will be read; without what would move the cursor. */
function textLines(name: string, text: string, indent: string): string[] {
  const lines = text.split('\n').map((line) => oneLine(line, Infinity));
  if (lines.length === 1) return [`${indent}${name}: ${lines[0] ?? ''}`];
  return [`${indent}${name}: |`, ...lines.map((line) => `${indent}  ${line}`)];
}
