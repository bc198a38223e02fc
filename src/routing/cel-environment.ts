import { Environment } from '@marcbachmann/cel-js';
import { RE2JS } from 're2js';
import type { EventView } from '../core/event.js';

const text = 'string';

/** The fields of an event as CEL's checker knows them: a text, fields below, or anything. */
export const EVENT = {
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

/** What a sender may leave out: '' in CEL, so that comparing it is false rather than an error. */
export const OPTIONAL = ['severity', 'name', 'message', 'time', 'cluster.id', 'cluster.name'];

export const environment = new Environment({ unlistedVariablesAreDyn: false, enableOptionalTypes: true }).registerVariable('event', {
  schema: EVENT,
});

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

/** What `matches` is rewritten to: cel-js's own backtracks, RE2 is linear in the text. */
export const LINEAR = 'matchesInLinearTime';

/** The regular expressions of the expression that is being evaluated: evaluation is synchronous. One that is computed is compiled each time. */
let patternsInForce: ReadonlyMap<string, RE2JS> = new Map();
environment.registerFunction(`string.${LINEAR}(string): bool`, (text: string, pattern: string) =>
  (patternsInForce.get(pattern) ?? RE2JS.compile(pattern)).matcher(text).find(),
);

/** What a loop is called on, in an expression that is rewritten: loops inside each other multiply, and cel-js knows no end of them. */
export const STEPWISE = 'stepwise';

/** How long one expression with a loop may take for one event, ms: a bridge that computes takes no other event. */
const LOOP_MS_MAX = 100;

/** Of a longer list, each element asks for the time; of a shorter one the list does: asking costs more than most conditions. */
const UNASKED_MAX = 64;

/** When the expression that is being evaluated must be done, by `performance.now()`. */
let deadline = Infinity;

function askTime(): void {
  if (performance.now() > deadline) throw new Error(`the expression took longer than ${LOOP_MS_MAX} ms for this event`);
}

function stepwise(list: readonly unknown[]): readonly unknown[] {
  askTime();
  if (list.length <= UNASKED_MAX) return list;
  return new Proxy(list, {
    get(target, key) {
      askTime();
      return Reflect.get(target, key) as unknown;
    },
  });
}
environment.registerFunction(`list.${STEPWISE}(): list`, stepwise);
environment.registerFunction(`map.${STEPWISE}(): list`, (map: object) =>
  stepwise(map instanceof Map ? [...(map.keys() as Iterable<unknown>)] : Object.keys(map)),
);

/** What an expression is evaluated with, beside the event. */
export interface Means {
  readonly patterns: ReadonlyMap<string, RE2JS>;
  readonly loops: boolean;
}

/** Evaluates with an expression's own regular expressions, and in time. */
export function withMeans<Result>({ patterns, loops }: Means, evaluate: () => Result): Result {
  patternsInForce = patterns;
  deadline = loops ? performance.now() + LOOP_MS_MAX : Infinity;
  return evaluate();
}

let seen: { readonly event: EventView; readonly view: object } | null = null;

/** What CEL sees of an event: made once, however many conditions look at it, since they do one after the other. */
export function celView(event: EventView): object {
  if (seen?.event === event) return seen.view;
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
  seen = { event, view };
  return view;
}
