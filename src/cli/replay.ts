import type { ReplayReport } from '../ops/present.js';
import { connect, type Call } from './client.js';
import { EXIT, Failure } from './exit.js';
import type { Invocation } from './invocation.js';

/** Refusals of a replay of all that are shown one by one: enough to see the pattern. */
const REFUSALS_SHOWN = 100;

/** `castbridge replay ID…`, `castbridge replay --sink NAME`. The answer is no where something was refused. */
export async function replay(
  invocation: Invocation,
  ids: readonly string[],
  options: { sink?: string; reason?: string; state?: string },
): Promise<number> {
  const all = options.sink !== undefined || options.reason !== undefined;
  if (all === ids.length > 0) throw new Failure(EXIT.usage, 'name ids, or --sink or --reason for all of them; not both, not neither');
  if (!all && options.state !== undefined)
    throw new Failure(EXIT.usage, '--state goes with --sink or --reason; ids of deliveries are sent again in whatever state they are');
  const call = connect(invocation);
  const report = all ? await replayAll(call, options, invocation) : ((await call('POST', '/api/replay', { ids })) as ReplayReport);
  if (invocation.json) {
    invocation.out(JSON.stringify(report));
  } else {
    invocation.out(`${report.replayed} ${report.replayed === 1 ? 'delivery waits' : 'deliveries wait'} again`);
    for (const { id, why } of report.refused.slice(0, REFUSALS_SHOWN)) invocation.err(`${id}: ${why}`);
    if (report.refused.length > REFUSALS_SHOWN) invocation.err(`and ${report.refused.length - REFUSALS_SHOWN} more were refused`);
  }
  return report.refused.length > 0 ? EXIT.no : EXIT.done;
}

/** Page by page, so that a large backlog shows progress, and an interrupted replay has done what it said. */
async function replayAll(call: Call, filter: object, { json, err }: Invocation): Promise<ReplayReport> {
  let replayed = 0;
  const refused: ReplayReport['refused'][number][] = [];
  let before: string | undefined;
  do {
    const page = (await call('POST', '/api/replay', { ...filter, before })) as ReplayReport & { next: string | null };
    replayed += page.replayed;
    refused.push(...page.refused);
    before = page.next ?? undefined;
    if (before !== undefined && !json) err(`${replayed} so far`);
  } while (before !== undefined);
  return { replayed, refused };
}
