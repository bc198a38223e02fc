import type { ASTNode } from '@marcbachmann/cel-js';

/** Visits a node, and every one below it. */
export function walk(node: ASTNode, visit: (node: ASTNode) => void): void {
  visit(node);
  for (const child of childrenOf(node)) walk(child, visit);
}

/** The nodes directly below one, in the order of the text. By its kind: this runs for every node of every condition. */
export function childrenOf(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case 'value':
    case 'id':
      return [];
    case '.':
    case '.?':
      return [node.args[0]];
    case '!_':
    case '-_':
      return [node.args];
    case 'call':
      return node.args[1];
    case 'rcall':
      return [node.args[1], ...node.args[2]];
    case 'map':
      return node.args.flat();
    case 'list':
    case '?:':
    case '[]':
    case '[?]':
    case '&&':
    case '||':
    case '==':
    case '!=':
    case '<':
    case '<=':
    case '>':
    case '>=':
    case 'in':
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
      return node.args;
  }
}

/** `['cluster', 'name']` for the selection `event.cluster.name` or `event["cluster"].?name`; null for anything else. */
export function selectionOf(node: ASTNode): string[] | null {
  const names: string[] = [];
  let at = node;
  for (;;) {
    if (at.op === 'id') return at.args === 'event' ? names.reverse() : null;
    if (at.op === '.' || at.op === '.?') {
      names.push(at.args[1]);
    } else if (at.op === '[]' || at.op === '[?]') {
      const index = at.args[1];
      if (index.op !== 'value' || (typeof index.args !== 'string' && typeof index.args !== 'bigint')) return null;
      names.push(String(index.args));
    } else {
      return null;
    }
    at = at.args[0];
  }
}

/** Every selection of the event in an expression, the longest of each: `event.data.x` is not `event.data` too. */
export function selectionsIn(node: ASTNode): string[][] {
  const selection = selectionOf(node);
  if (selection !== null) return [selection];
  // `list.exists(event, event.name == "x")`: inside, `event` is the element.
  const shadows = node.op === 'rcall' && node.args[2][0]?.op === 'id' && node.args[2][0].args === 'event';
  return shadows ? selectionsIn(node.args[1]) : childrenOf(node).flatMap(selectionsIn);
}

/** The parts of `a && b && (c && d)`, in their order; one part where there is no `&&` at the top. */
export function conjunctsOf(node: ASTNode): ASTNode[] {
  return node.op === '&&' ? node.args.flatMap(conjunctsOf) : [node];
}

/** The text of a node. Its own range leaves out the bracket of `(a + b).size()`: here, brackets are whole. */
export function sourceOf(node: ASTNode): string {
  let { start, end } = node;
  const pairs = bracketPairs(node.input);
  for (let grew = true; grew;) {
    grew = false;
    for (const [open, close] of pairs) {
      const inside = (at: number): boolean => at >= start && at < end;
      if (inside(open) === inside(close)) continue;
      start = Math.min(start, open);
      end = Math.max(end, close + 1);
      grew = true;
    }
  }
  return node.input.slice(start, end);
}

/** Texts and comments, which may hold brackets that are none, and brackets. */
const TOKENS = /"""(?:\\[^]|[^\\])*?"""|'''(?:\\[^]|[^\\])*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\/\/[^\n]*|[()[\]{}]/g;

function bracketPairs(source: string): [number, number][] {
  const pairs: [number, number][] = [];
  const open: number[] = [];
  for (const token of source.matchAll(TOKENS)) {
    if ('([{'.includes(token[0])) open.push(token.index);
    else if (')]}'.includes(token[0])) {
      const partner = open.pop();
      if (partner !== undefined) pairs.push([partner, token.index]);
    }
  }
  return pairs;
}
