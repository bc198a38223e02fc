import { randomBytes } from 'node:crypto';
import { isFingerprint, type Described } from '../config/described.js';
import { differenceBetween, isSame, type Difference, type Differing, type PartsDiffer } from '../config/difference.js';
import type { InForceView } from '../ops/in-force.js';
import { connect } from './client.js';
import { configured } from './configured.js';
import { EXIT } from './exit.js';
import type { Invocation } from './invocation.js';

interface Compared {
  readonly config: Described;
  readonly salt: string;
  readonly waiting: InForceView['waiting'];
}

/** `castbridge diff [FILE]`: what FILE would change about the configuration in force, or about another file. The answer is no where it changes anything. */
export async function diff(invocation: Invocation, given: string | undefined, options: { readonly against?: string }): Promise<number> {
  const after = configured({ ...invocation, config: given ?? invocation.config }).config;
  const before = options.against === undefined ? await inForce(invocation) : inFile(invocation, options.against);
  const differing = differenceBetween(before.config, after.describe(before.salt));
  const lost: Record<string, number> = {};
  for (const sink of differing.sinks.removed) if ((before.waiting[sink] ?? 0) > 0) lost[sink] = before.waiting[sink] ?? 0;
  const same = isSame(differing);
  if (invocation.json) invocation.out(JSON.stringify({ same, ...differing, waitingForRemoved: lost }));
  else for (const line of same ? ['nothing would change'] : linesOf(differing, lost)) invocation.out(line);
  return same ? EXIT.done : EXIT.no;
}

async function inForce(invocation: Invocation): Promise<Compared> {
  const { config, salt, waiting } = (await connect(invocation)('GET', '/-/config')) as InForceView;
  return { config: config as Described, salt, waiting };
}

function inFile(invocation: Invocation, file: string): Compared {
  const salt = randomBytes(16).toString('hex');
  return { config: configured({ ...invocation, config: file }).config.describe(salt), salt, waiting: {} };
}

function linesOf({ sinks, sources, routes, settings }: Differing, lost: Readonly<Record<string, number>>): string[] {
  const removed = (sink: string): string =>
    lost[sink] === undefined ? '' : `: ${lost[sink].toLocaleString('en')} waiting for it become dead letters (sink_removed)`;
  return [
    ...section('sources', partLines(sources)),
    ...section('sinks', partLines(sinks, removed)),
    ...section('routes', [...partLines(routes), ...routes.moved.map((name) => `  > ${name}: moved`)]),
    ...section(
      'settings',
      settings.map((one) => `  ~ ${lineOf(one)}${one.restart ? '  (needs a restart: a reload is refused)' : ''}`),
    ),
  ];
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines];
}

function partLines({ added, removed, changed }: PartsDiffer, ofRemoved: (name: string) => string = () => ''): string[] {
  return [
    ...added.map((name) => `  + ${name}`),
    ...removed.map((name) => `  - ${name}${ofRemoved(name)}`),
    ...changed.flatMap(({ name, differences }) => [`  ~ ${name}`, ...differences.map((one) => `      ${lineOf(one)}`)]),
  ];
}

function lineOf({ path, before, after }: Difference): string {
  if (isFingerprint(before) && isFingerprint(after)) return `${path}: another secret`;
  return `${path}: ${shown(before)} → ${shown(after)}`;
}

function shown(value: unknown): string {
  if (value === undefined) return '(none)';
  if (isFingerprint(value)) return '(secret)';
  const text = typeof value === 'string' ? value : JSON.stringify(value, (_, item: unknown) => (isFingerprint(item) ? '(secret)' : item));
  return text.includes('\n') ? JSON.stringify(text) : text;
}
