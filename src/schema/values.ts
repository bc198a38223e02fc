import { Type } from 'typebox';

/** What a string in the YAML means. The configuration loader reads it from the schema's `unit` and turns the text into the value. */
export type Unit = 'duration' | 'size' | 'secret';

/** `10s`, `1h30m`: milliseconds inside. */
export const Duration = (options: { description: string; default?: string }) =>
  Type.Unsafe<number>({ type: 'string', unit: 'duration', ...options });

/** `1MiB`, `500KB`: bytes inside. */
export const Size = (options: { description: string; default?: string }) =>
  Type.Unsafe<number>({ type: 'string', unit: 'size', ...options });

/** A text that appears in no log, no answer and no error: it is redacted wherever the bridge shows what a far side said. */
export const Secret = (options: { description: string }) => Type.Unsafe<string>({ type: 'string', minLength: 1, unit: 'secret', ...options });
