/** What the reference page shows of CEL: each can be a condition or a part of one. */
export const CEL_EXAMPLES: readonly (readonly [string, string])[] = [
  ['event.severity in ["critical", "error"]', 'one of several; severities are lower case'],
  ['event.type.startsWith("node.") && !event.name.endsWith("(test)")', 'a text’s beginning and end'],
  ['event.name.contains("quota") || event.message.contains("quota")', 'either'],
  ['event.message.matches("(?i)spot .* interrupted")', 'a regular expression of RE2, found anywhere; `^…$` for the whole'],
  ['event.cluster.name.lowerAscii() == "prod-eu-1"', 'without case'],
  ['has(event.cluster.id)', 'did the sender say it? Without it, the field reads as `""`'],
  [
    'has(event.data.nodes) && event.data.nodes > 3',
    'a field below `data` or `body` that may be missing: asked for first, since reading it is an error',
  ],
  ['event.data.labels.exists(label, label == "spot")', 'any of a list; `all`, `filter` and `map` alike'],
  ['event.data["node-name"] == "a"', 'a key that is no name'],
  ['event.name.size() > 80', 'a length, of lists too'],
];

/** What it shows of Liquid. */
export const LIQUID_EXAMPLES: readonly (readonly [string, string])[] = [
  ['{{ event.name | default: event.type }}', 'what to put where there is nothing'],
  ['{{ event.severity | upcase }} {{ event.message | truncate: 200 }}', 'filters, one behind the other'],
  ['{{ event.time | date: "%d %b %H:%M" }}', 'a time, in UTC'],
  ['{% if event.severity == "critical" %}now{% else %}later{% endif %}', 'a choice'],
  ['{% for node in event.data.nodes %}{{ node.name }} {% endfor %}', 'a list'],
  ['{{ event.data | json }}', 'a value as JSON'],
  ['{{ event.message | raw }}', 'not escaped for where it goes: a mention in Slack works, and a sender can write one'],
];

/** What `match`, CEL and Liquid see of an event. */
export const EVENT_FIELDS: readonly (readonly [string, string])[] = [
  ['event.id', 'the sender’s id'],
  ['event.source', 'name of the source it came to'],
  ['event.type', 'its type'],
  ['event.severity', 'lower case; may be missing'],
  ['event.name', 'what it is called; may be missing'],
  ['event.message', 'the text for people; may be missing'],
  ['event.cluster.id', 'may be missing'],
  ['event.cluster.name', 'may be missing'],
  ['event.time', 'when it happened, as the sender wrote it; may be missing'],
  ['event.receivedAt', 'when it came in: RFC 3339, UTC'],
  ['event.data', 'the sender’s payload part of the body'],
  ['event.body', 'the whole body'],
];
