import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutList } from '../../../src/sources/format/list.js';

/** JSON with blanks between its parts. */
const spaced = (value: unknown): string => JSON.stringify(value, null, 1);

describe('a list that is cut', () => {
  it('gives what its elements are, whatever they hold and whatever stands around them', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.dictionary(fc.string(), fc.jsonValue()), fc.string(), fc.boolean(), (list, beside, key, last) => {
        const around = last ? { ...beside, [key]: list } : { [key]: list, ...beside, [key]: list };
        for (const [body, at] of [
          [spaced(list), null],
          [JSON.stringify(list), null],
          [spaced(around), key],
          [JSON.stringify(around), key],
        ] as const) {
          const cut = cutList(Buffer.from(body), at);
          // `{ ['__proto__']: list }` sets no key.
          if (at === '__proto__') continue;
          expect(cut?.map((one) => JSON.parse(one.toString()) as unknown)).toEqual(JSON.parse(JSON.stringify(list)));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('is none where the body is no list, or no JSON', () => {
    for (const body of ['', ' ', '{}', '"[1]"', '[1', '[1]]', '[1,]', 'null', '{"a":[1]}']) expect(cutList(Buffer.from(body), null), body).toBeNull();
    expect(cutList(Buffer.from([0x5b, 0x22, 0xff, 0x22, 0x5d]), null)).toBeNull();
    expect(cutList(Buffer.from('\uFEFF [1]'), null)?.map(String)).toEqual(['1']);
  });
});
