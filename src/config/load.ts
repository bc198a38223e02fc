import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import type { Problem, Report } from '../core/problem.js';
import { createRedact } from '../core/redact.js';
import { secretFault } from '../core/secret.js';
import { suggest } from '../core/suggest.js';
import type { Kinds } from '../kinds.js';
import { createCompiler } from '../routing/compiler.js';
import { compileGlob, isGlob } from '../routing/glob.js';
import { catchesAll } from '../routing/match.js';
import { buildTable, OTHERWISE, type RouteRow } from '../routing/table.js';
import type { Building } from './building.js';
import type { Configuration, OperationsConfiguration, SinkConfiguration, SourceConfiguration } from './configuration.js';
import { readDocument } from './document.js';
import type { Finding } from './finding.js';
import { DocumentSchema, type DocumentShape } from './schema.js';
import { buildSinks } from './sinks.js';
import { buildSources } from './sources.js';
import { buildStorage } from './storage.js';
import { readText } from './substitute.js';
import { secretsIn, validate } from './validate.js';

/** A configuration ready to run, or every mistake in it, from the top of the file to its end. */
export type Loaded =
  | { readonly ok: true; readonly config: Configuration; readonly warnings: readonly Finding[] }
  | { readonly ok: false; readonly problems: readonly Finding[] };

/** A substituted text shorter than this is too common to redact: `prod`, `3000`. */
const SECRET_CHARS_MIN = 8;

/** What came from a reference is shown in no problem, unless it is too short to be told from other words. */
const REDACTED_CHARS_MIN = 4;

/** Reads and checks a configuration file. Opens nothing, creates nothing. */
export function loadConfig(file: string, env: Readonly<Record<string, string | undefined>>, kinds: Kinds): Loaded {
  try {
    return parseConfig(readFileSync(file, 'utf8'), file, env, kinds);
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    const what = `the file cannot be read (${why})`;
    return { ok: false, problems: [{ file, line: 1, column: 1, path: '(document)', what, remedy: 'name another with --config, or create it' }] };
  }
}

/** The same for a text that is in hand. */
export function parseConfig(text: string, file: string, env: Readonly<Record<string, string | undefined>>, kinds: Kinds): Loaded {
  const problems: Finding[] = [];
  const warnings: Finding[] = [];
  const failed = (): Loaded => ({ ok: false, problems: inOrder(problems) });
  const generated = new Map<string, string>();
  const document = readDocument(text, file, { env, read: readText, generated }, (finding) => problems.push(finding));
  if (document === null) return failed();
  const redact = createRedact(document.substituted.filter((value) => value.length >= REDACTED_CHARS_MIN));
  const locate = (problem: Problem): Finding => document.locate({ ...problem, what: redact(problem.what), remedy: redact(problem.remedy) });
  const report: Report = (problem) => {
    if (!document.unresolved.has(problem.path.join('\0'))) problems.push(locate(problem));
  };
  const warn: Report = (problem) => warnings.push(locate(problem));

  const check: Building['check'] = (schema, value, path) => validate(schema, value, path, report, document.replaced);
  const shape = check(DocumentSchema, document.value, []) as DocumentShape | null;
  if (shape === null) return failed();

  const building: Building = { kinds, report, check };
  const sources = buildSources(shape.sources, shape.dedup.window, building);
  const storage = buildStorage(shape.storage, building);
  const compiler = createCompiler(report);
  const sinks = buildSinks(shape.sinks, compiler, building);
  const names = Object.keys(shape.sinks);
  const rows = shape.routes.map((row, index) => ({ ...row, name: row.name ?? `route-${index + 1}` }));
  checkRoutes(rows, Object.keys(shape.sources), names, report);
  checkTargets(shape.otherwise?.to ?? [], ['otherwise', 'to'], names, report);
  const table = buildTable(rows, shape.otherwise?.to ?? null, compiler, report, warn);
  const operations: OperationsConfiguration = { ...shape.operations, token: shape.operations.token ?? null };
  checkOperations(shape.server.port, operations, report);
  checkHost(shape.server.host, 'server', report);
  checkHost(operations.host, 'operations', report);
  if (problems.length > 0 || storage === null) return failed();

  warnAbout(shape, sources, sinks, warn);
  const { bodyLimit, headerTimeout, bodyTimeout, host, port } = shape.server;
  const config: Configuration = {
    file,
    server: { host, port, bodyBytesMax: bodyLimit, headerTimeoutMs: headerTimeout, bodyTimeoutMs: bodyTimeout },
    operations,
    storage,
    dedupWindowMs: shape.dedup.window,
    shutdownMs: shape.shutdown.grace,
    sources: sources.map(({ source }) => source),
    sinks: sinks.map(({ sink }) => sink),
    table,
    routes: rows.length,
    secrets: [
      ...new Set([
        ...document.substituted.filter((value) => value.length >= SECRET_CHARS_MIN),
        ...secretsIn(DocumentSchema, shape),
        ...sources.flatMap((part) => part.secrets),
        ...sinks.flatMap((part) => part.secrets),
      ]),
    ],
    secretFiles: [...generated].map(([path, secret]) => ({ path, secret })),
  };
  return { ok: true, config, warnings: inOrder(warnings) };
}

