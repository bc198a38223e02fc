import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Problem } from '../../src/core/problem.js';
import type { SignedRequest, VerifierKind, Verify } from '../../src/core/source.js';

/** What a verifier that checks anything needs for its contract. */
export interface VerifierFixture<Config> {
  readonly kind: VerifierKind<Config>;
  /** Two secrets or more, in this order. */
  readonly secrets: readonly string[];
  readonly configure: (secrets: readonly string[]) => Config;
  /** The headers a sender sends, lower case. */
  readonly sign: (secret: string, body: Buffer, nowMs: number) => Record<string, string>;
  /** Whether the proof depends on the body. */
  readonly coversBody: boolean;
  /** How far from now a signed time may be, s: as `configure` says. Absent: nothing tells when it was signed. */
  readonly toleratesS?: { readonly past: number; readonly future: number };
}

const NOW_MS = Date.UTC(2026, 0, 12, 9, 24, 7);

/** What every verifier passes that has secrets. */
export function verifierContract<Config>(name: string, { kind, secrets, configure, sign, coversBody, toleratesS }: VerifierFixture<Config>): void {
  const body = Buffer.from('{"id":"evt_1","type":"resource.created"}');
  const verify = prepared(kind, configure(secrets));
  const signed = (secret = secrets[0] ?? ''): SignedRequest => ({ headers: sign(secret, body, NOW_MS), body });

  describe(`verifier contract: ${name}`, () => {
    it('T46: accepts what any of its secrets has signed, and says which one', () => {
      expect(secrets.length).toBeGreaterThan(1);
      secrets.forEach((secret, secretIndex) => expect(verify(signed(secret), NOW_MS)).toEqual({ authentic: true, secretIndex }));
    });

    it('T46: refuses a secret that was taken out', () => {
      const rotated = prepared(kind, configure(secrets.slice(1)));
      expect(rotated(signed(secrets[0]), NOW_MS).authentic).toBe(false);
      expect(rotated(signed(secrets[1]), NOW_MS)).toEqual({ authentic: true, secretIndex: 0 });
    });

    it('refuses a request without any one of its headers', () => {
      const { headers } = signed();
      for (const missing of Object.keys(headers)) {
        expect(verify({ headers: { ...headers, [missing]: undefined }, body }, NOW_MS), missing).toMatchObject({ authentic: false });
        expect(verify({ headers: { ...headers, [missing]: '' }, body }, NOW_MS), missing).toMatchObject({ authentic: false });
      }
    });

    it('T44: refuses a header that was sent twice, as a list and joined', () => {
      const { headers } = signed();
      for (const [header, value] of Object.entries(headers)) {
        expect(verify({ headers: { ...headers, [header]: [String(value), String(value)] }, body }, NOW_MS), header).toMatchObject({
          authentic: false,
        });
        expect(verify({ headers: { ...headers, [header]: [String(value)] }, body }, NOW_MS), header).toMatchObject({ authentic: false });
        expect(verify({ headers: { ...headers, [header]: `${String(value)}, ${String(value)}` }, body }, NOW_MS), header).toMatchObject({
          authentic: false,
        });
      }
    });

    it.runIf(coversBody)('refuses a body of which one bit was changed', () => {
      fc.assert(
        fc.property(fc.nat(body.length * 8 - 1), (bit) => {
          const changed = Buffer.from(body);
          changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
          return !verify({ ...signed(), body: changed }, NOW_MS).authentic;
        }),
      );
    });

    it('accepts any bytes, also those that are not UTF-8', () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
          const any = Buffer.from(bytes);
          return verify({ headers: sign(secrets[0] ?? '', any, NOW_MS), body: any }, NOW_MS).authentic;
        }),
      );
      const mark = Buffer.from('\uFEFF{"a":"\uD83D\uDE00"}');
      expect(verify({ headers: sign(secrets[0] ?? '', mark, NOW_MS), body: mark }, NOW_MS).authentic).toBe(true);
    });

    it('refuses a header of which one bit was changed', () => {
      const { headers } = signed();
      const names = Object.keys(headers);
      fc.assert(
        fc.property(fc.constantFrom(...names), fc.nat(), fc.integer({ min: 0, max: 7 }), (name, at, bit) => {
          const value = Buffer.from(String(headers[name]), 'latin1');
          const index = at % value.length;
          value[index] = (value[index] ?? 0) ^ (1 << bit);
          const changed = value.toString('latin1');
          // Case means nothing in the name of a scheme.
          fc.pre(!/^[a-z]+ /i.test(String(headers[name])) || changed.toLowerCase() !== String(headers[name]).toLowerCase());
          return !verify({ headers: { ...headers, [name]: changed }, body }, NOW_MS).authentic;
        }),
      );
    });

    it('refuses a secret of which one bit was changed', () => {
      fc.assert(
        fc.property(fc.nat(), fc.integer({ min: 0, max: 3 }), (at, bit) => {
          const secret = Buffer.from(secrets[0] ?? '', 'latin1');
          // Behind what marks a secret, and without what fills up base64.
          const index = 6 + (at % (secret.length - 10));
          secret[index] = (secret[index] ?? 0) ^ (1 << bit);
          fc.pre(/^[\x21-\x7e]+$/.test(secret.toString('latin1')));
          return !verify({ headers: sign(secret.toString('latin1'), body, NOW_MS), body }, NOW_MS).authentic;
        }),
      );
    });

    if (toleratesS !== undefined) {
      const { past, future } = toleratesS;
      it.each([
        [-past, true],
        [-past - 1, false],
        [0, true],
        [future, true],
        [future + 1, false],
        [31_536_000, false],
        [-31_536_000, false],
      ])('T45: what was signed %i s from now is authentic: %s', (seconds, authentic) => {
        const request = { headers: sign(secrets[0] ?? '', body, NOW_MS + seconds * 1_000), body };
        expect(verify(request, NOW_MS).authentic).toBe(authentic);
      });

      it('T45: keeps a captured request valid for both tolerances together', () => {
        expect(kind.replayMs(configure(secrets))).toBe((past + future) * 1_000);
      });
    }

    it.runIf(toleratesS === undefined)('says that a captured request stays valid for ever', () => {
      expect(kind.replayMs(configure(secrets))).toBe(null);
    });

    it('T44: answers any headers and any body with a verdict, and none of them is authentic', () => {
      const names = Object.keys(signed().headers);
      const value = fc.oneof(
        fc.string(),
        fc.string({ unit: 'binary' }),
        fc.constant('f'.repeat(65_536)),
        fc.array(fc.string()),
        fc.constant(undefined),
      );
      fc.assert(
        fc.property(fc.tuple(...names.map(() => value)), fc.uint8Array(), fc.nat(), (values, bytes, nowMs) => {
          const headers = Object.fromEntries(names.map((header, index) => [header, values[index]]));
          return !verify({ headers, body: Buffer.from(bytes) }, nowMs).authentic;
        }),
      );
    });

    it('T47: says nothing of its secrets, of the headers, or of the body', () => {
      const { headers } = signed();
      for (const header of Object.keys(headers)) {
        const verdict = verify({ headers: { ...headers, [header]: 'canary-in-header' }, body: Buffer.from('canary-in-body') }, NOW_MS);
        for (const canary of [...secrets, 'canary']) expect(JSON.stringify(verdict)).not.toContain(canary);
      }
    });

    it.each(['', '   ', 'changeme', 'your-webhook-secret', '${CASTAI_WEBHOOK_SECRET}'])('T42: reports the secret "%s" where it stands', (secret) => {
      const problems = problemsOf(kind, configure([secrets[0] ?? '', secret]));
      expect(problems).toHaveLength(1);
      expect(problems[0]?.path.at(-1)).toBe(1);
      if (secret.trim() !== '') expect(JSON.stringify(problems)).not.toContain(secret);
    });
  });
}

/** A verifier of a configuration that must be free of problems. */
export function prepared<Config>(kind: VerifierKind<Config>, config: Config): Verify {
  const problems: Problem[] = [];
  const verify = kind.prepare(config, (problem) => problems.push(problem));
  expect(problems).toEqual([]);
  return verify;
}

/** What is wrong with a configuration. */
export function problemsOf<Config>(kind: VerifierKind<Config>, config: Config): readonly Problem[] {
  const problems: Problem[] = [];
  kind.prepare(config, (problem) => problems.push(problem));
  return problems;
}
