import type { EventView } from '../core/event.js';
import type { Report } from '../core/problem.js';
import type { Compiler } from '../core/sink.js';
import type { Config } from './http-config.js';
import { compileTexts, isTemplate } from './texts.js';

/** Makes the JSON of an event; null where what is sent is the received bytes, alone or as a CloudEvent. */
export function compileBody({ body }: Pick<Config, 'body'>, compiler: Compiler, report: Report): ((event: EventView) => Buffer) | null {
  if (typeof body !== 'object') return null;
  // It becomes a text only when it is whole, so that no value can break out of its place.
  const value = compileTexts(body, ['body'], {
    text: (source, path) => compiler.value(source, path),
    key: (key, path) => {
      if (isTemplate(key)) report({ path, atKey: true, what: 'a key is not computed', remedy: 'write a template for a value' });
    },
  });
  return (event) => Buffer.from(JSON.stringify(value(event), checkedNumber));
}

/** JSON.stringify would write null for it, and nobody would know. */
function checkedNumber(_key: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new Error('the body holds a number that JSON has no way to write');
  return value;
}
