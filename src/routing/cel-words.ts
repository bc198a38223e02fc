import type { ASTNode } from '@marcbachmann/cel-js';

/** What cel-js's checker found out about a node, before it stumbled. */
export function typeOf(node: ASTNode): string {
  const type = (node as { checkedType?: { type?: string; name?: string } }).checkedType;
  return type?.type ?? type?.name ?? 'dyn';
}

/** A type in plain words. */
export function inWords(type: string): string {
  if (type === 'string') return 'a text';
  if (type === 'int' || type === 'uint' || type === 'double') return 'a number';
  if (type === 'bool') return 'true or false';
  if (type === 'null' || type === 'null_type') return 'null';
  if (type.startsWith('list')) return 'a list';
  if (type.startsWith('optional')) return 'a value that may be missing';
  if (type === '$event') return 'the whole event';
  if (type === '$event.cluster') return 'the cluster';
  if (type.startsWith('map')) return 'a mapping';
  return type === 'dyn' ? 'a value of any kind' : `a ${type}`;
}
