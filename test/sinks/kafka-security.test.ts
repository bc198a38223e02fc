import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } from 'kafkajs';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import type { Outcome } from '../../src/core/outcome.js';
import { startBroker, type Broker } from '../kafka/broker.js';
import { messageTo, openSink, send, sendUntilSettled, wordsOf } from '../kafka/sink.js';
import { describeOwnKafka, START_MS } from '../kafka/suite.js';
import { createTopic, readTopic, withAdmin } from '../kafka/topics.js';
import { createAuthority } from '../receivers/certificates.js';

const PASSWORD = 'canary-password';
const WRONG = 'canary-wrong-password';

describeOwnKafka('the kafka sink and a broker with passwords, certificates and access lists', () => {
  let broker: Broker;
  let ca: string;
  let topic: string;
  let folder: string;
  /** Outcomes and log lines. */
  const seen: unknown[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'castbridge-certificates-'));
    const authority = await createAuthority();
    ca = authority.ca;
    const { cert, key } = await authority.certify([], ['127.0.0.1']);
    const keystore = join(folder, 'keystore.pem');
    writeFileSync(keystore, `${key}\n${cert}\n${ca}\n`);
    const login = 'org.apache.kafka.common.security';
    const jaas = {
      'plain.sasl.jaas.config': `${login}.plain.PlainLoginModule required user_bob="${PASSWORD}";`,
      'scram-sha-256.sasl.jaas.config': `${login}.scram.ScramLoginModule required;`,
      'scram-sha-512.sasl.jaas.config': `${login}.scram.ScramLoginModule required;`,
    };
    broker = await startBroker({
      listeners: { PASSWORDS: 'SASL_PLAINTEXT', CERTIFICATES: 'SSL', BOTH: 'SASL_SSL' },
      format: ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => ['--add-scram', `${mechanism}=[name=alice,password=${PASSWORD}]`]),
      properties: {
        'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
        ...Object.fromEntries(
          ['passwords', 'both'].flatMap((name) => Object.entries(jaas).map(([key, value]) => [`listener.name.${name}.${key}`, value])),
        ),
        'ssl.keystore.type': 'PEM',
        'ssl.keystore.location': keystore,
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'super.users': 'User:ANONYMOUS',
        'allow.everyone.if.no.acl.found': 'true',
      },
    });
    topic = await createTopic([broker.address]);
  }, START_MS);
  afterAll(async () => {
    await broker.close();
    rmSync(folder, { recursive: true });
  });
  afterEach(() => {
    expect(seen.length).toBeGreaterThan(0);
    for (const secret of [PASSWORD, WRONG]) expect(JSON.stringify(seen)).not.toContain(secret);
  });

  type Parts = Omit<Parameters<typeof openSink>[0], 'brokers'>;
  const at = (listener: string): string => broker.listeners[listener] ?? '';
  const sasl = (mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512', password = PASSWORD): Required<Pick<Parts, 'sasl'>> => ({
    sasl: { mechanism, username: mechanism === 'plain' ? 'bob' : 'alice', password },
  });
  const sendOnce = async (address: string, id: string, parts: Parts): Promise<Outcome | undefined> => {
    const note = (fields: object, message: string): void => void seen.push(fields, message);
    const sink = openSink({ brokers: [address], ...parts }, { debug: note, info: note, warn: note, error: note });
    const [outcome] = await send(sink, [messageTo(topic, id)]);
    await sink.close();
    seen.push(outcome);
    return outcome;
  };
  const idsIn = async (): Promise<(string | undefined)[]> =>
    (await readTopic([broker.address], topic)).map(({ headers }) => headers['castbridge-event-id']);

  it.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)('logs in by %s, also over TLS', async (mechanism) => {
    expect(await sendOnce(at('PASSWORDS'), `${mechanism}-open`, sasl(mechanism))).toMatchObject({ kind: 'delivered' });
    expect(await sendOnce(at('BOTH'), `${mechanism}-tls`, { ...sasl(mechanism), tls: { ca } })).toMatchObject({ kind: 'delivered' });
    expect(await idsIn()).toEqual(expect.arrayContaining([`${mechanism}-open`, `${mechanism}-tls`]));
  });

  it('trusts an authority of its own', async () => {
    expect(await sendOnce(at('CERTIFICATES'), 'tls', { tls: { ca } })).toMatchObject({ kind: 'delivered' });
  });

  it.each(['plain', 'scram-sha-256'] as const)('%s: a wrong password is a retry that holds the sink, and delivers nothing', async (mechanism) => {
    expect(await sendOnce(at('PASSWORDS'), 'wrong-password', sasl(mechanism, WRONG))).toMatchObject({
      kind: 'retry',
      reason: 'sasl_failed',
      holdSink: true,
    });
    expect(await idsIn()).not.toContain('wrong-password');
  });

  it('T48: an unknown authority and another host’s certificate are retries that hold the sink, and deliver nothing', async () => {
    const unknown = (await createAuthority()).ca;
    const localhost = at('CERTIFICATES').replace('127.0.0.1', 'localhost');
    const cases: [string, Parts][] = [
      [at('CERTIFICATES'), { tls: true }],
      [at('CERTIFICATES'), { tls: { ca: unknown } }],
      [localhost, { tls: { ca } }],
    ];
    // Not even where all of Node is told to look away.
    for (const reject of ['1', '0']) {
      vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', reject);
      for (const [address, parts] of cases) {
        expect(await sendOnce(address, 'untrusted', parts)).toMatchObject({ kind: 'retry', reason: 'tls', holdSink: true });
      }
    }
    vi.unstubAllEnvs();
    expect(await idsIn()).not.toContain('untrusted');
  });

  it('a plain connection to a listener with TLS is a retry', async () => {
    expect(await sendOnce(at('CERTIFICATES'), 'plain', {})).toMatchObject({ kind: 'retry', holdSink: true });
  });

  it('a topic it may not write to is a retry within a moment; the same sink works once it may', async () => {
    const sink = openSink({ brokers: [at('PASSWORDS')], ...sasl('plain') });
    const message = messageTo(topic, 'allowed-later');
    const deny = {
      resourceType: AclResourceTypes.TOPIC,
      resourceName: topic,
      resourcePatternType: ResourcePatternTypes.LITERAL,
      principal: 'User:bob',
      host: '*',
      operation: AclOperationTypes.WRITE,
      permissionType: AclPermissionTypes.DENY,
    };
    await withAdmin([broker.address], (admin) => admin.createAcls({ acl: [deny] }));
    await expect.poll(async () => wordsOf(await send(sink, [message]))).toEqual(['retry topic_authorization_failed']);
    await withAdmin([broker.address], (admin) => admin.deleteAcls({ filters: [deny] }));
    expect(await sendUntilSettled(sink, message)).toBe('delivered');
    await sink.close();
  });
});
