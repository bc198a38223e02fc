import { DEAD } from '../core/delivery.js';

const CONNECTION = 'the far side hung up: look whether its port speaks what the sink does, with TLS or without';
const WEBHOOK = 'look at the webhook on the page of the Slack app: it was revoked, or its URL is not whole';
const CHANNEL = 'look at the channel that the webhook posts to, and at what the workspace allows';
const TOPIC = 'the topic is computed of the event: list it under `topics`, or give the event with --data what it is computed of';
const TOO_LARGE = 'it is larger than the far side takes: look at its limit, or send less with --data';

/** By the reason of an outcome: what whoever sets a sink up should look at. */
const REMEDIES: Readonly<Record<string, string>> = {
  [DEAD.renderError]: 'a text of the sink does not fit the test event: give it with --data FILE the payload that the text reads',
  refused: 'nothing listens at this address: look at host and port, and whether the far side runs',
  dns: 'the name does not resolve on this machine: look at its spelling, and at the network you try it from',
  timeout: 'look at the address and at what is on the way there, such as a firewall; `timeout` of the sink says how long it waits',
  tls: 'look at the certificate: its name, its age, and the authority that is trusted (`ca`); and whether the port speaks TLS',
  closed: CONNECTION,
  connection: CONNECTION,
  broken_answer: 'what answers there speaks no HTTP: look at the port',
  address_forbidden:
    'this address, or that of the proxy, is link-local or cloud metadata, in `deny`, or not in `allow`: name another host, or mend the list',
  proxy: 'the proxy did not let it through: look at `proxy`, or HTTPS_PROXY and HTTP_PROXY, at its credentials, and at what it allows',
  sasl_failed: 'the broker refuses the login: look at `sasl`: mechanism, username and password',
  unknown_topic_or_partition: 'create the topic: the bridge creates none; where its name is computed, --data gives the event what it is computed of',
  topic_authorization_failed: 'give this login the right to describe the topic and to write to it',
  topic_invalid: TOPIC,
  topic_not_allowed: TOPIC,
  message_too_large: TOO_LARGE,
  invalid_record: 'the topic takes no such record: a compacted one wants a `key`',
  http_401: 'the far side does not take the credentials: look at `auth`, `sign`, `headers` and `url`',
  http_403: 'look at what these credentials may do',
  http_404: 'nothing is at this path: look at the URL',
  http_405: 'the far side takes another `method`',
  http_407: 'the proxy wants credentials: put them into its URL, http://user:password@host:port',
  http_410: 'the far side says that it is gone for good: look at the URL',
  http_413: TOO_LARGE,
  http_429: 'the far side is asked too often: try it again later, and set `pace`',
  slack_unexpected: 'what answers there is not Slack: look at `webhookUrl`',
  slack_channel_not_found: CHANNEL,
  slack_channel_is_archived: CHANNEL,
  slack_action_prohibited: CHANNEL,
  slack_posting_to_general_channel_denied: CHANNEL,
  ...Object.fromEntries(
    ['invalid_token', 'no_active_hooks', 'no_service', 'no_service_id', 'no_team', 'team_disabled', 'user_not_found'].map((word) => [
      `slack_${word}`,
      WEBHOOK,
    ]),
  ),
};

/** For the other reasons of a family. */
const FAMILIES: readonly (readonly [RegExp, string])[] = [
  [/^http_2/, '`retryOn` or `rejectOn` of the sink names this status'],
  [/^http_3/, 'redirects are not followed: put in the URL that this one leads to'],
  [/^http_4/, 'the far side does not take this: look at what it answered, and at `body` and `headers`; --data gives the event another payload'],
  [/^http_5/, 'the far side failed: look at its log'],
  [/^slack_/, 'Slack does not take this: look at `text` and `blocks`'],
];

/** What to look at after an attempt that failed for this reason. */
export function remedyFor(reason: string): string {
  if (Object.hasOwn(REMEDIES, reason)) return REMEDIES[reason] ?? '';
  return FAMILIES.find(([family]) => family.test(reason))?.[1] ?? 'look at what the far side answered, and at its log';
}
