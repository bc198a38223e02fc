import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { Message } from '../../src/core/sink.js';
import { openLines } from '../../src/sinks/console.js';
import { sinkContract } from '../contract/sink.js';

/** A terminal or a pipe, as far as a process sees it. */
function startReader() {
  let text = '';
  let [hanging, away] = [false, false];
  let release: (() => void) | null = null;
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      if (away) done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
      else if (hanging) release = done;
      else done();
    },
  });
  return {
    stream,
    lines: () => text.split('\n').filter((line) => line !== ''),
    hang: () => {
      hanging = true;
    },
    readAgain: () => {
      hanging = false;
      release?.();
    },
    goAway: () => {
      away = true;
    },
  };
}

sinkContract('console', () => {
  const reader = startReader();
  return Promise.resolve({
    config: { type: 'console' },
    open: () => openLines(reader.stream),
    secrets: [],
    arrived: () =>
      Promise.resolve(
        reader.lines().map((line) => {
          const { id, deliveryId } = JSON.parse(line) as { id: string; deliveryId: string };
          return { eventId: id, deliveryId, body: null, sent: { line } };
        }),
      ),
    hang: () => {
      reader.hang();
      return Promise.resolve();
    },
    goAway: () => {
      reader.readAgain();
      reader.goAway();
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  });
});

describe('a line of the console', () => {
  const lineOf = async (body: Buffer): Promise<string> => {
    const reader = startReader();
    const event = { id: 'evt_1', source: 'castai', type: 'test', receivedAt: '2026-01-12T09:24:07.000Z', receivedMs: 0, time: null };
    const message: Message<null> = { deliveryId: '1-0.0', event, body, content: null };
    await openLines(reader.stream).send([message], AbortSignal.timeout(5_000));
    const [line = '', ...others] = reader.lines();
    expect(others).toEqual([]);
    return line;
  };
  const head = '{"deliveryId":"1-0.0","source":"castai","type":"test","id":"evt_1","receivedAt":"2026-01-12T09:24:07.000Z","body":';

  it('T17: shows the body as it was received', async () => {
    expect(await lineOf(Buffer.from('\uFEFF{"n":9007199254740993,"x":1e400,"a":1,"a":2}\n'))).toBe(
      `${head}{"n":9007199254740993,"x":1e400,"a":1,"a":2}}`,
    );
  });

  it('is one line, whatever line ends the sender put between the parts', async () => {
    const line = await lineOf(Buffer.from('{\r\n  "text": "a\\nb"\n}'));
    expect(line).toBe(`${head}{   "text": "a\\nb" }}`);
    expect(JSON.parse(line)).toMatchObject({ body: { text: 'a\nb' } });
  });

  it('shows what is no JSON as a text', async () => {
    expect(JSON.parse(await lineOf(Buffer.from('{"broken":\n')))).toMatchObject({ body: '{"broken":\n' });
  });
});

describe('a console that nobody reads', () => {
  const message: Message<null> = {
    deliveryId: '1-0.0',
    event: { id: 'evt_1', source: 'castai', type: 'test', receivedAt: '2026-01-12T09:24:07.000Z', receivedMs: 0, time: null },
    body: Buffer.from(JSON.stringify('x'.repeat(1024 * 1024))),
    content: null,
  };

  it('is not given the same lines without end', async () => {
    const reader = startReader();
    reader.hang();
    const sink = openLines(reader.stream);
    for (let time = 0; time < 30; time++) {
      const ending = new AbortController();
      const sending = sink.send([message], ending.signal);
      ending.abort();
      expect(await sending).toMatchObject([{ kind: 'retry', reason: 'timeout', holdSink: true }]);
    }
    expect(reader.stream.writableLength).toBeLessThan(20 * 1024 * 1024);
  });

  it('is not waited for where there is no time left', async () => {
    const reader = startReader();
    reader.hang();
    expect(await openLines(reader.stream).send([message], AbortSignal.abort())).toMatchObject([{ kind: 'retry', reason: 'timeout' }]);
  });
});
