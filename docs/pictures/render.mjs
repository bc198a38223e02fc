// `npm run pictures`: takes the pictures of the README with a chromium of the machine (Debian: chromium, fonts-lato, fonts-noto-color-emoji).
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pageOf } from './block-kit.mjs';
import { PICTURES, stampOf } from './pictures.mjs';

const here = new URL('.', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'castbridge-pictures-'));

function chromium(...args) {
  const flags = [
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    '--hide-scrollbars',
    '--force-device-scale-factor=2',
    `--user-data-dir=${folder}/profile`,
  ];
  const { status, stdout, error, stderr } = spawnSync('chromium', [...flags, ...args], { encoding: 'utf8', timeout: 60_000 });
  if (error?.code === 'ENOENT') throw new Error('there is no chromium here: install it, then run this again');
  if (status !== 0) throw new Error(`chromium ended with ${status}: ${stderr}`);
  return stdout;
}

try {
  for (const name of PICTURES) {
    const html = pageOf(JSON.parse(readFileSync(join(here, `${name}.json`), 'utf8')));
    const page = join(folder, `${name}.html`);
    writeFileSync(page, `${html}<script>document.title = document.querySelector('main').offsetHeight</script>`);
    const height = /<title>(\d+)<\/title>/.exec(chromium('--window-size=680,600', '--dump-dom', `file://${page}`))?.[1];
    chromium(`--window-size=680,${height}`, `--screenshot=${join(here, `${name}.png`)}`, `file://${page}`);
    console.log(`docs/pictures/${name}.png`);
  }
  writeFileSync(join(here, 'taken.json'), `${JSON.stringify(Object.fromEntries(PICTURES.map((name) => [name, stampOf(name)])), null, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
