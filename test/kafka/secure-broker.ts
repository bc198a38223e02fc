import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes, type AclEntry } from 'kafkajs';
import { createAuthority } from '../receivers/certificates.js';
import { startBroker } from './broker.js';
import type { openSink } from './sink.js';
import { withAdmin } from './topics.js';

/** Of both users: bob, whom PLAIN knows, and alice, whom SCRAM knows. */
export const PASSWORD = 'canary-password';

/**
 * What a client has to show.
 * - `PASSWORDS`: a password.
 * - `CERTIFICATES`: nothing, but it is shown the broker's certificate. It may then do everything, as it may without TLS.
 * - `CLIENTS`: a certificate of its own.
 * - `BOTH`: a password, over TLS.
 * - `ALL`: a password and a certificate of its own. It is who its password says.
 */
const LISTENERS = { PASSWORDS: 'SASL_PLAINTEXT', CERTIFICATES: 'SSL', CLIENTS: 'SSL', BOTH: 'SASL_SSL', ALL: 'SASL_SSL' } as const;
export type Listener = keyof typeof LISTENERS;
type SinkParts = Parameters<typeof openSink>[0];

/** A way in: a listener that asks for something, what is shown to it, and who the broker takes that for. */
export interface Way {
  readonly listener: Exclude<Listener, 'CERTIFICATES'>;
  /** How the password is proved; null: there is none. */
  readonly mechanism: Mechanism | null;
  readonly principal: string;
}
type Mechanism = 'plain' | 'scram-sha-256' | 'scram-sha-512';

export const MECHANISMS: readonly Mechanism[] = ['plain', 'scram-sha-256', 'scram-sha-512'];
export const WAYS: readonly Way[] = [
  ...(['PASSWORDS', 'BOTH', 'ALL'] as const).flatMap((listener) =>
    MECHANISMS.map((mechanism): Way => ({ listener, mechanism, principal: mechanism === 'plain' ? 'User:bob' : 'User:alice' })),
  ),
  { listener: 'CLIENTS', mechanism: null, principal: 'User:CN=bridge' },
];

/** A rule of the access list, on one topic. */
export interface Rule {
  readonly principal: string;
  readonly topic: string;
  readonly may: 'write' | 'know';
  /** A rule that denies goes before those that allow. */
  readonly denied?: boolean;
}

/** A broker with passwords, certificates and an access list: who shows something of these may do what a rule allows, and nothing else. */
export interface SecureBroker {
  /** Its plain listener, where anybody may do everything: for the tests' own reading. */
  readonly brokers: string[];
  at(listener: Listener): string;
  /** What a sink has to say to go that way. */
  configOf(way: Pick<Way, 'listener' | 'mechanism'>, password?: string): SinkParts;
  /** The authority of the broker's certificate, and of the clients it lets in. */
  readonly ca: string;
  /** Resolves when the broker goes by it. */
  add(...rules: readonly Rule[]): Promise<void>;
  /** Resolves when the broker does not go by it any more. */
  remove(...rules: readonly Rule[]): Promise<void>;
  close(): Promise<void>;
}

export async function startSecureBroker(): Promise<SecureBroker> {
  const folder = mkdtempSync(join(tmpdir(), 'castbridge-certificates-'));
  const authority = await createAuthority();
  const { ca } = authority;
  const { cert, key } = await authority.certify([], ['127.0.0.1']);
  const [keystore, truststore] = [join(folder, 'keystore.pem'), join(folder, 'truststore.pem')];
  writeFileSync(keystore, `${key}\n${cert}\n${ca}\n`);
  writeFileSync(truststore, ca);
  const broker = await startBroker({
    listeners: LISTENERS,
    format: ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => ['--add-scram', `${mechanism}=[name=alice,password=${PASSWORD}]`]),
    properties: {
      ...logins,
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': keystore,
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': truststore,
      'listener.name.clients.ssl.client.auth': 'required',
      'listener.name.all.ssl.client.auth': 'required',
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:ANONYMOUS',
      'allow.everyone.if.no.acl.found': 'false',
    },
  });
  const brokers = [broker.address];
  const client = await authority.certify(['bridge']);
  const at = (listener: Listener): string => broker.listeners[listener] ?? '';
  return {
    brokers,
    at,
    configOf: ({ listener, mechanism }, password = PASSWORD) => ({
      brokers: [at(listener)],
      ...(LISTENERS[listener].endsWith('SSL') && { tls: { ca, ...((listener === 'CLIENTS' || listener === 'ALL') && client) } }),
      ...(mechanism !== null && { sasl: { mechanism, username: mechanism === 'plain' ? 'bob' : 'alice', password } }),
    }),
    ca,
    add: (...rules) => keep(brokers, rules, true),
    remove: (...rules) => keep(brokers, rules, false),
    async close() {
      await broker.close();
      rmSync(folder, { recursive: true });
    },
  };
}

const MODULES = 'org.apache.kafka.common.security';

/** How the listeners with passwords know them. */
const logins: Readonly<Record<string, string>> = {
  'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
  ...Object.fromEntries(
    Object.entries(LISTENERS)
      .filter(([, protocol]) => protocol.startsWith('SASL'))
      .map(([name]) => `listener.name.${name.toLowerCase()}`)
      .flatMap((listener) => [
        [`${listener}.plain.sasl.jaas.config`, `${MODULES}.plain.PlainLoginModule required user_bob="${PASSWORD}";`],
        [`${listener}.scram-sha-256.sasl.jaas.config`, `${MODULES}.scram.ScramLoginModule required;`],
        [`${listener}.scram-sha-512.sasl.jaas.config`, `${MODULES}.scram.ScramLoginModule required;`],
      ]),
  ),
};

/** Adds rules or removes them, and waits until the broker tells of them as it should: it hears of them from its controller. */
async function keep(brokers: string[], rules: readonly Rule[], there: boolean): Promise<void> {
  const acl = rules.map(entryOf);
  await withAdmin(brokers, async (admin) => {
    await (there ? admin.createAcls({ acl }) : admin.deleteAcls({ filters: acl }));
    for (const entry of acl) {
      const isThere = async (): Promise<boolean> => (await admin.describeAcls(entry)).resources.length > 0;
      while ((await isThere()) !== there) await new Promise((resolve) => setTimeout(resolve, 5));
    }
  });
}

function entryOf({ principal, topic, may, denied = false }: Rule): AclEntry {
  return {
    resourceType: AclResourceTypes.TOPIC,
    resourceName: topic,
    resourcePatternType: ResourcePatternTypes.LITERAL,
    principal,
    host: '*',
    operation: may === 'write' ? AclOperationTypes.WRITE : AclOperationTypes.DESCRIBE,
    permissionType: denied ? AclPermissionTypes.DENY : AclPermissionTypes.ALLOW,
  };
}
