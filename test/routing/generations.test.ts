import { describe, expect, it } from 'vitest';
import { compileCel } from '../../src/routing/cel.js';
import { createCompiler } from '../../src/routing/compiler.js';
import { createGenerations } from '../../src/routing/generations.js';
import { event } from './event.js';

const fail = () => expect.unreachable();

describe('a cache of two generations', () => {
  it('keeps what each generation uses, and forgets the rest', () => {
    const cache = createGenerations<number>(10);
    cache.set('used', 1);
    cache.set('unused', 2);
    for (let generation = 0; generation < 3; generation++) {
      cache.turn();
      expect(cache.get('used')).toBe(1);
    }
    expect(cache.get('unused')).toBeUndefined();
  });

  it('holds at most twice its limit', () => {
    const cache = createGenerations<number>(10);
    for (let n = 0; n < 100; n++) cache.set(`k${n}`, n);
    const kept = Array.from({ length: 100 }, (_, n) => cache.get(`k${n}`)).filter((value) => value !== undefined);
    expect(kept.length).toBeLessThanOrEqual(20);
    expect(cache.get('k99')).toBe(99);
  });
});

describe('a reload', () => {
  const compiled = (source: string) => compileCel(source, [], fail);

  it('compiles no condition again that is unchanged, and keeps none that is gone', () => {
    createCompiler(fail);
    const [stays, goes] = [compiled('event.id == "stays"'), compiled('event.id == "goes"')];
    createCompiler(fail);
    expect(compiled('event.id == "stays"')).toBe(stays);
    createCompiler(fail);
    expect(compiled('event.id == "stays"')).toBe(stays);
    expect(compiled('event.id == "goes"')).not.toBe(goes);
  });

  it('tells a mistake each time, at the place where it stands then', () => {
    for (const offset of [1, 3]) {
      const offsets: unknown[] = [];
      createCompiler((problem) => offsets.push(problem.offset)).interpolated(`${' '.repeat(offset - 1)}{event.idd}`, []);
      expect(offsets).toEqual([offset + 'event.'.length]);
    }
  });

  it('shares a template between sinks, not their escaping', () => {
    const compiler = createCompiler(fail);
    const [upper, lower] = [(value: string) => value.toUpperCase(), (value: string) => value.toLowerCase()].map((escape) =>
      compiler.template('-{{ event.name }}-', [], escape),
    );
    expect([upper, lower, upper].map((render) => render?.(event({ name: 'Ab' })))).toEqual(['-AB-', '-ab-', '-AB-']);
  });
});
