import type { ReplayReport } from '../ops/present.js';
import { connect, type Call } from './client.js';
import { EXIT, Failure } from './exit.js';
import type { Invocation } from './invocation.js';

/** Refusals that are shown one by one: enough to see the pattern. */
const REFUSALS_SHOWN = 100;
/** Refusals that a report of a replay of all holds. */
const REFUSALS_MAX = 1_000;

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
  const report: Report = all ? await replayAll(call, options, invocation) : ((await call('POST', '/api/replay', { ids })) as ReplayReport);
  if (invocation.json) invocation.out(JSON.stringify(report));
  else show(report, options.state, invocation);
  if (report.interrupted === true) return EXIT.interrupted;
  return report.refused.length > 0 ? EXIT.no : EXIT.done;
}

/** `moreRefused`: beside those that are listed. `interrupted`: it ended at Ctrl-C, with this much done. */
type Report = ReplayReport & { readonly moreRefused?: number; readonly interrupted?: true };

function show(report: Report, state: string | undefined, { out, err }: Invocation): void {
  out(waitAgain(report.replayed));
  for (const { id, why } of report.refused.slice(0, REFUSALS_SHOWN)) err(`${id}: ${why}`);
  const more = Math.max(0, report.refused.length - REFUSALS_SHOWN) + (report.moreRefused ?? 0);
  if (more > 0) err(`and ${more} more were refused`);
  if (report.interrupted !== true) return;
  if (state === 'delivered') err('interrupted before the end: the same command begins with the newest again');
  else err('interrupted before the end: the rest is dead as it was, and the same command goes on with it');
}

function waitAgain(count: number): string {
  return `${count} ${count === 1 ? 'delivery waits' : 'deliveries wait'} again`;
}

/** Page by page, each done for good before the next: Ctrl-C ends it after the page under way, and a bridge that goes away leaves what was done. */
async function replayAll(call: Call, filter: object, { progress, err }: Invocation): Promise<Report> {
  const interrupted = new AbortController();
  // The second one ends the process at once.
  process.once('SIGINT', () => interrupted.abort());
  let replayed = 0;
  const refused: ReplayReport['refused'][number][] = [];
  let refusedCount = 0;
  let before: string | undefined;
  try {
    do {
      const page = (await call('POST', '/api/replay', { ...filter, before })) as ReplayReport & { next: string | null };
      replayed += page.replayed;
      refused.push(...page.refused.slice(0, REFUSALS_MAX - refused.length));
      refusedCount += page.refused.length;
      before = page.next ?? undefined;
      progress.show(`${waitAgain(replayed)} so far`);
    } while (before !== undefined && !interrupted.signal.aborted);
  } catch (error) {
    progress.end();
    if (replayed > 0) err(`at least ${waitAgain(replayed)}; the rest was not reached`);
    throw error;
  }
  progress.end();
  const moreRefused = refusedCount - refused.length;
  return { replayed, refused, ...(moreRefused > 0 && { moreRefused }), ...(before !== undefined && { interrupted: true }) };
}
