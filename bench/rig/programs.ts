import { build } from 'esbuild';
import { basename } from 'node:path';

const FOLDER = new URL('../', import.meta.url).pathname;
/** Inside node_modules, so that packages are found from there. */
const OUT = new URL('../../node_modules/.cache/castbridge-bench/', import.meta.url).pathname;

const SOURCES = ['programs/autocannon', 'programs/receiver', 'programs/consumer', 'programs/paced', 'programs/sender', 'programs/profiler']
  .concat(['baseline/bare-http', 'baseline/bare-koa', 'baseline/log', 'baseline/handler'])
  .map((name) => `${FOLDER}${name}.ts`);
let built: Promise<unknown> | undefined;

/** The file of a program of the bench as plain JavaScript: a loader of TypeScript in its process would be measured with it. */
export async function program(name: string): Promise<string> {
  if (!SOURCES.some((source) => basename(source, '.ts') === name)) throw new Error(`there is no program ${name}`);
  await (built ??= build({
    entryPoints: SOURCES,
    outdir: OUT,
    entryNames: '[name]',
    outExtension: { '.js': '.mjs' },
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
  }));
  return `${OUT}${name}.mjs`;
}
