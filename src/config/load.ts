import { readFileSync } from 'node:fs';
import type { Problem, Report } from '../core/problem.js';
import { createRedact } from '../core/redact.js';
import type { ReadingSource } from '../core/source.js';
import type { Kinds } from '../kinds.js';
import { createCompiler } from '../routing/compiler.js';
import { buildTable, OTHERWISE } from '../routing/table.js';
import type { Building } from './checking/building.js';
import { checkable, openDocument, type Checkable } from './checking/checker.js';
import { checkHost, checkOperations, checkRoutes, checkTargets } from './checking/checks.js';
import { describeConfiguration, settingsOf } from './described.js';
import type { Configuration, OperationsConfiguration } from './configuration.js';
import { decodeFile } from './yaml/file.js';
import type { Finding } from './finding.js';
import { DocumentSchema, type DocumentShape } from './schema/schema.js';
import { buildSinks } from './sinks.js';
import { buildSources } from './sources.js';
import { buildStorage } from './storage.js';
import { readText, type Lookup } from './yaml/substitute.js';
import { pathText, type YamlDocument } from './yaml/document.js';
import { buildTests } from './tests.js';
import { readTestFiles } from './test-files.js';
import { secretsAmong } from './checking/secrecy.js';
import { isMapping } from './checking/shape.js';
import { secretsIn } from './checking/validate.js';
import type { ReadFile } from './watch.js';
import { warnAbout } from './checking/warnings.js';

/** A configuration ready to run, or every mistake in it; both from the top of the file to its end. */
export type Loaded =
  { readonly ok: true; readonly config: Configuration; readonly warnings: readonly Finding[]; readonly checked: Checked } | Refused;

export interface Refused {
  readonly ok: false;
  readonly problems: readonly Finding[];
  readonly warnings: readonly Finding[];
  /** Where nothing is wrong with them. */
  readonly operations?: OperationsConfiguration;
}

/**
 * A document that was found to be right, references resolved, without its tests: plain data, from which the configuration can be built on another
 * thread than the one that read the text.
 */
