/** Slack reads `&`, `<` and `>` as control characters: https://docs.slack.dev/messaging/formatting-message-text#escaping. Half a character is none. */
export function escapeSlack(value: string): string {
  return value
    .replace(/\p{Surrogate}/gu, '\uFFFD')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}

/** A link longer than this is cut somewhere, and leads elsewhere: it is shown as a text. */
const URL_CHARS_MAX = 2_000;

/** A link with its words; the words alone where the URL is none that a message should open. */
export function slackLink(url: string, words: string): string {
  const label = escapeSlack(words.replace(/\s+/g, ' ').trim());
  if (!URL.canParse(url)) return label;
  const { protocol, href } = new URL(url);
  const safe = href.replaceAll('|', '%7C').replaceAll('<', '%3C').replaceAll('>', '%3E').replaceAll('&', '&amp;');
  if (!['https:', 'http:', 'mailto:'].includes(protocol) || safe.length > URL_CHARS_MAX) return label;
  // A bar ends the words.
  return `<${safe}|${label.replaceAll('|', '¦') || safe}>`;
}

/** A moment, shown in the zone of whoever reads it: https://docs.slack.dev/messaging/formatting-message-text#date-formatting. As it is, where it is none. */
export function slackDate(time: string): string {
  const ms = Date.parse(time);
  if (Number.isNaN(ms) || ms < 0) return escapeSlack(time);
  const utc = new Date(ms).toISOString().replace('T', ' ').replace(/\..*/, ' UTC');
  return `<!date^${Math.floor(ms / 1_000)}^{date_short_pretty} {time_secs}|${utc}>`;
}
