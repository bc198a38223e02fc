import type { EventView } from '../core/event.js';
import type { Problem } from '../core/problem.js';

type Path = Problem['path'];

/** How the texts of a structure are compiled. */
interface Compiling {
  /** One that is computed. */
  readonly text: (source: string, path: Path) => (event: EventView) => unknown;
  /** Told of every key. */
  readonly key?: (key: string, path: Path) => void;
}

/** Compiles every text of a structure once; what has no braces is a constant. */
export function compileTexts(value: unknown, path: Path, compiling: Compiling): (event: EventView) => unknown {
  if (typeof value === 'string') return isTemplate(value) ? compiling.text(value, path) : () => value;
  if (Array.isArray(value)) {
    const items = value.map((item, index) => compileTexts(item, [...path, index], compiling));
    return (event) => items.map((item) => item(event));
  }
  if (typeof value !== 'object' || value === null) return () => value;
  const entries = Object.entries(value).map(([key, item]) => {
    compiling.key?.(key, [...path, key]);
    return [key, compileTexts(item, [...path, key], compiling)] as const;
  });
  return (event) => Object.fromEntries(entries.map(([key, item]) => [key, item(event)]));
}

export function isTemplate(text: string): boolean {
  return /\{[{%]/.test(text);
}
