import fc from 'fast-check';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { isIP } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createIsForbidden, guard, type Lookup } from '../../src/sinks/address.js';
import { embeddedIn } from '../../src/sinks/embedded.js';
import type { Config } from '../../src/sinks/http-config.js';
import { openHttp } from '../../src/sinks/http-send.js';
import { startHttpReceiver, type HttpReceiver } from '../receivers/http-receiver.js';
import { configured, sent } from './sent.js';

const isForbidden = createIsForbidden({});

describe('T49, T50: a URL', () => {
  it.each([
    'http://169.254.169.254/latest',
    'http://2852039166/latest',
    'http://0xa9fea9fe/',
    'http://0251.0376.0251.0376/',
    'http://0xa9.254.0251.254/',
    'http://169.254.43518/',
    'http://169.254.169.254./',
    'http://１６９.254.169.254/',
    'http://%31%36%39.254.169.254/',
    'http://user:secret@169.254.169.254/',
    'http://[fe80::1]/',
    'http://[::ffff:169.254.169.254]/',
    'http://[::ffff:a9fe:a9fe]/',
    'http://[::169.254.169.254]/',
    'http://[64:ff9b::169.254.169.254]/',
    'http://[64:ff9b:1::169.254.169.254]/',
    'http://[2002:a9fe:a9fe::1]/',
    'http://[fd00:ec2::254]/',
    'http://[fd20:ce::254]/',
    'http://100.100.100.200/',
    'http://192.0.0.192/',
    'http://168.63.129.16/',
    'http://0.0.0.0/',
    'http://0/',
    'http://[::]/',
    'http://metadata.google.internal/computeMetadata/v1/',
    'http://METADATA.google.internal./{event.type}',
    'https://instance-data.ec2.internal/',
  ])('%s is refused when it is read', (url) => {
    expect(() => configured({ type: 'http', url })).toThrow('sinks.out.url: this address is not sent to');
  });

  it.each([
    ['https://{event.type}.example/', 'scheme and host of the URL cannot be computed'],
    ['https://host{event.type}/', 'scheme and host of the URL cannot be computed'],
    ['https://user{event.type}@host/', 'scheme and host of the URL cannot be computed'],
    ['ftp://host/', 'no http or https URL'],
    ['//host/', 'no http or https URL'],
  ])('%s is refused', (url, what) => {
    expect(() => configured({ type: 'http', url })).toThrow(what);
  });

  it.each([
    'http://127.0.0.1/',
    'http://[::1]/',
    'http://10.1.2.3/',
    'http://192.168.0.1/',
    'http://metadata.example/',
    'http://[64:ff9b::808:808]/',
  ])('%s is the operator’s choice', (url) => {
    expect(() => configured({ type: 'http', url })).not.toThrow();
  });
});

describe('T49: allow and deny', () => {
  it.each<[object, string, boolean]>([
    [{ allow: ['169.254.169.254'] }, '169.254.169.254', false],
    [{ allow: ['169.254.0.0/16'] }, '169.254.169.254', false],
    [{ allow: ['169.254.169.254'] }, 'metadata.google.internal', false],
    [{ allow: ['169.254.169.254'] }, '::ffff:a9fe:a9fe', false],
    [{ allow: ['169.254.169.253'] }, '169.254.169.254', true],
    [{ allow: ['10.0.0.0/8'] }, '10.1.2.3', false],
    [{ allow: ['10.0.0.0/8'] }, '64:ff9b::10.1.2.3', false],
    [{ allow: ['10.0.0.0/8'] }, '64:ff9b::9.1.2.3', true],
    [{ allow: ['10.0.0.0/8'] }, '11.1.2.3', true],
    [{ allow: ['10.0.0.0/8'] }, '2001:db8::1', true],
    [{ allow: ['10.0.0.0/8', '2001:db8::/32'] }, '2001:db8::1', false],
    [{ allow: ['10.0.0.0/8'], deny: ['10.1.0.0/16'] }, '10.1.2.3', true],
    [{ allow: ['10.1.2.3'], deny: ['10.0.0.0/8'] }, '10.1.2.3', true],
    [{ allow: ['10.0.0.0/8'], deny: ['10.1.0.0/16'] }, '10.2.2.3', false],
    [{ deny: ['10.0.0.0/8'] }, '10.1.2.3', true],
    [{ deny: ['10.0.0.0/8'] }, '::ffff:10.1.2.3', true],
    [{ deny: ['10.0.0.0/8'] }, '2002:a01:203::1', true],
    [{ deny: ['10.0.0.0/8'] }, '11.1.2.3', false],
    [{ deny: ['10.0.0.0/8'] }, '169.254.169.254', true],
    [{ deny: ['0.0.0.0/8'] }, '::1', false],
    [{ deny: ['::1'] }, '::1', true],
  ])('with %j, is %s forbidden: %s', (rules, address, forbidden) => {
    expect(createIsForbidden(rules)(address)).toBe(forbidden);
  });

  it.each(['10.0.0.0/33', '10.0.0.0/', '10.0.0/8', '2001:db8::/129', 'host.example', '10.0.0.0/8/8', '', '10.0.0.0/-1', '10.0.0.0/8x'])(
    '%j is a mistake at its line',
    (range) => {
      for (const key of ['allow', 'deny'])
        expect(() => configured({ type: 'http', url: 'https://host.example/', [key]: ['192.0.2.0/24', range] })).toThrow(`sinks.out.${key}[1]`);
    },
  );

  it('a host that stands in the URL is refused where it is in `deny`, or not in `allow`', () => {
    const url = 'https://10.1.2.3/';
    expect(() => configured({ type: 'http', url, deny: ['10.0.0.0/8'] })).toThrow('sinks.out.url');
    expect(() => configured({ type: 'http', url, allow: ['10.2.0.0/16'] })).toThrow('sinks.out.url');
    expect(() => configured({ type: 'http', url, allow: ['10.1.2.3'] })).not.toThrow();
  });
});

