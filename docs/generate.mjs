// Writes what is generated from the schemas; with --check it writes nothing, and fails where a file is not fresh.
import { readFileSync, writeFileSync } from 'node:fs';
import { editorSchema } from '../dist/config/schema/json-schema.js';
import { referencePage } from '../dist/config/schema/reference.js';
import { kinds } from '../dist/kinds.js';

const files = {
  'config/bridge.schema.json': `${JSON.stringify(editorSchema(kinds), null, 2)}\n`,
  'docs/configuration.md': referencePage(kinds),
};

const check = process.argv.includes('--check');
for (const [path, text] of Object.entries(files)) {
  const at = new URL(`../${path}`, import.meta.url);
  if (!check) {
    writeFileSync(at, text);
    continue;
  }
  let stands = '';
  try {
    stands = readFileSync(at, 'utf8');
  } catch {
    // Not there yet: not fresh.
  }
  if (stands !== text) {
    console.error(`${path} is not fresh: run \`npm run generate\` and commit what it changed`);
    process.exitCode = 1;
  }
}
