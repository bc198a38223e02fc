import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

/** Which part may import which, itself aside. Imports point inward. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  schema: [],
  sources: ['core', 'schema'],
  sinks: ['core', 'schema'],
  stores: ['core', 'schema'],
  routing: ['core', 'schema'],
  delivery: ['core', 'routing'],
  ingress: ['core'],
  ops: ['core', 'delivery'],
  // kinds.ts and bridge.ts are handed in where they are needed; here they are types.
  config: ['core', 'schema', 'routing', 'kinds.ts'],
  'kinds.ts': ['core', 'sources', 'sinks', 'stores'],
  trial: ['config', 'core', 'routing', 'kinds.ts'],
  // What is told of a topic is what the sink writes: its configuration is a type here.
  asyncapi: ['config', 'core', 'kinds.ts', 'routing', 'sinks'],
  'bridge.ts': ['config', 'core', 'delivery', 'ingress', 'kinds.ts', 'ops'],
  cli: ['asyncapi', 'bridge.ts', 'config', 'core', 'delivery', 'kinds.ts', 'ops', 'routing', 'sources', 'trial'],
  'main.ts': ['cli'],
};

const SRC = new URL('../src/', import.meta.url).pathname;

/** The packages a part may use, where that is limited. */
const MAY_USE: Readonly<Record<string, readonly string[]>> = {
  core: [],
  schema: ['typebox'],
  routing: ['@marcbachmann/cel-js', 'liquidjs', 're2js'],
};

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const imports = files.flatMap((file) => {
  const text = readFileSync(join(SRC, file), 'utf8');
  return [...text.matchAll(/^(?:import|export)\b[^;]*?\bfrom '([^']+)';|^import '([^']+)';/gm)].map((match) => ({
    file,
    target: match[1] ?? match[2] ?? '',
  }));
});
const part = (file: string): string => file.split('/')[0] ?? file;
const resolved = (file: string, target: string): string => join(dirname(file), target).replace(/\.js$/, '.ts');

describe('the import table', () => {
  it('names every part of the source', () => {
    expect([...new Set(files.map(part))].sort()).toEqual(Object.keys(MAY_IMPORT).sort());
    expect(imports.length).toBeGreaterThan(files.length);
  });

  it('is kept by every file', () => {
    const broken = imports.filter(({ file, target }) => {
      if (!target.startsWith('.')) return false;
      const to = part(resolved(file, target));
      return to !== part(file) && MAY_IMPORT[part(file)]?.includes(to) !== true;
    });
    expect(broken).toEqual([]);
  });

  it('limits the packages of the inner parts', () => {
    const broken = imports.filter(({ file, target }) => !target.startsWith('.') && MAY_USE[part(file)]?.includes(target) === false);
    expect(broken).toEqual([]);
  });

  it('lets no kind import another kind', () => {
    const kinds = imports
      .filter(({ file }) => file === 'kinds.ts')
      .map(({ file, target }) => resolved(file, target))
      .filter((file) => !file.startsWith('core/'));
    expect(kinds.length).toBeGreaterThan(6);
    const broken = imports.filter(({ file, target }) => kinds.includes(file) && target.startsWith('.') && kinds.includes(resolved(file, target)));
    expect(broken).toEqual([]);
  });

  it('has each import read from what exists', () => {
    const missing = imports.filter(({ file, target }) => target.startsWith('.') && !files.includes(resolved(file, target)));
    expect(missing).toEqual([]);
  });
});