export interface Checked extends Pick<YamlDocument, 'value' | 'substituted' | 'referring' | 'replaced'> {
  readonly generated: ReadonlyMap<string, string>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads and checks a configuration file. Opens nothing, creates nothing. */
export function loadConfig(file: string, env: Environment, kinds: Kinds, readFile: ReadFile = readFileSync): Loaded {
  let bytes: Buffer;
  try {
    bytes = readFile(file);
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return refused(file, `the file cannot be read (${why})`, 'name another with --config, or create it');
  }
  const text = decodeFile(bytes);
  return typeof text === 'string' ? parseConfig(text, file, env, kinds, readFile) : refused(file, text.what, text.remedy, text);
}

/** Nothing but this is known of the file. */
export function refused(
  file: string,
  what: string,
  remedy: string,
  at: { readonly line: number; readonly column: number } = { line: 1, column: 1 },
): Refused {
  return { ok: false, problems: [{ file, line: at.line, column: at.column, path: '(document)', what, remedy }], warnings: [] };
}

/** The same for a text that is in hand. */
export function parseConfig(text: string, file: string, env: Environment, kinds: Kinds, readFile: ReadFile = readFileSync): Loaded {
  const generated = new Map<string, string>();
  const lookup = { env, read: (path: string) => readText(path, readFile), generated };
  const opened = openDocument(text, file, lookup, kinds);
  if ('problems' in opened) return { ok: false, problems: opened.problems, warnings: [] };
  return build(opened, file, { kinds, lookup, readFile });
}

/** The same for what was read and checked on another thread. */
export function buildChecked({ generated, ...document }: Checked, file: string, kinds: Kinds): Loaded {
  const locate = ({ path, what, remedy }: Problem): Finding => ({ file, line: 1, column: 1, path: pathText(path), what, remedy });
  const read = { ...document, broken: new Set<string>(), locate, written: () => null, cutFrom: () => null, rename: () => undefined };
  return build(checkable(read, kinds), file, { kinds, lookup: { env: {}, read: () => null, generated: new Map(generated) }, readFile: readFileSync });
}

interface Reading {
  readonly kinds: Kinds;
  readonly lookup: Lookup;
  readonly readFile: ReadFile;
}

function build({ document, told, check }: Checkable, file: string, { kinds, lookup, readFile }: Reading): Loaded {
  const { report } = told;
  const shape = check(DocumentSchema, document.value, []) as DocumentShape;
  // Of what is no mapping there is nothing more to say.
  if (!isMapping(document.value)) return { ok: false, ...told.findings() };

  const building: Building = { kinds, report, check, excuse: (path) => document.broken.add(path.join('\0')) };
  const compiler = createCompiler(report);
  const { posted, polled } = buildSources(shape.sources, shape.dedup.window, compiler, building);
  const storage = buildStorage(shape.storage, building);
  const deadTo = shape.onDead?.to ?? [];
  const sinks = buildSinks(shape.sinks, deadTo, compiler, building);
  const operations: OperationsConfiguration = { ...shape.operations, token: shape.operations.token ?? null };
  checkListeners(shape, operations, report);
  const rows = rowsOf(shape);
  const otherwise = shape.otherwise?.to ?? null;
  const names = { sources: Object.keys(shape.sources), sinks: Object.keys(shape.sinks) };
  const owners = new Map(names.sources.map((name) => [name, polled.find(({ source }) => source.name === name)?.source.reads.name ?? name]));
  checkRoutes(rows, owners, names.sinks, report);
  checkTargets(otherwise ?? [], ['otherwise', 'to'], new Set(names.sinks), report);
  checkTargets(deadTo, ['onDead', 'to'], new Set(names.sinks), report);
  // What one row makes of others is only told where all of them are as they are meant.
  const warnOfRows: Report = (problem) => {
    if (!told.isDoubtful(['routes'])) told.warn(problem);
  };
  const table = buildTable(rows, otherwise, compiler, warnOfRows);
  warnAbout({ shape, ...names, isDoubtful: told.isDoubtful }, told.warn);

  const known = { ...names, rows: [...rows.map((row) => row.name), ...(otherwise === null ? [] : [OTHERWISE])] };
  const tests = buildTests(shape.tests, { check, report, names: known, locate: document.locate });
  const further = readTestFiles(shape.testFiles, file, { report, names: known, kinds, lookup, readFile });

  const { problems: own, warnings } = told.findings();
  const problems = [...own, ...further.problems];
  if (problems.length > 0 || storage === null) return { ok: false, problems, warnings, ...soundOperations(operations, problems) };
  const substituted = [...document.substituted, ...further.substituted];
  const secrets = secretsOf(substituted, shape, [...posted, ...polled, ...sinks]);
  const settings = settingsOf(shape, storage);
  const config: Configuration = {
    file,
    server: serverOf(shape),
    operations,
    storage,
    dedupWindowMs: shape.dedup.window,
    shutdownMs: shape.shutdown.grace,
    sources: posted.map(({ source }) => source),
    pollers: polled.map(({ source }) => source),
    readers: new Map<string, ReadingSource>([
      ...posted.map(({ source }) => [source.name, source] as const),
      ...polled.map(({ source }) => [source.name, source.reads] as const),
    ]),
    sinks: sinks.map(({ sink }) => sink),
    deadTo,
    table,
    routes: rows.length,
    settings,
    describe: (salt) => describeConfiguration({ settings, sources: [...posted, ...polled], sinks, rows }, createRedact(secrets), salt),
    rows: known.rows,
    leads: [...rows, ...(otherwise === null ? [] : [{ name: OTHERWISE, to: otherwise }])],
    tests: [...tests, ...further.tests],
    secrets,
    secretFiles: [...lookup.generated].map(([path, secret]) => ({ path, secret })),
  };
  return { ok: true, config, warnings, checked: checkedOf(document, substituted, lookup) };
}

/** They may stand under a key that is not known. */
function soundOperations(operations: OperationsConfiguration, problems: readonly Finding[]): Pick<Refused, 'operations'> {
  const sections = problems.map(({ path }) => /^\w*/.exec(path)?.[0] ?? '');
  const elsewhere = sections.every((section) => section !== 'operations' && Object.hasOwn(DocumentSchema.properties, section));
  return elsewhere ? { operations } : {};
}

function checkedOf({ value, referring, replaced }: YamlDocument, substituted: readonly string[], { generated }: Lookup): Checked {
  const rest = Object.fromEntries(Object.entries(value as object).filter(([name]) => name !== 'tests' && name !== 'testFiles'));
  return { value: rest, substituted, referring, replaced, generated };
}

function secretsOf(substituted: readonly string[], shape: DocumentShape, built: readonly { readonly secrets: readonly string[] }[]): string[] {
  return [...new Set([...secretsAmong(substituted), ...secretsIn(DocumentSchema, shape), ...built.flatMap(({ secrets }) => secrets)])];
}

function serverOf({ server: { host, port, bodyLimit, headerTimeout, bodyTimeout } }: DocumentShape): Configuration['server'] {
  return { host, port, bodyBytesMax: bodyLimit, headerTimeoutMs: headerTimeout, bodyTimeoutMs: bodyTimeout };
}

function rowsOf({ routes }: DocumentShape) {
  return routes.map((row, index) => ({ ...row, name: row.name ?? `route-${index + 1}` }));
}

function checkListeners({ server }: DocumentShape, operations: OperationsConfiguration, report: Report): void {
  checkOperations(server.port, operations, report);
  checkHost(server.host, 'server', report);
  checkHost(operations.host, 'operations', report);
}
