import type { ASTNode } from '@marcbachmann/cel-js';
import { conjunctsOf, selectionOf } from './cel-tree.js';

/** A field of the event that must be one of some texts, or the condition is false. */
export interface Equality {
  /** `cluster.name` */
  readonly field: string;
  readonly values: readonly string[];
}

/** Fields that are texts for every event, so that comparing them cannot fail. */
export const TEXT_FIELDS = ['id', 'source', 'type', 'severity', 'name', 'message', 'cluster.id', 'cluster.name', 'time', 'receivedAt'];

/**
 * What `event.cluster.name == "c-17" && …` asks for sure. Where one part of `&&` is false, the whole is, in whatever order they stand:
 * CEL drops the error of another part then. So an event that fails an equality needs no evaluation.
 */
export function equalitiesOf(condition: ASTNode): Equality[] {
  return conjunctsOf(condition).flatMap((node) => {
    if (node.op === '==') return equality(node.args[0], [node.args[1]]) ?? equality(node.args[1], [node.args[0]]) ?? [];
    if (node.op === 'in' && node.args[1].op === 'list') return equality(node.args[0], node.args[1].args) ?? [];
    return [];
  });
}

function equality(side: ASTNode, others: readonly ASTNode[]): Equality | null {
  const field = selectionOf(side)?.join('.');
  if (field === undefined || !TEXT_FIELDS.includes(field)) return null;
  const values = others.map((node) => (node.op === 'value' && typeof node.args === 'string' ? node.args : null));
  return values.every((value) => value !== null) ? { field, values } : null;
}
