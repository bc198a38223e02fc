import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { annotation } from '../../src/cli/annotation.js';
import { check, type CheckOptions } from '../../src/cli/check.js';

const folder = mkdtempSync(join(tmpdir(), 'check-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const GOOD = `sources: { castai: { path: /w, verify: { type: castai, secrets: ["\${TOKEN}"] }, format: castai-event } }
sinks: { out: { type: console } }
routes: [{ to: [out] }]
`;
const good = file('good.yaml', GOOD);
const doubtful = file('doubtful.yaml', GOOD.replace('sinks: {', 'sinks: { idle: { type: console },'));
const bad = file('bad.yaml', GOOD.replace('[out]', '[outt]').replace('type: console', 'type: console, timeout: 10'));

async function run(files: readonly string[], options: CheckOptions = {}, json = false) {
  const [out, err]: [string[], string[]] = [[], []];
  const progress = { show: () => undefined, end: () => undefined };
  const invocation = { config: good, env: { TOKEN: '0123456789abcdef' }, json, progress };
  const code = await check({ ...invocation, out: (line) => void out.push(line), err: (line) => void err.push(line) }, files, options);
  return { code, out, err };
}

const PROBLEMS = [
  { file: bad, line: 2, column: 41, path: 'sinks.out.timeout', what: 'a number is no duration' },
  { file: bad, line: 3, column: 17, path: 'routes[0].to[0]', what: 'no sink named "outt"', remedy: 'did you mean "out"?' },
];

describe('castbridge check', () => {
  it('says yes to a good file: the one of --config, where none is named', async () => {
    expect(await run([])).toEqual({ code: 0, out: [`${good}: ok (1 source, 1 sink)`], err: [] });
  });

  it('tells every problem of every file, a line each, and their number', async () => {
    const { code, out, err } = await run([bad, good]);
    expect(code).toBe(1);
    expect(out).toHaveLength(3);
    expect(out[1]).toBe(`${bad}:3:17  routes[0].to[0]: no sink named "outt"; did you mean "out"?`);
    expect(err).toEqual(['2 problems, 0 warnings in 2 files']);
  });

  it('a warning is no problem, unless it is strict', async () => {
    const warning = `warning: ${doubtful}:2:10  sinks.idle: no row of the table names this sink; name it in a row, or delete it`;
    expect(await run([doubtful])).toEqual({ code: 0, out: [`${doubtful}: ok (1 source, 2 sinks)`], err: [warning] });
    expect(await run([doubtful], { strict: true })).toMatchObject({ code: 1, err: [warning, '0 problems, 1 warning in 1 file'] });
    expect((await run([good], { strict: true })).code).toBe(0);
  });

  it.each([
    ['--json', {}, true],
    ['--format json', { format: 'json' }, false],
  ] as const)('%s is one document for all files, with every place', async (_, options, json) => {
    const { code, out, err } = await run([bad, doubtful], options, json);
    expect([code, out.length, err]).toEqual([1, 1, []]);
    const told = JSON.parse(out[0] ?? '') as { problems: object[] };
    expect(told).toMatchObject({ ok: false, problems: PROBLEMS, warnings: [{ file: doubtful, line: 2, column: 10, path: 'sinks.idle' }] });
    for (const problem of told.problems) expect(Object.keys(problem).sort()).toEqual(['column', 'file', 'line', 'path', 'remedy', 'what']);
  });

  it('--format github shows them beside their lines', async () => {
    const { code, out } = await run([bad, doubtful], { format: 'github' });
    expect(code).toBe(1);
    expect(out[1]).toBe(`::error file=${bad},line=3,col=17,title=routes[0].to[0]::no sink named "outt"; did you mean "out"?`);
    expect(out[2]).toMatch(/^::warning file=.*doubtful\.yaml,line=2,col=10,title=sinks\.idle::no row/);
  });
});

it('what ends a property or a line of an annotation is escaped', () => {
  const finding = { file: 'C:\\a,b.yaml', line: 1, column: 2, path: 'a:b', what: '100 %\r\n: x', remedy: 'y, z' };
  expect(annotation('error', finding)).toBe('::error file=C%3A\\a%2Cb.yaml,line=1,col=2,title=a%3Ab::100 %25%0D%0A: x; y, z');
});
