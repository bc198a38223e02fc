import { once } from 'node:events';
import { makeEvents, type Batch } from '../rig/events.js';
import { table } from '../rig/figures.js';
import { sleep, startChild, until } from '../rig/process.js';
import { program } from '../rig/programs.js';
import { startReceiver } from '../rig/receiver.js';
import { whyNoRedis } from '../rig/redis.js';
import type { Part, Rig } from '../rig/rig.js';
import { startForwarder } from './forward.js';

const VARIANTS = { handler: 'handler written by hand', bridge: 'castbridge' } as const;
type Variant = keyof typeof VARIANTS;
const CONNECTIONS = 32;
const KILLS = 10;
/** Between a start and the next kill. */
const [ALIVE_MS_MIN, ALIVE_MS_MAX] = [500, 1_500];
const EVENTS_PER_KILL = 20_000;
const QUIET_MS = 1_000;

type Round = Awaited<ReturnType<typeof killed>>;

export const losses: Part = {
  name: 'losses',
  title: 'What kill -9 loses',
  about: 'events that were answered 2xx and never arrived, beside the handler written by hand',
  weight: 1.5,
  missing: whyNoRedis,
  run: async (rig) => {
    const rounds: Record<Variant, Round[]> = { handler: [], bridge: [] };
    for (const name of ['handler', 'bridge'] as const) rounds[name].push(await killed(rig, name));
    const rows = (['handler', 'bridge'] as const).map((name) => [
      VARIANTS[name],
      ...Object.values(rounds[name][0] ?? {}).map((n) => n.toLocaleString('en')),
    ]);
    const { lost = NaN } = rounds.bridge[0] ?? {};
    if (lost > 0) throw new Error(`the bridge has lost ${lost} events that it had answered 2xx`);
    return {
      markdown: `A sender with ${CONNECTIONS} connections posts every event again and again until it is answered 2xx, as senders do; the process is killed by SIGKILL under that load and started again. *Lost*: answered 2xx, and never arrived at the sink. The handler's Redis is not killed. Where it dies between \`SET NX\` and the answer of the sink, the sender's next post finds a duplicate, and is answered 2xx. (If the key were set after the sink has answered, it would send twice instead, and two posts at the same time would both be sent on.) *Arrived more than once*: at least once is what the bridge promises; all arrivals of one event carry one delivery id.

${table(['', ...Object.keys(rounds.bridge[0] ?? {})], rows)}`,
      figures: { 'losses.handler': rounds.handler[0]?.lost ?? NaN, 'losses.bridge': lost },
      rounds,
    };
  },
};

async function killed(rig: Rig, name: Variant) {
  const kills = rig.quick ? 2 : KILLS;
  const batch = makeEvents(rig.memory, rig.secret, EVENTS_PER_KILL * kills);
  const receiver = await startReceiver(rig.folder);
  const forwarder = await startForwarder(rig, name, receiver);
  const sender = await startSender(forwarder.url, batch);
  for (let kill = 1; kill <= kills; kill++) {
    await sleep(ALIVE_MS_MIN + Math.random() * (ALIVE_MS_MAX - ALIVE_MS_MIN));
    rig.say(`${name}: kill ${kill} of ${kills}`);
    await forwarder.crash();
  }
  await sleep(ALIVE_MS_MIN);
  const answered = await sender.finish();
  await forwarder.settled();
  let before = -1;
  await until('arrivals come to an end', async () => before === (before = await receiver.count(batch)), QUIET_MS);
  const { firstMs, altered, repeated } = await receiver.compare(batch);
  await forwarder.stop();
  await receiver.end();
  batch.remove();
  if (altered > 0) throw new Error(`${name}: ${altered} events are not what was sent`);
  return {
    kills,
    'answered 2xx': answered.length,
    lost: answered.filter((n) => Number.isNaN(firstMs[n])).length,
    'arrived more than once': repeated,
  };
}

async function startSender(url: string, { file, requestBytes, count }: Batch): Promise<{ finish(): Promise<number[]> }> {
  const args = [await program('sender'), url, file, ...[requestBytes, count, CONNECTIONS].map(String)];
  const child = startChild(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  return {
    finish: async () => {
      const ended = child.ended();
      if (ended !== null) throw new Error(`the sender: ${ended}`);
      const finished = once(child.process, 'message') as Promise<[number[]]>;
      child.process.send('stop');
      const [answered] = await finished;
      await child.end('SIGKILL');
      return answered;
    },
  };
}
