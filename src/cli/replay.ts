import type { ReplayReport } from '../delivery/replay.js';
import { connect } from './client.js';
import { EXIT, Failure } from './exit.js';
import type { Invocation } from './program.js';

/** `castbridge replay ID…`, `castbridge replay --sink NAME`. The answer is no where something was refused. */
export async function replay(
  invocation: Invocation,
  ids: readonly string[],
  options: { sink?: string; reason?: string; state: string },
): Promise<number> {
  const { sink, reason, state } = options;
  const all = sink !== undefined || reason !== undefined;
  if (all === ids.length > 0) throw new Failure(EXIT.usage, 'name ids, or --sink or --reason for all of them; not both, not neither');
  const report = (await connect(invocation)('POST', '/api/replay', all ? { sink, reason, state } : { ids })) as ReplayReport;
  if (invocation.json) {
    invocation.out(JSON.stringify(report));
  } else {
    invocation.out(`${report.replayed} ${report.replayed === 1 ? 'delivery waits' : 'deliveries wait'} again`);
    for (const { id, why } of report.refused) invocation.err(`${id}: ${why}`);
  }
  return report.refused.length > 0 ? EXIT.no : EXIT.done;
}
