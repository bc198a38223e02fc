import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { lineOf } from '../../src/config/finding.js';
import { loadConfig, parseConfig } from '../../src/config/load.js';
import { kinds } from '../../src/kinds.js';

const ENV = { SECRET: 'canary-0123456789abcdef0123456789' };

const TABLE = `sources:
  castai: { path: /w, verify: { type: castai, secrets: ['\${SECRET}'] }, format: castai-event }
sinks: { events: { type: console }, ops: { type: console } }
routes: [{ name: page, match: { type: alert }, to: [ops] }]
otherwise: { to: [events] }
`;

/** What is said of one test, without file and line. */
function told(test: string, table = TABLE): string[] {
  const loaded = parseConfig(`${table}tests:\n  - ${test}`, 'bridge.yaml', ENV, kinds);
  return loaded.ok ? [] : loaded.problems.map((problem) => lineOf(problem).replace(/^bridge\.yaml:/, ''));
}

const given = 'given: { event: { type: alert } }';

describe('a mistake in a test of the table is a problem of the file, at its place', () => {
  it.each([
    [`{ name: n, ${given}, expect: [opz] }`, '7:60  tests[0].expect[0]: no sink named "opz"; did you mean "ops"?'],
    [`{ name: n, ${given}, expect: { to: [ops, evnts] } }`, '7:71  tests[0].expect.to[1]: no sink named "evnts"; did you mean "events"?'],
    [`{ name: n, ${given}, expect: { rows: [paeg] } }`, '7:68  tests[0].expect.rows[0]: no row named "paeg"; did you mean "page"?'],
    [`{ name: n, ${given}, expect: { not: { to: [op] } } }`, '7:73  tests[0].expect.not.to[0]: no sink named "op"; did you mean "ops"?'],
    [`{ name: n, ${given}, expect: { not: { rows: [pag] } } }`, '7:75  tests[0].expect.not.rows[0]: no row named "pag"; did you mean "page"?'],
    [
      `{ name: n, ${given}, expect: { messages: { ups: { line: x } } } }`,
      '7:73  tests[0].expect.messages.ups: no sink named "ups"; did you mean "ops"?',
    ],
    [`{ name: n, given: { source: castia, body: {} }, expect: [] }`, '7:33  tests[0].given.source: no source named "castia"; did you mean "castai"?'],
    [`{ name: n, given: { bodi: {} }, expect: [] }`, '7:25  tests[0].given.bodi: unknown key "bodi"; did you mean "body"?'],
    [
      `{ name: n, given: { source: castai }, expect: [] }`,
      '7:16  tests[0].given: there is neither a `body` nor an `event`; give the body that is posted, or the event as the table sees it',
    ],
    [
      `{ name: n, given: { body: {}, event: { type: x } }, expect: [] }`,
      '7:16  tests[0].given: there are both a `body` and an `event`; give the body that is posted, or the event as the table sees it',
    ],
    [
      `{ name: n, given: { body: {}, receivedAt: soon }, expect: [] }`,
      '7:47  tests[0].given.receivedAt: this is no time; write it as in 2026-01-12T09:24:07Z',
    ],
    [
      `{ name: n, given: { event: 5 }, expect: [] }`,
      '7:32  tests[0].given.event: a mapping is wanted here, and this is a number; it is: the event as the table sees it, without a format; what is not given is null',
    ],
    [`{ name: n, ${given}, expect: {} }`, '7:51  tests[0].expect: it expects nothing; list the sinks it goes to; `[]`: none'],
    [`{ name: n, ${given}, expect: { too: [ops] } }`, '7:61  tests[0].expect.too: unknown key "too"; did you mean "to"?'],
    [`{ name: n, ${given}, expect: { reason: unroutd } }`, '7:69  tests[0].expect.reason: "unroutd" is not allowed here; did you mean "unrouted"?'],
  ])('%s', (test, line) => {
    expect(told(test)).toEqual([line]);
  });

  it('where there are several sources, one must be named', () => {
    const table = TABLE.replace('sinks:', '  other: { path: /o, verify: { type: none }, format: castai-event }\nsinks:');
    expect(told(`{ name: n, ${given}, expect: [ops] }`, table)).toEqual([
      '8:16  tests[0].given: it names no source, and there are several; add `source:`, one of castai, other',
    ]);
  });
});

describe('tests in files of their own', () => {
  const folder = mkdtempSync(join(tmpdir(), 'castbridge-tests-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const load = (tests: string, name = 'more.yaml') => {
    mkdirSync(join(folder, 'parts'), { recursive: true });
    writeFileSync(join(folder, 'parts', 'more.yaml'), tests);
    writeFileSync(join(folder, 'bridge.yaml'), `${TABLE}testFiles: [parts/${name}]\n`);
    return loadConfig(join(folder, 'bridge.yaml'), ENV, kinds);
  };
  const lines = (loaded: ReturnType<typeof load>) => (loaded.ok ? [] : loaded.problems.map((problem) => lineOf(problem).replace(`${folder}/`, '')));

  it('are found from the folder of the configuration, and stand behind its own', () => {
    const loaded = load(`tests:\n  - { name: "in a file", ${given}, expect: [ops] }\n`);
    expect(lines(loaded)).toEqual([]);
    expect(loaded.ok && loaded.config.tests.map(({ name, at }) => [name, at.line, at.file])).toEqual([
      ['in a file', 2, join(folder, 'parts/more.yaml')],
    ]);
  });

  it('have their mistakes told with their own name and line', () => {
    expect(lines(load(`tests:\n  - { name: n, ${given}, expect: [opz] }\n`))).toEqual([
      'parts/more.yaml:2:60  tests[0].expect[0]: no sink named "opz"; did you mean "ops"?',
    ]);
    expect(lines(load(`test: []\n`))[0]).toMatch(/^parts\/more\.yaml:1:1 {2}test: unknown key "test"; did you mean "tests"\?$/);
    expect(lines(load(`tests:\n  - { name: n, given: { body: "\${NO_SUCH}" }, expect: [ops] }\n`))).toEqual([
      'parts/more.yaml:2:32  tests[0].given.body: the environment variable NO_SUCH is not set; set it, or give a default: ${NO_SUCH:-…}',
    ]);
  });

  it('that are not there are a mistake of the configuration', () => {
    expect(lines(load('tests: []\n', 'none.yaml'))).toEqual([
      'bridge.yaml:6:13  testFiles[0]: the file cannot be read (ENOENT); create it, or correct the path: it is taken from the folder of this file',
    ]);
  });
});
