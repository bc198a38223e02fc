import type { EventView } from '../core/event.js';
import type { Problem, Report } from '../core/problem.js';
import type { Compiler } from '../core/sink.js';
import type { Config } from './http-config.js';

/** Makes the JSON of an event; null where what is sent is the received bytes, alone or as a CloudEvent. */
export function compileBody({ body }: Pick<Config, 'body'>, compiler: Compiler, report: Report): ((event: EventView) => Buffer) | null {
  if (typeof body !== 'object') return null;
  const value = compileValue(body, ['body'], compiler, report);
  return (event) => Buffer.from(JSON.stringify(value(event), checkedNumber));
}

/** A structure with the texts in it computed: it becomes a text only when it is whole, so that no value can break out of its place. */
function compileValue(value: unknown, path: Problem['path'], compiler: Compiler, report: Report): (event: EventView) => unknown {
  if (typeof value === 'string') return isTemplate(value) ? compiler.value(value, path) : () => value;
  if (Array.isArray(value)) {
    const items = value.map((item, index) => compileValue(item, [...path, index], compiler, report));
    return (event) => items.map((item) => item(event));
  }
  if (typeof value !== 'object' || value === null) return () => value;
  const entries = Object.entries(value).map(([key, item]) => {
    if (isTemplate(key)) report({ path: [...path, key], atKey: true, what: 'a key is not computed', remedy: 'write a template for a value' });
    return [key, compileValue(item, [...path, key], compiler, report)] as const;
  });
  return (event) => Object.fromEntries(entries.map(([key, item]) => [key, item(event)]));
}

function isTemplate(text: string): boolean {
  return /\{[{%]/.test(text);
}

/** JSON.stringify would write null for it, and nobody would know. */
function checkedNumber(_key: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new Error('the body holds a number that JSON has no way to write');
  return value;
}
