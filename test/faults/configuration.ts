/** What the receivers of a stand are called by. */
export interface Places {
  readonly secret: string;
  readonly inventory: string;
  readonly audit: string;
  readonly slack: string;
  /** The Kafka sink without its retries; null: there is none. */
  readonly events: string | null;
}

/** How a configuration differs from the one a stand begins with. None of these changes what an event is owed to, but `withoutInventory`. */
export interface Variant {
  readonly withoutInventory?: boolean;
  /** One sink more, with a row that matches nothing. */
  readonly spare?: boolean;
  /** The sinks are changed: other retries. */
  readonly changed?: boolean;
  /** The rows stand in another order, with other names. */
  readonly reordered?: boolean;
}

/** The bridge's YAML, without its listeners and its store. */
export function configurationOf({ secret, inventory, audit, slack, events }: Places, variant: Variant = {}): string {
  // A fault that is over must soon be seen to be over.
  const retry = `retry: { initial: ${variant.changed === true ? '60ms' : '50ms'}, max: 500ms, attempts: 100000, maxAge: 12h }`;
  const sinks = [
    ...(variant.withoutInventory === true ? [] : [`inventory: { type: http, url: "${inventory}", timeout: 2s, ${retry} }`]),
    `audit: { type: http, url: "${audit}", timeout: 2s, ${retry} }`,
    `ops: { type: slack, webhookUrl: "${slack}", text: "{{ event.id }}", pace: 500/s, digest: { after: 0 }, concurrency: 8, timeout: 2s, ${retry} }`,
    ...(events === null ? [] : [`events: { ${events}, ${retry} }`]),
    ...(variant.spare === true ? ['spare: { type: console }'] : []),
  ];
  const all = [...(variant.withoutInventory === true ? [] : ['inventory']), 'audit', ...(events === null ? [] : ['events'])];
  const rows = [
    `{ name: all, match: { type: "*" }, to: [${all.join(', ')}] }`,
    '{ name: alerts, match: { type: "alert.*" }, to: [ops] }',
    ...(variant.spare === true ? ['{ name: nothing, match: { type: "no.such" }, to: [spare] }'] : []),
  ];
  return `
sources:
  castai: { path: /webhooks/castai, verify: { type: castai, secrets: ["${secret}"] }, format: castai-event }
sinks:
  ${sinks.join('\n  ')}
routes:
  - ${(variant.reordered === true ? rows.toReversed() : rows).join('\n  - ')}
`;
}

/** What an event of a type is owed to, by the rows above. */
export function owedBy(type: string, { events }: Places, { withoutInventory = false }: Variant): string[] {
  return [...(withoutInventory ? [] : ['inventory']), 'audit', ...(events === null ? [] : ['events']), ...(type === 'alert.raised' ? ['ops'] : [])];
}