/** From the top of the file to its end, whatever was checked first. */
function inOrder(findings: readonly Finding[]): Finding[] {
  return [...findings].sort((a, b) => a.line - b.line || a.column - b.column);
}

/** Every name in the table must exist: a misspelt one would be a row that never fires. */
function checkRoutes(rows: readonly RouteRow[], sources: readonly string[], sinks: readonly string[], report: Report): void {
  const seen = new Map<string, number>();
  rows.forEach((row, index) => {
    checkTargets(row.to, ['routes', index, 'to'], sinks, report);
    for (const source of [row.match?.source ?? []].flat()) {
      if (sources.some(compileGlob(source))) continue;
      const what = isGlob(source) ? `no source's name matches "${source}"` : `no source named "${source}"`;
      report({ path: ['routes', index, 'match', 'source'], what, remedy: suggest(source, sources) });
    }
    if (row.name === OTHERWISE)
      report({
        path: ['routes', index, 'name'],
        what: `"${OTHERWISE}" is what deliveries of the \`otherwise\` section are named`,
        remedy: 'choose another name',
      });
    const first = seen.get(row.name);
    if (first !== undefined)
      report({
        path: ['routes', index, 'name'],
        what: `"${row.name}" is the name of routes[${first}] too`,
        remedy: 'give each row a name of its own',
      });
    seen.set(row.name, first ?? index);
  });
}

function checkTargets(targets: readonly string[], path: Problem['path'], sinks: readonly string[], report: Report): void {
  targets.forEach((target, index) => {
    if (!sinks.includes(target)) report({ path: [...path, index], what: `no sink named "${target}"`, remedy: suggest(target, sinks) });
  });
}

function checkOperations(serverPort: number, operations: OperationsConfiguration, report: Report): void {
  const fault = operations.token === null ? null : secretFault(operations.token);
  if (fault !== null) report({ path: ['operations', 'token'], ...fault });
  if (operations.token === null && !isLoopback(operations.host)) {
    report({
      path: ['operations', 'host'],
      what: `"${operations.host}" can be reached from other machines, and there is no token`,
      remedy: 'set operations.token, or bind it to 127.0.0.1',
    });
  }
  if (serverPort !== 0 && serverPort === operations.port) {
    report({
      path: ['operations', 'port'],
      what: `port ${operations.port} is the server's port too`,
      remedy: 'give each listener a port of its own',
    });
  }
}

function checkHost(host: string, section: string, report: Report): void {
  if (isIP(host) !== 0 || /^[A-Za-z0-9._-]+$/.test(host)) return;
  report({ path: [section, 'host'], what: `"${host}" is neither an address nor a name`, remedy: `the port is a key of its own, ${section}.port` });
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** What is allowed, and seldom meant. */
function warnAbout(
  shape: DocumentShape,
  sources: readonly { source: SourceConfiguration }[],
  sinks: readonly { sink: SinkConfiguration }[],
  warn: Report,
): void {
  for (const { source } of sources) {
    if (source.verifyType !== 'none') continue;
    warn({
      path: ['sources', source.name, 'verify'],
      what: 'anybody who reaches this path can post events',
      remedy: 'use a verifier, or keep the listener private',
    });
  }
  const used = new Set([...shape.routes.flatMap((row) => row.to), ...(shape.otherwise?.to ?? [])]);
  for (const { sink } of sinks) {
    if (!used.has(sink.name))
      warn({ path: ['sinks', sink.name], what: 'no row of the table names this sink', remedy: 'name it in a row, or delete it' });
  }
  if (shape.otherwise === undefined && !shape.routes.some(catchesAll)) {
    warn({ path: ['routes'], what: 'an event that no row matches is kept as unrouted and sent nowhere', remedy: 'add `otherwise: { to: [SINK] }`' });
  }
}
