import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, until } from './e2e/serve.js';

const ROOT = new URL('..', import.meta.url).pathname;
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

/** What git is told to leave alone. */
const IGNORED = readFileSync(join(ROOT, '.gitignore'), 'utf8')
  .split('\n')
  .map((line) => line.replace(/\/$/, ''));

/** The commands of the README's blocks, as they stand there. */
const commands = [...README.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, block = '']) => block.split('\n').filter((line) => line !== ''));

describe('the README', () => {
  it('does all the set-up with two commands, and CI runs the second', () => {
    expect(commands.slice(0, 4)).toEqual([
      'npm ci && npm start',
      'npx castbridge trigger resource.created',
      'npx castbridge deliveries',
      'npm ci && npm test',
    ]);
    expect(readFileSync(join(ROOT, '.ci/run'), 'utf8').split('\n')).toContain('npm ci && npm test');
  });

  it('has a row for every command', () => {
    const help = execFileSync(process.execPath, [join(ROOT, 'dist/main.js'), '--help'], { encoding: 'utf8' });
    const names = [...(help.split('Commands:')[1] ?? '').matchAll(/^ {2}(\w+)/gm)].map(([, name = '']) => name).filter((name) => name !== 'help');
    expect(names.length).toBeGreaterThan(10);
    expect(names.filter((name) => !README.includes(`| \`castbridge ${name} `))).toEqual([]);
  });

  it('names files that exist', () => {
    const links = [...README.matchAll(/\]\(([^)#:]+)\)/g)].map((match) => match[1] ?? '');
    expect(links.length).toBeGreaterThan(4);
    for (const link of links) expect(statSync(join(ROOT, link)), link).toBeDefined();
  });

  it('shows configurations that `check` accepts', async () => {
    const blocks = [...README.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? '');
    expect(blocks.length).toBeGreaterThan(0);
    for (const block of blocks) {
      const folder = mkdtempSync(join(tmpdir(), 'castbridge-readme-'));
      writeFileSync(join(folder, 'bridge.yaml'), block);
      const env = {
        ...process.env,
        CASTAI_WEBHOOK_SECRET: 'readme-0123456789abcdef',
        SLACK_OPS_URL: 'https://hooks.slack.com/services/T/B/X',
        CMDB_SECRET: `whsec_${Buffer.alloc(24, 7).toString('base64')}`,
      };
      const child = spawn(process.execPath, [join(ROOT, 'dist/main.js'), 'check', join(folder, 'bridge.yaml')], { env, stdio: 'pipe' });
      let text = '';
      child.stdout.on('data', (chunk) => (text += String(chunk)));
      child.stderr.on('data', (chunk) => (text += String(chunk)));
      const [code] = (await once(child, 'close')) as [number];
      expect([code, text]).toEqual([0, expect.stringMatching(/: ok \(\d sources?, \d sinks?\)\n$/)]);
      rmSync(folder, { recursive: true });
    }
  });
});

describe('its first screen, followed on a clean copy', () => {
  let folder: string;
  let bridge: ChildProcess | undefined;
  let shown = '';

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'castbridge-readme-'));
    const entries = readdirSync(ROOT).filter((entry) => !['.git', 'test', ...IGNORED].includes(entry));
    for (const entry of entries) cpSync(join(ROOT, entry), join(folder, entry), { recursive: true });
    // The ports of the README may be taken where the tests run.
    const config = join(folder, 'config/bridge.yaml');
    let text = readFileSync(config, 'utf8');
    for (const port of ['port: 3000', 'port: 3001']) text = text.replace(port, `port: ${await freePort()}`);
    writeFileSync(config, text);
  });
  afterAll(async () => {
    if (bridge?.pid !== undefined && bridge.exitCode === null) {
      const ended = once(bridge, 'exit');
      process.kill(-bridge.pid, 'SIGTERM');
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  });

  const run = (command: string) => execFileSync('sh', ['-c', command], { cwd: folder, encoding: 'utf8' });

  it('the first command installs, builds and runs the bridge; the second terminal shows an event arriving', async () => {
    const env = { ...process.env };
    delete env['CASTAI_WEBHOOK_SECRET'];
    const started = spawn('sh', ['-c', commands[0] ?? ''], { cwd: folder, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    bridge = started;
    started.stdout.on('data', (chunk) => (shown += String(chunk)));
    started.stderr.on('data', (chunk) => (shown += String(chunk)));
    await until(() => {
      if (started.exitCode !== null) throw new Error(shown);
      return shown.includes('"msg":"ready"');
    });
    expect(shown).toContain('made a random webhook secret, and keeps it in ./data/castai.secret');
    expect(statSync(join(folder, 'data/castai.secret')).mode & 0o777).toBe(0o600);
    expect(IGNORED).toContain('data');

    expect(run(commands[1] ?? '')).toMatch(/^200 \{"received":true\} {2}id evt_/);
    await until(() => shown.includes('"type":"resource.created"'));
    await until(() => run(commands[2] ?? '').includes(' delivered '));
    expect(shown).not.toContain(readFileSync(join(folder, 'data/castai.secret'), 'utf8').trim());
  }, 120_000);
});
