import { setMaxListeners } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Outcome } from '../../src/core/outcome.js';
import type { Redact } from '../../src/core/redact.js';
import type { Message, Preview, Sink } from '../../src/core/sink.js';
import { configured } from '../sinks/sent.js';

/** What a far side wrote down of one arrival; null where its protocol has no place for it. */
export interface Arrived {
  readonly eventId: string;
  readonly deliveryId: string | null;
  readonly body: Buffer | null;
  /** The arrival in the words of the kind's `preview`, without what the connection adds. */
  readonly sent: Readonly<Record<string, unknown>>;
}

/** The other end of a sink, in the hands of the suite. */
export interface FarSide {
  /** The sink as it stands in the YAML, with its `type`. A kind that renders a text must put `event.id` into it. */
  readonly config: object;
  /** Stands in for the kind's own `open`, where what it opens cannot be had in a test. */
  readonly open?: () => Sink<never>;
  /** Texts of `config` that must appear in no outcome, once what the loader calls secret is redacted. Empty: the kind has none, or none that a test can send. */
  readonly secrets: readonly string[];
  /** Everything that has arrived so far. */
  arrived(): Promise<readonly Arrived[]>;
  /** Cannot be reached any more. */
  goAway(): Promise<void>;
  /** Takes what is sent, and does not answer. */
  hang(): Promise<void>;
  /** Works again after `goAway` or `hang`. Absent: what went away stays away. */
  comeBack?(): Promise<void>;
  close(): Promise<void>;
}

/** Long enough for a slow machine, and out of the way of every test but those that abort themselves. */
const PATIENCE_MS = 25_000;

/** As much of an answer as a sink may take in. */
const READ_CHARS_MAX = 65_600;

/** What every kind of sink keeps, whatever it sends to. */
export function sinkContract(name: string, start: () => Promise<FarSide>): void {
  describe(`the sink ${name}`, () => {
    let far: FarSide;
    let sink: Sink<never>;
    let message: (id: string, body?: Buffer, type?: string) => Message<never>;
    let preview: (message: Message<never>) => Preview;
    let redact: Redact;
    const seen: Outcome[] = [];

    const send = async (batch: readonly Message<never>[], signal = AbortSignal.timeout(PATIENCE_MS)): Promise<readonly Outcome[]> => {
      setMaxListeners(0, signal);
      const outcomes = await sink.send(batch, signal);
      seen.push(...outcomes);
      return outcomes;
    };
    const kindsOf = (outcomes: readonly Outcome[]): string[] => outcomes.map((outcome) => outcome.kind);
    const arrivedAs = async (id: string): Promise<readonly Arrived[]> => (await far.arrived()).filter((one) => one.eventId === id);

    beforeAll(async () => {
      far = await start();
      const made = configured(far.config);
      sink = far.open?.() ?? made.open();
      redact = made.redact;
      preview = made.preview;
      message = (id, body, type = 'resource.created') => made.message({ id, type }, body);
    });
    afterAll(async () => {
      await sink.close();
      await far.close();
    });

    it('delivers a batch: one outcome a message, in order, and each has arrived', async () => {
      const ids = Array.from({ length: 12 }, (_, index) => `evt_batch_${index}`);
      expect(kindsOf(await send(ids.map((id) => message(id))))).toEqual(ids.map(() => 'delivered'));
      for (const id of ids) expect(await arrivedAs(id)).toHaveLength(1);
    });

    it('passes the received bytes on unchanged, where it passes them on', async () => {
      const bodies = [
        Buffer.from('{"n":9007199254740993,"x":1e400,"a":1,"a":2,"__proto__":{}, "s":"\\ud800"}\n'),
        Buffer.from([0xef, 0xbb, 0xbf, 0x7b, 0x7d]),
        Buffer.from('{"nul":"\\u0000","emoji":"🦊"}'),
      ];
      const batch = bodies.map((body, index) => message(`evt_bytes_${index}`, body));
      expect(kindsOf(await send(batch))).toEqual(bodies.map(() => 'delivered'));
      for (const [index, body] of bodies.entries()) {
        const arrived = await arrivedAs(`evt_bytes_${index}`);
        expect(arrived).toHaveLength(1);
        if (arrived[0]?.body !== null) expect(arrived[0]?.body).toEqual(body);
      }
    });

    it('sends what its preview said it would, to the last header', async () => {
      const batch = [
        message('evt_preview_1'),
        message('evt_preview_2', Buffer.from('{"nul":"\\u0000","emoji":"🦊"}\n')),
        message('evt_preview_3', Buffer.from([0xff, 0x00, 0x7b]), 'type 🦊'),
      ];
      const previews = batch.map(preview);
      expect(kindsOf(await send(batch))).toEqual(batch.map(() => 'delivered'));
      for (const [index, { event }] of batch.entries()) {
        const [arrived] = await arrivedAs(event.id);
        expect(arrived?.sent).toEqual(JSON.parse(JSON.stringify(previews[index])));
      }
    });

    it('sends what it is given again, with the same delivery id', async () => {
      const again = message('evt_again');
      await send([again]);
      await send([again]);
      const arrived = await arrivedAs('evt_again');
      expect(arrived).toHaveLength(2);
      for (const { deliveryId } of arrived) expect([again.deliveryId, null]).toContain(deliveryId);
    });

    it('takes whatever ids and types senders choose, and no message spoils its neighbours', async () => {
      const odd = ['evt_🦊', 'evt_\r\nx-injected: 1', 'evt_\u0000', '__proto__', 'evt_ü', 'x'.repeat(256)];
      const outcomes = await send([...odd.map((id) => message(id, undefined, `type of ${id}`)), message('evt_neighbour')]);
      expect(kindsOf(outcomes)).toEqual([...odd, 'evt_neighbour'].map(() => 'delivered'));
      expect(await arrivedAs('evt_neighbour')).toHaveLength(1);
    });

    it('ends when it is told to while the far side hangs, and calls that a retry', async () => {
      await far.hang();
      const ending = new AbortController();
      const sending = send([message('evt_hang_1'), message('evt_hang_2')], ending.signal);
      setTimeout(() => ending.abort(new Error('no answer in time')), 50);
      expect(await sending).toEqual(Array(2).fill(expect.objectContaining({ kind: 'retry', reason: 'timeout' })));
      await far.comeBack?.();
    });

    it('T04: a far side that is away is a retry for each message; the same sink goes on when it is back', async () => {
      await far.goAway();
      expect(kindsOf(await send([message('evt_away_1'), message('evt_away_2')], AbortSignal.timeout(2_000)))).toEqual(['retry', 'retry']);
      if (far.comeBack === undefined) return;
      await far.comeBack();
      expect(await eventually(() => send([message('evt_back')]))).toEqual(['delivered']);
      expect((await arrivedAs('evt_back')).length).toBeGreaterThan(0);
    });

    // Last: what was seen in all the tests above.
    afterEach(() => {
      for (const outcome of seen) {
        expect(outcome.answer.length).toBeLessThanOrEqual(READ_CHARS_MAX);
        for (const secret of far.secrets) expect(JSON.stringify({ ...outcome, answer: redact(outcome.answer) })).not.toContain(secret);
      }
    });
  });
}

/** Kinds of the outcomes once none is a retry any more: some far sides need a moment to be themselves again. */
async function eventually(send: () => Promise<readonly Outcome[]>): Promise<string[]> {
  for (;;) {
    const outcomes = await send();
    if (outcomes.every((outcome) => outcome.kind !== 'retry')) return outcomes.map((outcome) => outcome.kind);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
