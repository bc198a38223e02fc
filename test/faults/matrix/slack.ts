import type { SlackAnswer, SlackStandIn } from '../../receivers/slack-stand-in.js';
import { pause, type Fault } from '../fault.js';
import type { Stand } from '../stand.js';
import { auditKeepsUp, comesTrue, replayed, refusing } from '../suffering.js';

/** What 429 may ask for: a second, nothing, and what no sender should obey. */
const ASKED = ['1', '0', '1e30', '999999999999', '-5', 'Thu, 01 Jan 1970 00:00:00 GMT', 'Fri, 31 Dec 9999 23:59:59 GMT', 'later'];

/** Slack does what `work` tells it to, and is well again. */
async function suffers(stand: Stand, work: (slack: SlackStandIn) => Promise<unknown>): Promise<void> {
  try {
    await work(stand.slack);
    await auditKeepsUp(stand);
  } finally {
    stand.slack.otherwise(null);
    stand.slack.limitRate(Infinity);
  }
}

/** So many more posts are answered so. */
async function answers(slack: SlackStandIn, answer: Exclude<SlackAnswer, 'hang'>, count: number): Promise<void> {
  slack.otherwise(answer);
  const goal = slack.refused.length + count;
  await comesTrue(`${count} posts more, after ${JSON.stringify(answer)}`, () => slack.refused.length >= goal);
}

const during = (name: string, answer: SlackAnswer, ms: number): Fault => ({
  name,
  part: 'slack',
  async strike(stand) {
    await suffers(stand, async (slack) => {
      slack.otherwise(answer);
      await pause(ms);
    });
    return 1;
  },
});

/** A word that Slack says of a channel or of a message: a dead letter, and delivered after a replay. */
const rejected = (name: string, word: string, status: number): Fault => ({
  name,
  part: 'slack',
  mayDie: [`slack_${word}`],
  async strike(stand) {
    await suffers(stand, (slack) => answers(slack, { status, body: word }, 20));
    await replayed(stand, 'ops');
    return 1;
  },
});

/** What Slack does to its own deliveries, and not to others (T37, T39). */
export const slackFaults: readonly Fault[] = [
  {
    name: 'Slack: more than one message a second is 429 for 5 s',
    part: 'slack',
    async strike(stand) {
      await suffers(stand, async (slack) => {
        slack.limitRate(1);
        await pause(5_000);
      });
      return 1;
    },
  },
  {
    name: 'Slack: 429 with any Retry-After',
    part: 'slack',
    async strike(stand) {
      await suffers(stand, async (slack) => {
        for (const value of ASKED) await answers(slack, { status: 429, body: 'rate_limited', headers: { 'retry-after': value } }, 1);
      });
      return ASKED.length;
    },
  },
  during('Slack: hangs for 5 s', 'hang', 5_000),
  during('Slack: 500 for 3 s', { status: 500, body: 'rollup_error' }, 3_000),
  during('Slack: 200 with a text that nobody knows', { status: 200, body: 'something is wrong' }, 3_000),
  rejected('Slack: 200 with the name of an error, then a replay', 'invalid_blocks', 200),
  rejected('Slack: the channel is archived, then a replay', 'channel_is_archived', 410),
  refusing('Slack: the connection refused for 3 s', 'slack', (stand) => stand.slack),
];
