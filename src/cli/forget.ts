import { connect } from './client.js';
import { EXIT } from './exit.js';
import type { Invocation } from './invocation.js';

/** `castbridge forget ID…`: events with these ids are let in again, such as one that its sender sends again by hand. The answer is no where one was not known. */
export async function forget(invocation: Invocation, ids: readonly string[]): Promise<number> {
  const { out, err, json } = invocation;
  const report = (await connect(invocation)('POST', '/api/forget', { ids })) as { forgotten: number; unknown: readonly string[] };
  if (json) out(JSON.stringify(report));
  else {
    out(`${report.forgotten} ${report.forgotten === 1 ? 'id is' : 'ids are'} let in again`);
    for (const id of report.unknown) err(`${id}: no event with this id was seen within the window`);
  }
  return report.unknown.length > 0 ? EXIT.no : EXIT.done;
}
