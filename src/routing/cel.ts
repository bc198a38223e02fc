import { Environment, type ASTNode } from '@marcbachmann/cel-js';
import { RE2JS } from 're2js';
import type { EventView } from '../core/event.js';
import type { Problem, Report } from '../core/problem.js';
import { suggest } from '../core/suggest.js';
import { selectionOf, walk } from './cel-tree.js';

/** A longer condition belongs into a program of its own. */
const SOURCE_CHARS_MAX = 4_000;

/** What a sender may leave out: '' in CEL, so that comparing it is false rather than an error. */
const OPTIONAL = ['severity', 'name', 'message', 'time', 'cluster.id', 'cluster.name'];

const text = 'string';
const EVENT = {
  id: text,
  source: text,
  type: text,
  severity: text,
  name: text,
  message: text,
  cluster: { id: text, name: text },
  time: text,
  receivedAt: text,
  data: 'dyn',
  body: 'dyn',
};

const environment = new Environment({ unlistedVariablesAreDyn: false, enableOptionalTypes: true }).registerVariable('event', { schema: EVENT });

// CEL wants `1.0` beside a double, and every number of JSON is one: `event.data.count + 1` would pass the check and fail for each event.
const ARITHMETIC: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
};
for (const [sign, calculate] of Object.entries(ARITHMETIC)) {
  const sides = [`double ${sign} int`, `int ${sign} double`, ...(sign === '%' ? ['double % double'] : [])];
  for (const side of sides)
    environment.registerOperator(`${side}: double`, (a: number | bigint, b: number | bigint) => calculate(Number(a), Number(b)));
}

/** Evaluates for one event. Throws where that cannot be done. */
export type Evaluate = (event: EventView) => unknown;

/** Compiles one expression; null, and a report, where it is wrong. `type` is what CEL's checker makes of it. */
export function compileCel(source: string, path: Problem['path'], report: Report, offset = 0): { evaluate: Evaluate; type: string } | null {
  if (source.length > SOURCE_CHARS_MAX) {
    report({ path, what: `the expression is longer than ${SOURCE_CHARS_MAX} characters`, remedy: 'shorten it' });
    return null;
  }
  try {
    const checked = environment.parse(source);
    const types = checked.check();
    if (!types.valid) throw types.error ?? new Error('the expression cannot be typed');
    const run = environment.parse(rewritten(source, checked.ast));
    return { evaluate: (event): unknown => run({ event: celView(event) }), type: types.type ?? 'dyn' };
  } catch (error) {
    report({ path, ...describe(error, offset) });
    return null;
  }
}

/** The syntax tree of an expression that compiled. */
export function parseCel(source: string): ASTNode {
  return environment.parse(source).ast;
}

/** The first line of CEL's own words; the lines below it draw the place, which the problem's position already says. */
export function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}

function describe(error: unknown, offset: number): Omit<Problem, 'path'> {
  const what = firstLine(error);
  const at = typeof error === 'object' && error !== null && 'range' in error ? (error.range as { start: number } | undefined)?.start : undefined;
  const remedy = remedyFor(what) ?? 'mend the CEL expression';
  return { what, remedy, ...(at === undefined ? {} : { offset: offset + at }) };
}

/** The functions of texts that conditions are likely to use. */
const TEXT_FUNCTIONS = ['startsWith', 'endsWith', 'contains', 'matches', 'size', 'split', 'trim', 'lowerAscii', 'upperAscii', 'indexOf', 'substring'];

function remedyFor(what: string): string | null {
  const key = /^No such key: (\w+)$/.exec(what)?.[1];
  if (key !== undefined) return suggest(key, [...Object.keys(EVENT), ...Object.keys(EVENT.cluster)]);
  const variable = /^Unknown variable: (\w+)$/.exec(what)?.[1];
  if (variable !== undefined) return suggest(variable, ['event']);
  const name = /^found no matching overload for 'string\.(\w+)\(/.exec(what)?.[1];
  if (name !== undefined && !TEXT_FUNCTIONS.includes(name)) return suggest(name, TEXT_FUNCTIONS);
  return what === 'Unexpected character: =' ? 'compare with ==' : null;
}

const views = new WeakMap<EventView, object>();

/** What CEL sees of an event: made once, however many conditions look at it. */
function celView(event: EventView): object {
  const known = views.get(event);
  if (known !== undefined) return known;
  const { id, source, type, severity, name, message, cluster, time, receivedAt, data, body } = event;
  const view = {
    id,
    source,
    type,
    severity: severity ?? '',
    name: name ?? '',
    message: message ?? '',
    cluster: { id: cluster.id ?? '', name: cluster.name ?? '' },
    time: time ?? '',
    receivedAt,
    data,
    body,
  };
  views.set(event, view);
  return view;
}

/** A part of an expression, and what is put in its place. */
interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The expression with what this program means by `has` and `matches`. Throws where a regular expression is wrong. */
function rewritten(source: string, root: ASTNode): string {
  const found: Replacement[] = [];
  walk(root, (node) => {
    const replacement = hasOf(node) ?? matchesOf(node, source);
    if (replacement !== null) found.push(replacement);
  });
  found.sort((a, b) => b.start - a.start);
  return found.reduce((text, { start, end, text: instead }) => text.slice(0, start) + instead + text.slice(end), source);
}

/** `has(event.cluster.name)` asks whether the sender gave it; since it reads as '' where it did not, the question becomes a comparison. */
function hasOf(node: ASTNode): Replacement | null {
  if (node.op !== 'call' || node.args[0] !== 'has') return null;
  const field = node.args[1][0] === undefined ? undefined : selectionOf(node.args[1][0])?.join('.');
  return field !== undefined && OPTIONAL.includes(field) ? { start: node.start, end: node.end, text: `(event.${field} != "")` } : null;
}

/** cel-js matches with JavaScript's regular expressions, which some texts keep busy for ever; CEL's own are RE2's, linear in the text. */
function matchesOf(node: ASTNode, source: string): Replacement | null {
  if (node.op !== 'rcall' || node.args[0] !== 'matches') return null;
  const pattern = node.args[2][0];
  if (pattern === undefined) return null;
  if (pattern.op === 'value' && typeof pattern.args === 'string') patterns.set(pattern.args, compilePattern(pattern.args, pattern));
  // Between what is matched and the pattern stand only the name, brackets and comments; a comment may hold the name too.
  const { end } = node.args[1];
  const between = source.slice(end, pattern.start).replace(/\/\/[^\n]*/g, (comment) => ' '.repeat(comment.length));
  const start = end + between.lastIndexOf('matches');
  return { start, end: start + 'matches'.length, text: LINEAR };
}

/** The regular expressions of the configuration; one that is computed is compiled each time. */
const patterns = new Map<string, RE2JS>();
const LINEAR = 'matchesInLinearTime';
environment.registerFunction(`string.${LINEAR}(string): bool`, (text: string, pattern: string) =>
  (patterns.get(pattern) ?? RE2JS.compile(pattern)).matcher(text).find(),
);

function compilePattern(pattern: string, { start, end }: ASTNode): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    throw Object.assign(new Error(firstLine(error)), { range: { start, end } });
  }
}
