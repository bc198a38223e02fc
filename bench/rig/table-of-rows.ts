import { KINDS } from './events.js';

/** Routes of so many rows; every event of the bench is taken by one of them alone, and is owed to `sink` once. Each has a condition in CEL. */
export function routesTo(sink: string, rows = KINDS): string {
  const lines = Array.from({ length: rows }, (_, n) => {
    const kind = String(n).padStart(2, '0');
    return `  - { name: r${n}, match: { type: resource.t${kind}, cluster: "prod-*" }, where: 'event.severity != "info" && !event.name.startsWith("Trial")', to: [${sink}], stop: true }`;
  });
  // Where there are fewer than there are kinds, the last one takes what the others have not.
  const rest = rows < KINDS ? [`  - { name: rest, to: [${sink}] }`] : [];
  return ['routes:', ...lines.slice(0, rows - rest.length), ...rest, ''].join('\n');
}
