import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { here, served, until } from '../e2e/serve.js';
import { ENV, SECRET, TABLE, testOf, WEBHOOK } from '../trial/tables.js';

const folder = mkdtempSync(join(tmpdir(), 'castbridge-trial-'));
afterAll(() => rmSync(folder, { recursive: true }));

function written(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

const pages = testOf({ event: { type: 'known', severity: 'critical', cluster: { name: 'prod-1' } } }, ['events', 'ops'], 'it pages');
const fails = testOf({ event: { type: 'known' } }, ['ops'], 'it fails');

describe('`castbridge test`', () => {
  const file = written('test.yaml', `${TABLE}tests: ${JSON.stringify([pages, fails])}`);

  it('says of each test whether it passes, and of the rows which no test matches', async () => {
    const { code, out } = await here(['test', file], ENV);
    expect(code).toBe(1);
    expect(out.replaceAll(folder, '')).toMatch(
      /^ok {4}it pages\nFAIL {2}it fails\n {6}\/test\.yaml:\d+:\d+ {2}tests\[1\]\n {6}expect\.to: expected \[ops\], /,
    );
    expect(out).toContain('\n2 tests: 1 passed, 1 failed\nrows no test matches: count, placed, late, twice, twice-again (5 of 7)\n');
  });

  it('is one document with --json', async () => {
    const { out } = await here(['test', file, '--json'], ENV);
    expect(JSON.parse(out)).toMatchObject({
      ok: false,
      tests: [
        { name: 'it pages', ok: true, rows: ['archive', 'page'] },
        { name: 'it fails', ok: false, path: 'tests[1]', failures: [{ path: 'expect.to' }] },
      ],
      uncovered: ['count', 'placed', 'late', 'twice', 'twice-again'],
    });
  });

  it('takes further files of tests, and with --all-rows a row that no test matches is a no', async () => {
    const good = written('good.yaml', `${TABLE}tests: ${JSON.stringify([pages])}`);
    const more = written('more.yaml', `tests: ${JSON.stringify([testOf({ event: { type: 'twice' } }, ['ops', 'ops'], 'twice')])}`);
    const plain = await here(['test', good, '--tests', more], ENV);
    expect([plain.code, plain.out]).toEqual([
      0,
      expect.stringContaining('2 tests: 2 passed, 0 failed\nrows no test matches: count, placed, late (3 of 7)'),
    ]);
    expect((await here(['test', good, '--tests', more, '--all-rows'], ENV)).code).toBe(1);
    const wrong = await here(['test', good, '--tests', written('wrong.yaml', `tests: ${JSON.stringify([testOf({ body: {} }, ['opz'])])}`)], ENV);
    expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining('no sink named "opz"; did you mean "ops"?')]);
  });

  it('says what a file of tests begins with, of one that holds nothing', async () => {
    const { code, err } = await here(['test', file, '--tests', written('empty.yaml', '# nothing\n')], ENV);
    expect([code, err]).toEqual([1, expect.stringContaining('there is nothing in the file; begin with `tests:`')]);
  });

  it('a test that fails is a problem of `check`, and keeps `serve` from starting', async () => {
    for (const args of [
      ['check', file],
      ['serve', '--config', file],
    ]) {
      const { code, out, err } = await here(args, ENV);
      expect([code, out + err]).toEqual([1, expect.stringContaining('tests[1].expect: "it fails" fails: to: expected [ops]')]);
    }
  });
});

