// The messages that the README has pictures of, as the Slack sink makes them, and what tells whether a picture is of today's message.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { deadMessage, defaultMessage, digestMessage } from '../../dist/sinks/slack-message.js';
import { slackLink } from '../../dist/core/slack-markup.js';

export const PICTURES = ['slack-message', 'slack-digest', 'slack-dead-letter'];

/** The payloads of each picture. */
export function payloads() {
  const link = slackLink('https://console.cast.ai/external-clusters/c1a7c2f4', 'Open on console.cast.ai');
  const event = eventOf({
    severity: 'critical',
    name: 'Node deletion failed',
    message: 'The instance is still running after 15 minutes: its volume is attached to another node.',
    data: { node_name: 'ip-10-0-1-7', instanceType: 'm6i.2xlarge', zone: 'eu-central-1a', lifecycle: 'spot', cpu: 8, memory: '32 GiB' },
  });
  const content = defaultMessage(event, link);
  const members = Array.from({ length: 974 }, (_, n) => floodOf(n));
  const dead = {
    ...{ deliveryId: 'k3-9f2c01ab.1', sink: 'inventory', route: 'archive', reason: 'http_422', attempts: 1 },
    detail: '422 {"error":"unknown cluster c1a7c2f4"}',
  };
  return {
    'slack-message': [payloadOf(content)],
    'slack-digest': [
      payloadOf(
        digestMessage({
          sink: 'ops',
          group: null,
          members: members.map((one) => ({ event: one, dead: null, content: () => defaultMessage(one, null) })),
        }),
      ),
    ],
    'slack-dead-letter': [payloadOf(deadMessage(event, dead, content))],
  };
}

/** Of the payload and of the page that shows it. */
export function stampOf(name) {
  const hash = createHash('sha256');
  for (const file of [`${name}.json`, 'block-kit.mjs']) hash.update(readFileSync(new URL(file, import.meta.url)));
  return hash.digest('hex');
}

function payloadOf({ text, blocks }) {
  return { text, blocks };
}

const START_MS = Date.UTC(2026, 0, 12, 9, 24, 6);

function eventOf(parts, atMs = START_MS) {
  const time = new Date(atMs).toISOString();
  return {
    ...{ id: 'evt_01JH8ZC3', source: 'castai', type: 'node.deletion.failed', severity: null, name: null, message: null },
    ...{ cluster: { id: 'c1a7c2f4', name: 'prod-eu-1' }, time, receivedAt: time, data: {}, body: {} },
    ...parts,
  };
}

function floodOf(n) {
  const isWorst = n === 412;
  const cluster = { id: null, name: ['prod-eu-1', 'prod-us-1', 'prod-eu-1', 'staging'][n % 4] };
  const parts = isWorst
    ? {
        severity: 'critical',
        name: 'Control plane unreachable',
        message: 'No answer from the API server for 60 s.',
        type: 'cluster.unreachable',
        cluster,
      }
    : {
        severity: n % 5 === 0 ? 'error' : 'warning',
        name: `Pod payments-${n} evicted`,
        type: n % 9 === 0 ? 'node.interrupted' : 'pod.evicted',
        cluster,
      };
  return eventOf({ id: `evt_${n}`, data: { node: `ip-10-0-${n % 40}-7` }, ...parts }, START_MS + 12 * n);
}
