import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import type { Outcome } from '../../src/core/outcome.js';
import { MECHANISMS, PASSWORD, startSecureBroker, WAYS, type SecureBroker } from '../kafka/secure-broker.js';
import { messageTo, openSink, send } from '../kafka/sink.js';
import { describeOwnKafka, START_MS } from '../kafka/suite.js';
import { createTopic, readTopic } from '../kafka/topics.js';
import { createAuthority } from '../receivers/certificates.js';

const WRONG = 'canary-wrong-password';

describeOwnKafka('the kafka sink and a broker with passwords and certificates', () => {
  let broker: SecureBroker;
  let ca: string;
  let topic: string;
  /** Outcomes and log lines. */
  const seen: unknown[] = [];

  beforeAll(async () => {
    broker = await startSecureBroker();
    ca = broker.ca;
    topic = await createTopic(broker.brokers);
    await broker.add(...[...new Set(WAYS.map(({ principal }) => principal))].map((principal) => ({ principal, topic, may: 'write' as const })));
  }, START_MS);
  afterAll(() => broker.close());
  afterEach(() => {
    expect(seen.length).toBeGreaterThan(0);
    for (const secret of [PASSWORD, WRONG, 'PRIVATE KEY']) expect(JSON.stringify(seen)).not.toContain(secret);
  });

  type Config = Parameters<typeof openSink>[0];
  const sendOnce = async (config: Config, id: string): Promise<Outcome | undefined> => {
    const note = (fields: object, message: string): void => void seen.push(fields, message);
    const sink = openSink(config, { debug: note, info: note, warn: note, error: note });
    const [outcome] = await send(sink, [messageTo(topic, id)]);
    await sink.close();
    seen.push(outcome);
    return outcome;
  };
  const idsIn = async (): Promise<(string | undefined)[]> =>
    (await readTopic(broker.brokers, topic)).map(({ headers }) => headers['castbridge-event-id']);

  it.each(WAYS)('delivers to the listener $listener, password by $mechanism', async (way) => {
    const id = `${way.listener}-${way.mechanism ?? 'none'}`;
    expect(await sendOnce(broker.configOf(way), id)).toMatchObject({ kind: 'delivered' });
    expect(await idsIn()).toContain(id);
  });

  it('trusts an authority of its own', async () => {
    expect(await sendOnce({ brokers: [broker.at('CERTIFICATES')], tls: { ca } }, 'tls')).toMatchObject({ kind: 'delivered' });
  });

  it.each(MECHANISMS)('%s: a wrong password and an unknown user are retries that hold the sink, and deliver nothing', async (mechanism) => {
    for (const listener of ['PASSWORDS', 'BOTH'] as const) {
      const wrong = broker.configOf({ listener, mechanism }, WRONG);
      const unknown = { ...wrong, sasl: { mechanism, username: 'nobody', password: PASSWORD } };
      for (const config of [wrong, unknown]) {
        expect(await sendOnce(config, 'not-logged-in')).toMatchObject({ kind: 'retry', reason: 'sasl_failed', holdSink: true });
      }
    }
    expect(await idsIn()).not.toContain('not-logged-in');
  });

  it('T48: an unknown authority and another host’s certificate are retries that hold the sink, and deliver nothing', async () => {
    // It has the same name as the broker's, and another key.
    const unknown = (await createAuthority()).ca;
    const cases = (['CERTIFICATES', 'BOTH'] as const).flatMap((listener): [Config, string][] => {
      const address = broker.at(listener);
      const login = { ...(listener === 'BOTH' && broker.configOf({ listener, mechanism: 'scram-sha-512' })) };
      return [
        [{ ...login, brokers: [address], tls: true }, 'self-signed certificate in certificate chain'],
        [{ ...login, brokers: [address], tls: { ca: unknown } }, 'certificate signature failure'],
        [{ ...login, brokers: [address.replace('127.0.0.1', 'localhost')], tls: { ca } }, 'does not match certificate'],
      ];
    });
    // Not even where all of Node is told to look away.
    for (const reject of ['1', '0']) {
      vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', reject);
      for (const [config, why] of cases) {
        const outcome = await sendOnce(config, 'untrusted');
        expect(outcome).toMatchObject({ kind: 'retry', reason: 'tls', holdSink: true });
        expect(outcome?.answer).toContain(why);
      }
    }
    vi.unstubAllEnvs();
    expect(await idsIn()).not.toContain('untrusted');
  });

  it.each(['CLIENTS', 'ALL'] as const)(
    '%s: no certificate, and one of an unknown authority, are retries that hold the sink, and deliver nothing',
    async (listener) => {
      const config = broker.configOf({ listener, mechanism: listener === 'ALL' ? 'plain' : null });
      const stranger = await (await createAuthority()).certify(['bridge']);
      for (const tls of [{ ca }, { ca, ...stranger }]) {
        expect(await sendOnce({ ...config, tls }, 'unknown-client')).toMatchObject({ kind: 'retry', reason: 'tls', holdSink: true });
      }
      expect(await idsIn()).not.toContain('unknown-client');
    },
  );

  it('a plain connection to a listener with TLS is a retry', async () => {
    expect(await sendOnce({ brokers: [broker.at('CERTIFICATES')] }, 'plain')).toMatchObject({ kind: 'retry', holdSink: true });
  });
});
