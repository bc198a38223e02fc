import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PASSWORD, startSecureBroker, type SecureBroker, type Way } from '../kafka/secure-broker.js';
import { describeOwnKafka, START_MS } from '../kafka/suite.js';
import { createTopic, readTopic, unusedTopic } from '../kafka/topics.js';
import { postSigned, served, until, type Served } from './serve.js';

const SECRET = randomBytes(24).toString('hex');
/** A password, and a certificate too. */
const WAY: Way = { listener: 'ALL', mechanism: 'scram-sha-512', principal: 'User:alice' };

const yaml = (brokers: string[], prefix: string, folder: string): string => `
sources:
  castai: { path: /webhooks/castai, verify: { type: castai, secrets: ["${SECRET}"] }, format: castai-event }
sinks:
  events:
    type: kafka
    brokers: ${JSON.stringify(brokers)}
    topic: "${prefix}.{event.type}"
    tls: { ca: "\${file:${folder}/ca.pem}", cert: "\${file:${folder}/client.pem}", key: "\${file:${folder}/client.key}" }
    sasl: { mechanism: ${WAY.mechanism ?? ''}, username: alice, password: "\${KAFKA_PASSWORD}" }
    retry: { initial: 20ms, max: 500ms }
routes:
  - { name: archive, to: [events] }
`;

describeOwnKafka('the built bridge and a broker with passwords, certificates and an access list', () => {
  let [broker, bridge] = [] as unknown as [SecureBroker, Served];
  const prefix = unusedTopic();
  beforeAll(async () => {
    broker = await startSecureBroker();
    const { brokers, tls } = broker.configOf(WAY);
    for (const type of ['open', 'closed']) await createTopic(broker.brokers, 1, {}, `${prefix}.${type}`);
    await broker.add({ principal: WAY.principal, topic: `${prefix}.open`, may: 'write' });
    bridge = await served('', { env: { KAFKA_PASSWORD: PASSWORD }, logLevel: 'debug' });
    const { ca, cert, key } = Object(tls) as Record<'ca' | 'cert' | 'key', string>;
    for (const [name, pem] of Object.entries({ 'ca.pem': ca, 'client.pem': cert, 'client.key': key })) {
      writeFileSync(join(bridge.folder, name), pem);
    }
    bridge.write(yaml(brokers, prefix, bridge.folder));
    await bridge.start();
  }, START_MS);
  afterAll(async () => {
    await bridge.cleanUp();
    await broker.close();
  });

  const post = async (id: string, type: string): Promise<void> => {
    const { status } = await postSigned(bridge.url, SECRET, Buffer.from(JSON.stringify({ id, type, data: {} })));
    expect(status).toBe(200);
  };
  const idsIn = async (type: string): Promise<(string | undefined)[]> =>
    (await readTopic(broker.brokers, `${prefix}.${type}`)).map(({ headers }) => headers['castbridge-event-id']);
  const waiting = async (): Promise<unknown[]> =>
    (await bridge.here('deliveries', '--state', 'waiting', '--json')).out
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as unknown);

  it('what it may not write yet waits, and says why; what it may write is delivered; once it may, it is there, and nobody has done anything', async () => {
    await post('evt_1', 'closed');
    const denied = { sink: 'events', reason: 'topic_authorization_failed' };
    await expect.poll(waiting).toMatchObject([denied]);
    await post('evt_2', 'open');
    await until(async () => (await idsIn('open')).length > 0);
    await expect.poll(waiting).toMatchObject([denied]);
    await broker.add({ principal: WAY.principal, topic: `${prefix}.closed`, may: 'write' });
    await expect.poll(waiting).toEqual([]);
    expect([await idsIn('closed'), await idsIn('open')]).toEqual([['evt_1'], ['evt_2']]);
  }, 120_000);

  it('T47: neither the password nor the key is in anything it wrote', () => {
    const { stdout, stderr } = bridge.output;
    for (const secret of [PASSWORD, 'PRIVATE KEY']) expect(stdout + stderr).not.toContain(secret);
  });
});
