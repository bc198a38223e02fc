import { splitInterpolated, type Part } from '../routing/interpolate.js';
import type { Json, KafkaSink } from './document.js';

/** Where a sink writes to: a topic, or as many as its parameters make of the address. */
export interface Topic {
  readonly address: string;
  readonly parameters: Json;
}

/** A topic with CEL in braces has a parameter for each of them; where `topics` says which ones there are, a single one for the whole name. */
export function topicOf({ topic, topics }: Pick<KafkaSink, 'topic' | 'topics'>): Topic {
  const split = splitInterpolated(topic);
  // What is no topic does not get past the loader.
  const parts = typeof split === 'number' ? [{ literal: topic }] : split;
  if (parts.every((part) => 'literal' in part)) return { address: literalOf(parts), parameters: {} };
  if (topics !== undefined) {
    const prefix = literalOf(parts.slice(0, 1));
    const possible = topics.filter((name) => name.startsWith(prefix));
    return { address: '{topic}', parameters: { topic: { enum: possible, description: `computed: ${topic}` } } };
  }
  return computed(parts);
}

function computed(parts: readonly Part[]): Topic {
  const parameters: Record<string, Json> = {};
  let address = '';
  for (const part of parts) {
    if ('literal' in part) address += part.literal;
    else {
      const name = nameOf(part.expression, Object.keys(parameters));
      parameters[name] = { description: `computed, in CEL: ${part.expression.trim()}` };
      address += `{${name}}`;
    }
  }
  return { address, parameters };
}

/** The name of the field, where the expression is no more than that. */
function nameOf(expression: string, taken: readonly string[]): string {
  const field = /^\s*event\.([A-Za-z_][\w.]*)\s*$/.exec(expression)?.[1]?.replaceAll('.', '-') ?? `computed-${taken.length + 1}`;
  return taken.includes(field) ? `${field}-${taken.length + 1}` : field;
}

function literalOf(parts: readonly Part[]): string {
  return parts.map((part) => ('literal' in part ? part.literal : '')).join('');
}