/** Every way in which an IPv6 address holds an IPv4 one: written apart from what is tested. */
const EMBEDDINGS: readonly ((ipv4: string, noise: string) => string)[] = [
  (ipv4) => `::ffff:${ipv4}`,
  (ipv4) => `::ffff:${hex(ipv4)}`,
  (ipv4) => `0:0:0:0:0:FFFF:${hex(ipv4)}`,
  (ipv4) => `::${ipv4}`,
  (ipv4) => `::ffff:0:${ipv4}`,
  (ipv4) => `64:ff9b::${ipv4}`,
  (ipv4, noise) => `64:ff9b:1:${noise}:${noise}:0:${hex(ipv4)}`,
  (ipv4) => `64:ff9b:1:${hex(ipv4).split(':')[0] ?? ''}:${hex16(0, byte(ipv4, 2))}:${hex16(byte(ipv4, 3), 0)}::`,
  (ipv4, noise) => `2002:${hex(ipv4)}:${noise}::${noise}`,
  (ipv4, noise) => `2001:0:${hex(ipv4)}:${noise}:${noise}:3fff:fdd2`,
  (ipv4, noise) => `2001:0:808:808:${noise}:${noise}:${hex(inverted(ipv4))}`,
  (ipv4, noise) => `2001:db8:${noise}::5efe:${ipv4}`,
  (ipv4, noise) => `2001:db8:${noise}:0:200:5efe:${ipv4}`,
  (ipv4) => `fe80::5efe:${ipv4}%eth0`,
];

const byte = (ipv4: string, at: number): number => Number(ipv4.split('.')[at]);
const hex16 = (high: number, low: number): string => ((high << 8) | low).toString(16);
const hex = (ipv4: string): string => `${hex16(byte(ipv4, 0), byte(ipv4, 1))}:${hex16(byte(ipv4, 2), byte(ipv4, 3))}`;
const inverted = (ipv4: string): string =>
  ipv4
    .split('.')
    .map((part) => 255 - Number(part))
    .join('.');

