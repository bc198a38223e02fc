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
  const rows: DeliveryView[] = [];
  let before: string | undefined;
  do {
    const asked = query({ state, sink, reason, before, limit: Math.min(PAGE, limit - rows.length) });
    const page = (await call('GET', `/api/deliveries?${asked}`)) as { deliveries: DeliveryView[]; next: string | null };
    rows.push(...page.deliveries);
    before = page.next ?? undefined;
  } while (before !== undefined && rows.length < limit);

  if (invocation.json) for (const row of rows) invocation.out(JSON.stringify(row));
  else for (const line of shown(rows)) invocation.out(line);
  if (before !== undefined && !invocation.json) invocation.err(`there are more: --limit ${limit * 10} shows them`);
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
