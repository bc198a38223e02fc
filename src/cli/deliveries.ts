import type { DeliveryView } from '../ops/present.js';
import { connect, query } from './client.js';
import { EXIT } from './exit.js';
import type { Invocation } from './invocation.js';
import { oneLine, table } from './table.js';

/** Whole, so that it can be copied: formats take no longer ones. */
const EVENT_ID_CHARS = 256;
/** What the API gives at once. */
const PAGE = 1_000;

/** `castbridge deliveries` */
export async function deliveries(
  invocation: Invocation,
  options: { state?: string; sink?: string; reason?: string; limit: number },
): Promise<number> {
  const call = connect(invocation);
  const { limit, state, sink, reason } = options;
  /** For the table alone, whose columns are as wide as their widest: lines of JSON go out as they come. */
  const rows: DeliveryView[] = [];
  let found = 0;
  let before: string | undefined;
  // A page looks at a bounded number of rows: it may be short, or empty, though there are more.
  do {
    const asked = query({ state, sink, reason, before, limit: Math.min(PAGE, limit - found) });
    const page = (await call('GET', `/api/deliveries?${asked}`)) as { deliveries: DeliveryView[]; next: string | null };
    if (invocation.json) for (const row of page.deliveries) invocation.out(JSON.stringify(row));
    else rows.push(...page.deliveries);
    found += page.deliveries.length;
    before = page.next ?? undefined;
    invocation.progress.show(`${found} found so far`);
  } while (before !== undefined && found < limit);
  invocation.progress.end();

  if (!invocation.json) for (const line of shown(rows)) invocation.out(line);
  if (before !== undefined && !invocation.json) invocation.err(`there may be more: --limit ${limit * 10} shows them`);
  return EXIT.done;
}

function shown(rows: readonly DeliveryView[]): string[] {
  if (rows.length === 0) return ['no deliveries'];
  return table(
    ['RECEIVED', 'DELIVERY', 'EVENT', 'TYPE', 'SINK', 'STATE', 'ATTEMPTS', 'WHY'],
    rows.map((row) => [
      row.receivedAt,
      row.id,
      oneLine(row.eventId, EVENT_ID_CHARS),
      oneLine(row.type, 32),
      row.sink ?? '-',
      row.state,
      String(row.attempts),
      row.reason === null ? '' : oneLine(row.detail === null ? row.reason : `${row.reason}: ${row.detail}`),
    ]),
  );
}
