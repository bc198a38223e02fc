import { describe, expect, it } from 'vitest';
import { createCompiler } from '../../src/routing/compiler.js';
import { escapeSlack } from '../../src/core/slack-markup.js';
import { event } from './event.js';

/** The text a template makes of `event.data.x`. */
function rendered(template: string, x: unknown): string {
  const problems: string[] = [];
  const render = createCompiler((problem) => problems.push(`${problem.what}; ${problem.remedy}`)).template(template, ['text'], escapeSlack);
  expect(problems).toEqual([]);
  return render(event({ data: { x } }));
}

describe('filters beside Liquid’s own', () => {
  it.each([
    ['bytes', 0, '0 B'],
    ['bytes', 1_023, '1023 B'],
    ['bytes', 1_536, '1.5 KiB'],
    ['bytes', 16 * 1024 ** 3, '16 GiB'],
    ['bytes', '2048', '2 KiB'],
    ['bytes', 'many', 'many'],
    ['bytes', 1e40, '8.881784197001253e+24 PiB'],
    ['duration', 0, '0s'],
    ['duration', 45, '45s'],
    ['duration', 3_900, '1h 5m'],
    ['duration', 3_605, '1h'],
    ['duration', 100_000, '1d 3h'],
    ['duration: "ms"', 1_250, '1s 250ms'],
    ['duration: "m"', 90, '1h 30m'],
    ['duration', -60, '-1m'],
    ['duration', null, ''],
    ['money', 1234.5, '$1,234.50'],
    ['money: "EUR"', '12', '€12.00'],
    ['money: "points"', 12, '12.00 points'],
    ['money', 'free', 'free'],
    ['truncate: 5', '🦊🦊🦊🦊🦊🦊', '🦊🦊🦊🦊…'],
    ['truncate: 6', '🦊🦊🦊🦊🦊🦊', '🦊🦊🦊🦊🦊🦊'],
    ['truncate: 4, "..."', 'abcdef', 'a...'],
    ['truncate: -1', 'abc', '…'],
    ['json', { a: '<b>' }, '{"a":"&lt;b&gt;"}'],
    ['date: "%Y-%m-%d %H:%M", "Europe/Berlin"', '2026-01-12T09:24:06Z', '2026-01-12 10:24'],
    ['slack-date', '2026-01-12T09:24:06.500Z', '<!date^1768209846^{date_short_pretty} {time_secs}|2026-01-12 09:24:06 UTC>'],
    ['slack-date', '<!channel>', '&lt;!channel&gt;'],
    ['slack-escape', 'a < b', 'a &lt; b'],
    ['slack-link: "Open <it>"', 'https://x.example/a?b=1&c=<2>|3', '<https://x.example/a?b=1&amp;c=%3C2%3E%7C3|Open &lt;it&gt;>'],
    ['slack-link', 'https://x.example/', '<https://x.example/|https://x.example/>'],
    ['slack-link: "a|b"', 'https://x.example/', '<https://x.example/|a¦b>'],
    ['slack-link: "Open"', 'javascript:alert(1)', 'Open'],
    ['slack-link: "Open"', '!channel', 'Open'],
    ['slack-link: "Open"', null, 'Open'],
    ['slack-link: "Open"', `https://x.example/${'a'.repeat(3_000)}`, 'Open'],
  ])('{{ x | %s }} of %j is %s', (filter, value, expected) => {
    expect(rendered(`{{ event.data.x | ${filter} }}`, value)).toBe(expected);
  });

  it('escape what stands behind Slack’s markup again', () => {
    expect(rendered('{{ event.data.x | slack-link: "a" | append: "<!here>" }}', 'https://x.example/')).toBe(
      '&lt;https://x.example/|a&gt;&lt;!here&gt;',
    );
  });

  it.each([
    ['{{ event.name | slack_link: "x" }}', 'did you mean "slack-link"?'],
    ['{{ event.name | slack-lnk: "x" }}', 'did you mean "slack-link"?'],
    ['{{ event.data.x | currency }}', 'did you mean "money"?'],
    ['{{ event.data.x | bytes: 2 }}', 'write | bytes'],
  ])('%s: %s', (template, remedy) => {
    const problems: string[] = [];
    createCompiler((problem) => problems.push(problem.remedy)).template(template, ['text'], escapeSlack);
    expect(problems).toEqual([remedy]);
  });
});
