// Writes what is generated from the schemas, and files into the document that shows them; with --check it writes nothing, and fails where a file is not fresh.
import { readFileSync, writeFileSync } from 'node:fs';
import { editorSchema } from '../dist/config/schema/json-schema.js';
import { referencePage } from '../dist/config/schema/reference.js';
import { kinds } from '../dist/kinds.js';
import { payloads, stampOf } from './pictures/pictures.mjs';

const files = {
  'config/bridge.schema.json': `${JSON.stringify(editorSchema(kinds), null, 2)}\n`,
  'docs/configuration.md': referencePage(kinds),
  'docs/consuming.md': withFiles(read('docs/consuming.md')),
  ...Object.fromEntries(Object.entries(payloads()).map(([name, payload]) => [`docs/pictures/${name}.json`, `${JSON.stringify(payload, null, 2)}\n`])),
};

const check = process.argv.includes('--check');
for (const [path, text] of Object.entries(files)) {
  if (!check) writeFileSync(new URL(`../${path}`, import.meta.url), text);
  else if (read(path) !== text) {
    console.error(`${path} is not fresh: run \`npm run generate\` and commit what it changed`);
    process.exitCode = 1;
  }
}

for (const [name, stamp] of check ? Object.entries(JSON.parse(read('docs/pictures/taken.json'))) : []) {
  if (stampOf(name) === stamp) continue;
  console.error(`docs/pictures/${name}.png is of another message: run \`npm run pictures\` and commit what it changed`);
  process.exitCode = 1;
}

/** The text of a file of the project; '' where there is none yet. */
function read(path) {
  try {
    return readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
  } catch {
    return '';
  }
}

/** A document with each file behind the line that names it, in the place of what stood there. */
function withFiles(text) {
  return text.replace(/(<!-- The file (\S+)\.(\w+) -->\n)(?:\n```\w*\n[\s\S]*?\n```\n)?/g, (_, line, name, extension) => {
    const content = read(`docs/${name}.${extension}`);
    if (content === '') throw new Error(`docs/consuming.md names ${name}.${extension}, which is not there`);
    return `${line}\n\`\`\`${extension}\n${content}\`\`\`\n`;
  });
}