describe('`castbridge explain`', () => {
  const config = written('explain.yaml', TABLE);
  const event = { id: 'e1', type: 'placed', data: { severity: 'critical', path: 'a', token: SECRET, cluster: { name: 'dev-1' } } };
  const body = written('event.json', JSON.stringify(event));

  it('tells what is read, what each row makes of it, and what would be sent', async () => {
    const { code, out } = await here(['explain', body, '--config', config, '--source', 'castai'], ENV);
    expect(code).toBe(0);
    for (const line of [
      '  cluster.name  "dev-1"',
      '  ✗ page → ops: no: where `event.cluster.name == "prod-1"`, and event.cluster.name is "dev-1"',
      '  ✓ placed → cmdb, screen: yes, and it stops: no row below is looked at',
      '  - late → ops: not looked at: "placed" above it matched and stops',
      'placed → cmdb (http)',
      '  url: https://cmdb.internal/a',
      '    authorization: [redacted]',
    ])
      expect(out.split('\n')).toContain(line);
    for (const secret of [SECRET, WEBHOOK]) expect(out).not.toContain(secret);
  });

  it('asks for the source where there are several, and suggests one for a name that is none', async () => {
    expect(await here(['explain', body, '--config', config], ENV)).toMatchObject({
      code: 2,
      err: 'castbridge: name the source with --source, one of castai, hashed\n',
    });
    const { code, err } = await here(['explain', body, '--config', config, '--source', 'castia'], ENV);
    expect([code, err]).toEqual([2, 'castbridge: no source named "castia"; did you mean "castai"?\n']);
  });

  it('is a no where nothing could be sent, and one document with --json', async () => {
    const { code, out } = await here(
      ['explain', written('nobody.json', '{"id":"e1","type":"x"}'), '--config', config, '--source', 'castai', '--json'],
      ENV,
    );
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      source: 'castai',
      ok: false,
      event: { id: 'e1' },
      rows: expect.any(Array) as unknown[],
      deliveries: [{ reason: 'unrouted' }],
    });
  });

  it('shows an event of very many levels as far as it goes', async () => {
    const deep = `{"id":"e1","type":"placed","data":${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}}`;
    const { out, err } = await here(['explain', written('deep.json', deep), '--config', config, '--source', 'castai', '--json'], ENV);
    expect([err, out]).toEqual(['', expect.stringContaining('"(more than 500 levels)"')]);
  });

  it('of a long table shows the rows that matched, and how many others failed by what', async () => {
    const rows = Array.from({ length: 3_000 }, (_, index) => `{ name: r${index}, match: { type: t${index} }, to: [screen] }`);
    const long = written('long.yaml', `${TABLE.slice(0, TABLE.indexOf('routes:'))}routes: [${rows.join(', ')}]`);
    const args = ['explain', written('t7.json', '{"id":"e1","type":"t7"}'), '--config', long, '--source', 'castai'];
    const { out } = await here(args, ENV);
    expect(out).toContain('\nrows\n  ✓ r7 → screen: yes\n  2999 more: no, by type\n  (--all shows every row)\n');
    expect((await here([...args, '--all'], ENV)).out).toContain('\n  ✗ r2999 → screen: no: type `t2999`, and event.type is "t7"\n');
  });

  it('takes an event that the running bridge received, however large, and the table as the file has it now', async () => {
    const table = (type: string) => `
sources: { open: { path: /webhooks/castai, verify: { type: none }, format: castai-event } }
sinks: { screen: { type: console } }
routes: [{ name: now, match: { type: ${type} }, to: [screen] }]
`;
    const bridge = await served(table('before'));
    onTestFinished(() => bridge.cleanUp());
    await bridge.start();
    const large = { id: 'e-large', type: 'now', data: { text: 'x'.repeat(300_000), last: 'the end' } };
    expect((await fetch(bridge.url, { method: 'POST', body: JSON.stringify(large) })).status).toBe(200);
    bridge.write(table('now'));
    const { code, out, err } = await bridge.here('explain', '--id', 'e-large', '--json');
    expect([code, err]).toEqual([0, '']);
    const { event, deliveries } = JSON.parse(out) as { event: object; deliveries: [{ message: { line: string } }] };
    expect(event).toMatchObject({ id: 'e-large', data: large.data });
    expect(JSON.parse(deliveries[0].message.line)).toMatchObject({ deliveryId: expect.stringMatching(/^.+\.0$/) as string, body: large });
    expect(await bridge.here('explain', '--id', 'no-such')).toMatchObject({ code: 1 });
  });
});

it('a reload with a test that fails leaves the configuration in force, and says which', async () => {
  const table = (tests: string) => `
sources: { open: { path: /webhooks/castai, verify: { type: none }, format: castai-event } }
sinks: { screen: { type: console } }
routes: [{ name: all, to: [screen] }]
tests: [${tests}]
`;
  const bridge = await served(table(''));
  onTestFinished(() => bridge.cleanUp());
  await bridge.start();
  bridge.write(table('{ name: "never", given: { event: { type: x } }, expect: [] }'));
  bridge.signal('SIGHUP');
  await until(() => bridge.output.stderr.includes('\\"never\\" fails: to: expected none, and it is owed to [screen]'));
  expect((await fetch(bridge.url, { method: 'POST', body: '{"id":"e1","type":"x"}' })).status).toBe(200);
  await until(() => bridge.output.stdout.includes('"id":"e1"'));
});
