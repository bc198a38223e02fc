import { Ajv } from 'ajv';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keptHeaders, type Format } from '../../../src/core/source.js';
import { kinds } from '../../../src/kinds.js';

const ajv = new Ajv({ strict: true, allErrors: true, strictTypes: false, strictRequired: false });

/** JSON near a sample: a value in it is another one, a key is gone, a key that formats know is there too. */
function nearly(sample: object): fc.Arbitrary<unknown> {
  const keys = [...Object.keys(sample), 'id', 'type', 'eventType', 'data', 'specversion', 'created', 'payload'];
  const value = fc.oneof(fc.constantFrom<unknown>('', ' ', 'text', 'x'.repeat(257), '😀'.repeat(120), 7, true, null, [], {}), fc.jsonValue());
  const change = fc.tuple(fc.constantFrom(...keys), fc.option(value, { nil: undefined }));
  const changed = fc
    .array(change, { maxLength: 4 })
    .map((changes) => JSON.parse(JSON.stringify({ ...sample, ...Object.fromEntries(changes) })) as unknown);
  return fc.oneof({ weight: 9, arbitrary: changed }, fc.jsonValue());
}

describe.each(kinds.formats.map((kind) => [kind.type, kind] as const))('the payload schema of %s', (_, { bare, payload = {} }) => {
  const check = ajv.compile(payload);
  const { body, headers } = bare.sample('e-1');
  const sample = JSON.parse(body) as object;

  it('takes the sample, and everything else that the format reads', () => {
    expect(check(sample)).toBe(true);
    fc.assert(
      fc.property(nearly(sample), (some) => {
        if (isRead(bare, some, headers)) expect([some, check(some), check.errors]).toEqual([some, true, null]);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe.each(['castai-event', 'standard-webhooks', 'castai-audit', 'castai-notification', 'github'])('the payload schema of %s', (type) => {
  it('is no empty one: it refuses what is no object, and what has no type where the format wants one', () => {
    const { bare, payload = {} } = kinds.formats.find((kind) => kind.type === type) ?? {};
    const check = ajv.compile(payload);
    for (const wrong of [[], 'text', 7, null]) expect([wrong, check(wrong)]).toEqual([wrong, false]);
    const headers = bare?.sample('e-1').headers ?? {};
    for (const typed of [{}, { type: '' }, { type: 7 }, { eventType: null }])
      if (bare !== undefined) expect(check(typed)).toBe(isRead(bare, typed, headers));
  });
});

function isRead(format: Format, body: unknown, headers: Readonly<Record<string, string>>): boolean {
  return format.decode(Buffer.from(JSON.stringify(body)), keptHeaders(format, headers)).ok;
}
