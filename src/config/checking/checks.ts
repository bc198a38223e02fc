import { isIP } from 'node:net';
import { ON_DEAD } from '../../core/delivery.js';
import type { Problem, Report } from '../../core/problem.js';
import { secretFault } from '../../core/secret.js';
import { suggest } from '../../core/suggest.js';
import { compileGlob, isGlob } from '../../routing/glob.js';
import { OTHERWISE, type RouteRow } from '../../routing/table.js';
import type { OperationsConfiguration } from '../configuration.js';

/** Every name in the table must exist: a misspelt one would be a row that never fires. `sources`: whose events each brings, its own or those of another. */
export function checkRoutes(rows: readonly RouteRow[], sources: ReadonlyMap<string, string>, sinks: readonly string[], report: Report): void {
  const names = new Map<string, number>();
  const owners = new Set(sources.values());
  const knownSinks = new Set(sinks);
  rows.forEach((row, index) => {
    checkTargets(row.to, ['routes', index, 'to'], knownSinks, report);
    checkRowSources(row, index, { sources, owners }, report);
    if (row.name === OTHERWISE || row.name === ON_DEAD)
      report({
        path: ['routes', index, 'name'],
        what: `"${row.name}" is what deliveries of the \`${row.name}\` section are named`,
        remedy: 'choose another name',
      });
    const first = names.get(row.name);
    if (first !== undefined)
      report({
        path: ['routes', index, 'name'],
        what: `"${row.name}" is the name of routes[${first}] too`,
        remedy: 'give each row a name of its own',
        from: [['routes', first, 'name']],
      });
    names.set(row.name, first ?? index);
  });
}

interface Sources {
  readonly sources: ReadonlyMap<string, string>;
  /** Those that events are of. */
  readonly owners: ReadonlySet<string>;
}

function checkRowSources({ match }: RouteRow, index: number, { sources, owners }: Sources, report: Report): void {
  const wanted = match?.source;
  [wanted ?? []].flat().forEach((source, entry) => {
    if (isGlob(source) ? [...owners].some(compileGlob(source)) : owners.has(source)) return;
    const path = ['routes', index, 'match', 'source', ...(typeof wanted === 'string' ? [] : [entry])];
    const owner = sources.get(source);
    if (owner !== undefined) {
      report({ path, what: `what "${source}" brings are events of "${owner}"`, remedy: `write ${owner}` });
      return;
    }
    const what = isGlob(source) ? `no source's name matches "${source}"` : `no source named "${source}"`;
    report({ path, what, remedy: suggest(source, [...owners]), from: [['sources']] });
  });
}

/** Every sink a row or `otherwise` names must exist. */
export function checkTargets(targets: readonly string[], path: Problem['path'], sinks: ReadonlySet<string>, report: Report): void {
  targets.forEach((target, index) => {
    if (sinks.has(target)) return;
    report({ path: [...path, index], what: `no sink named "${target}"`, remedy: suggest(target, [...sinks]), from: [['sinks']] });
  });
}

/** The operators' API must not be open to others, nor on the port of the webhooks. */
export function checkOperations(serverPort: number, operations: OperationsConfiguration, report: Report): void {
  const fault = operations.token === null ? null : secretFault(operations.token);
  if (fault !== null) report({ path: ['operations', 'token'], ...fault });
  if (operations.token === null && !isLoopback(operations.host)) {
    report({
      path: ['operations', 'host'],
      what: `"${operations.host}" can be reached from other machines, and there is no token`,
      remedy: 'set operations.token, or bind it to 127.0.0.1',
      from: [['operations', 'token']],
    });
  }
  if (serverPort !== 0 && serverPort === operations.port) {
    report({
      path: ['operations', 'port'],
      what: `port ${operations.port} is the server's port too`,
      remedy: 'give each listener a port of its own',
      from: [['server', 'port']],
    });
  }
}

/** An address or a name, without a port. */
export function checkHost(host: string, section: string, report: Report): void {
  if (isIP(host) !== 0 || (/^[A-Za-z0-9._-]+$/.test(host) && /[A-Za-z]/.test(host))) return;
  const remedy = host.includes('://')
    ? 'write the name or address alone, without "http://"'
    : host.includes(':')
      ? `the port is a key of its own, ${section}.port`
      : 'write a name or an address: 0.0.0.0, 127.0.0.1';
  report({ path: [section, 'host'], what: `"${host}" is neither an address nor a name`, remedy });
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
