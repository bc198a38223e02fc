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
}

const NOW_MS = Date.UTC(2026, 0, 12, 9, 24, 7);

/** What every verifier passes that has secrets. */
export function verifierContract<Config>(name: string, { kind, secrets, configure, sign, coversBody }: VerifierFixture<Config>): void {
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
