import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Decoded, EventHeaders } from '../../src/core/event.js';
import { eventsIn, keptHeaders, type Decoding, type Format } from '../../src/core/source.js';

/** A request that a format reads as one event. */
export interface FormatSample {
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly event: Partial<Decoded>;
}

/** What a readable event says; its bytes go through everything that a request's do. */
export function decodedBy(format: Format, body: string | Buffer | object, headers: EventHeaders = {}): Decoded {
  const decoding = decodingBy(format, body, headers);
  if (!decoding.ok) throw new Error(decoding.detail);
  return decoding.event;
}

/** Why it cannot be read. */
export function detailBy(format: Format, body: string | Buffer | object, headers: EventHeaders = {}): string {
  const decoding = decodingBy(format, body, headers);
  return decoding.ok ? 'it was decoded' : decoding.detail;
}

function decodingBy(format: Format, body: string | Buffer | object, headers: EventHeaders): Decoding {
  const text = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  return format.decode(Buffer.from(text as string), keptHeaders(format, headers));
}

/** What every format passes. */
export function formatContract(format: Format, { body, headers = {}, event }: FormatSample): void {
  const bytes = Buffer.from(body);

  describe(`format contract: ${format.type}`, () => {
    it('reads its sample', () => {
      expect(decodedBy(format, body, headers)).toMatchObject(event);
      expect(eventsIn(format, bytes)).toEqual([bytes]);
    });

    it('reads it behind a byte order mark, and whatever its content type says', () => {
      expect(decodedBy(format, `\uFEFF${body}`, headers)).toMatchObject(event);
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=latin1', ''])
        expect(decodedBy(format, body, { ...headers, 'content-type': type })).toMatchObject(event);
    });

    it('keeps the headers that it reads, and no other', () => {
      const kept = keptHeaders(format, { ...headers, authorization: 'Bearer s', 'x-castai-signature': 's', cookie: ['a', 'b'] });
      expect(kept).toEqual(headers);
    });

    it('T09: says that a blank id is none, and reads none from another', () => {
      const { id } = decodedBy(format, body, headers);
      expect(id).toMatch(/\S/);
    });

    it('T44, T47: reads or refuses any bytes and any headers in one line that quotes none of them, and never throws', () => {
      const names = [...format.headers.map((name) => name.replace('*', 'id')), ...Object.keys(headers)];
      const anyHeaders = names.length === 0 ? fc.constant({}) : fc.dictionary(fc.constantFrom(...names), fc.string());
      const anyBody = fc.oneof(
        fc.uint8Array().map((some) => Buffer.from(some)),
        fc.json().map((text) => Buffer.from(text)),
        // What is nearly right: a part of it gone, or another in its place.
        fc.tuple(fc.nat(body.length), fc.nat(4), fc.constantFrom('', '"', 'canary', '{', ']', ',', '\\', '\n', '7')).map(([at, gone, put]) => {
          return Buffer.from(body.slice(0, at) + put + body.slice(at + gone));
        }),
      );
      fc.assert(
        fc.property(anyBody, anyHeaders, (some, given) => {
          for (const one of eventsIn(format, some)) {
            const decoding = format.decode(one, given);
            if (decoding.ok) continue;
            expect(decoding.detail).toMatch(/^[^\n]+$/);
            expect(decoding.detail).not.toContain('canary');
          }
        }),
        { numRuns: 500 },
      );
    });

    it('is not misled by names that every object has', () => {
      const inherited = decodingBy(format, '{"__proto__":{"id":"1","type":"t","data":{}},"constructor":"x"}', {});
      expect(inherited.ok ? inherited.event.id : null).toBeNull();
      expect(({} as Record<string, unknown>)['type']).toBeUndefined();
    });

    it('refuses an id and a type that are too long, or hold half a character', () => {
      for (const wrong of ['x'.repeat(257), '\ud800']) {
        const { id, type } = decodedBy(format, body, headers);
        for (const [name, value] of [
          ['id', id ?? ''],
          ['type', type.split('.').at(-1) ?? ''],
        ] as const) {
          // Where it stands in the body or in a header, there the wrong one stands now.
          const changed = decodingBy(
            format,
            body.replaceAll(JSON.stringify(value), JSON.stringify(wrong)),
            Object.fromEntries(Object.entries(headers).map(([header, text]) => [header, text === value ? wrong : text])),
          );
          if (changed.ok) expect(changed.event[name], name).not.toContain(wrong);
        }
      }
    });
  });
}