describe('T49: an IPv4 address in an IPv6 one', () => {
  const octet = fc.nat(255);
  const linkLocal = fc.tuple(octet, octet).map(([a, b]) => `169.254.${a}.${b}`);
  const forbidden = fc.oneof(linkLocal, fc.constantFrom('100.100.100.200', '192.0.0.192', '168.63.129.16'));
  const noise = fc.integer({ min: 1, max: 0xffff }).map((group) => group.toString(16));

  it('is forbidden where it is, in whatever form', () => {
    fc.assert(
      fc.property(forbidden, fc.constantFrom(...EMBEDDINGS), noise, (ipv4, embed, group) => {
        const address = embed(ipv4, group);
        expect([address, isIP(address), isForbidden(address), isForbidden(ipv4)]).toEqual([address, 6, true, true]);
        expect(isForbidden(`[${new URL(`http://[${address.split('%')[0] ?? ''}]/`).hostname.slice(1, -1)}]`)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it('is connected to where it is public, and in a form that says for certain which it is', () => {
    const publicIpv4 = fc
      .tuple(fc.integer({ min: 1, max: 223 }), octet, octet, octet)
      .filter(([a]) => ![10, 100, 127, 168, 169, 192].includes(a))
      .map((parts) => parts.join('.'));
    const certain = EMBEDDINGS.slice(0, 6);
    fc.assert(
      fc.property(publicIpv4, fc.constantFrom(...certain), (ipv4, embed) => {
        expect([embeddedIn(embed(ipv4, '1')), isForbidden(embed(ipv4, '1')), isForbidden(ipv4)]).toEqual([[ipv4], false, false]);
      }),
      { numRuns: 2_000 },
    );
  });

  it('is none in other addresses: they are connected to', () => {
    const group = fc.nat(0xffff).map((number) => number.toString(16));
    const globalUnicast = fc.array(group, { minLength: 7, maxLength: 7 }).map((groups) => `2600:${groups.join(':')}`);
    fc.assert(
      fc.property(
        globalUnicast.filter((address) => !/:0?0?[02]0*:5efe:/.test(address)),
        (address) => {
          expect([address, embeddedIn(address), isForbidden(address)]).toEqual([address, [], false]);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe('T49: a name', () => {
  const answering =
    (...answers: readonly (readonly string[])[]): Lookup =>
    (_host, options, done) => {
      const addresses = (answers.length > 1 ? (answers as string[][]).shift() : answers[0]) ?? [];
      const list = addresses.map((address) => ({ address, family: isIP(address) }));
      if (options.all === true) done(null, list);
      else done(null, list[0]?.address ?? '', list[0]?.family);
    };
  let receiver: HttpReceiver;
  beforeAll(async () => {
    receiver = await startHttpReceiver();
  });
  afterAll(() => receiver.goAway());

  it('is refused as soon as one of its addresses is forbidden', async () => {
    const found = (addresses: readonly string[]) =>
      new Promise<unknown>((resolve) => {
        guard(answering(addresses), isForbidden)('name', { all: true }, (error, list) => resolve(error?.code ?? list));
      });
    expect(await found(['192.0.2.1', '169.254.169.254'])).toBe('EADDRINFO_FORBIDDEN');
    for (const address of ['fe80::1', 'fe80::1%eth0', '::ffff:169.254.169.254', '64:ff9b::a9fe:a9fe', '0.0.0.0'])
      expect(await found([address])).toBe('EADDRINFO_FORBIDDEN');
    expect(await found(['127.0.0.1'])).toEqual([{ address: '127.0.0.1', family: 4 }]);
  });

  const opened = (url: string, lookup: Lookup, parts: object = {}) => {
    const config: Config = { method: 'POST', headers: {}, body: 'raw', proxy: 'none', deny: [], retryOn: [], rejectOn: [], ...parts, url };
    return openHttp(config, { lookup, environment: {}, nowMs: Date.now });
  };

  it('is not connected to where it leads to a metadata address, and is asked again for every connection', async () => {
    const { port } = new URL(receiver.url);
    const url = `http://rebinding.example:${port}/`;
    const { message } = configured({ type: 'http', url });
    const sink = opened(url, answering(['127.0.0.1'], ['169.254.169.254']));
    // The answer ends the connection: the next request needs another.
    receiver.script({ status: 200, headers: { connection: 'close' } });
    expect(await sink.send([message()], AbortSignal.timeout(20_000))).toMatchObject([{ kind: 'delivered' }]);
    const [outcome] = await sink.send([message()], AbortSignal.timeout(20_000));
    expect(outcome).toMatchObject({ kind: 'retry', reason: 'address_forbidden', holdSink: true });
    await sink.close();
  });

  it('is not connected to where `deny` has its address, nor where `allow` has not', async () => {
    const url = receiver.url.replace('127.0.0.1', 'localhost');
    expect(await sent({ type: 'http', url })).toMatchObject({ kind: 'delivered' });
    expect(await sent({ type: 'http', url, deny: ['127.0.0.0/8', '::1'] })).toMatchObject({ kind: 'retry', reason: 'address_forbidden' });
    expect(await sent({ type: 'http', url, allow: ['192.0.2.0/24'] })).toMatchObject({ kind: 'retry', reason: 'address_forbidden' });
    expect(await sent({ type: 'http', url, allow: ['127.0.0.1', '::1'] })).toMatchObject({ kind: 'delivered' });
  });

  it('an address that is forbidden is not connected to either, however the sink came by it', async () => {
    const { message } = configured({ type: 'http', url: receiver.url });
    const sink = opened(receiver.url, () => undefined, { deny: ['127.0.0.1'] });
    expect(await sink.send([message()], AbortSignal.timeout(20_000))).toMatchObject([{ kind: 'retry', reason: 'address_forbidden' }]);
    await sink.close();
  });

  it('a redirect to a metadata address is an answer, and is not followed', async () => {
    const before = receiver.received.length;
    receiver.script({ status: 307, headers: { location: 'http://169.254.169.254/latest/meta-data' } });
    expect(await sent({ type: 'http', url: receiver.url })).toMatchObject({ kind: 'rejected', reason: 'http_307' });
    expect(receiver.received.length).toBe(before + 1);
  });

  it('that does not resolve in time is a retry as soon as the signal says so, and the sink closes all the same', async () => {
    const givenUp: unknown[] = [];
    const note = (fact: unknown): void => void givenUp.push(fact);
    subscribe('undici:client:connectError', note);
    onTestFinished(() => void unsubscribe('undici:client:connectError', note));
    const { message } = configured({ type: 'http', url: 'http://slow.example/' });
    const sink = opened('http://slow.example/', () => undefined);
    expect(await sink.send([message()], AbortSignal.timeout(50))).toMatchObject([{ kind: 'retry', reason: 'timeout' }]);
    // Not because the connection was given up: that is later.
    expect(givenUp).toEqual([]);
    await sink.close();
  });
});
