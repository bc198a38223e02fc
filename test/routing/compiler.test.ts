import { describe, expect, it } from 'vitest';
import type { EventView } from '../../src/core/event.js';
import type { Problem } from '../../src/core/problem.js';
import { createCompiler } from '../../src/routing/compiler.js';
import { event } from './event.js';

const upper = (value: string) => value.toUpperCase();

function compiling() {
  const problems: Problem[] = [];
  return { problems, ...createCompiler((problem) => problems.push(problem)) };
}

function decide(source: string, seen: EventView): boolean {
  const { condition, problems } = compiling();
  const decided = condition(source, []);
  expect(problems).toEqual([]);
  return decided.holds(seen);
}

function problemOf(compile: (compiler: ReturnType<typeof compiling>) => unknown): Problem | undefined {
  const compiler = compiling();
  compile(compiler);
  expect(compiler.problems).toHaveLength(1);
  return compiler.problems[0];
}

describe('a condition in CEL', () => {
  it.each([
    ['event.severity == "critical"', false],
    ['!event.name.startsWith("Trial")', true],
    ['has(event.cluster.name)', false],
    ['has(event.name) || has(event.severity)', false],
    ['has(event.data.n) && event.data.n == 9007199254740991', true],
    ['event.data.n > 5', true],
    ['event.data.items.exists(item, item == "b")', true],
    ['event.data.?missing.orValue("none") == "none"', true],
    ['has(event.data.missing)', false],
    ['event.data.small + 1 > 3', true],
    ['event.data.small % 2 == 1', true],
    ['event.data.small % event.data.small == 0', true],
    ['2 * event.data.small == 6', true],
    ['event.data.small / 2 - 1 == 0.5', true],
    ['event.data.items.size() - event.data.small == -1', true],
    ['7 / 2 == 3', true],
    ['6 == 2 * event.data.small && 2 * event.data.small in [6]', true],
    ['event.id == "evt_1" ? true : false', true],
  ])('%s is %s for an event without the optional fields', (source, expected) => {
    expect(decide(source, event({ data: { n: 9007199254740991, small: 3, items: ['a', 'b'] } }))).toBe(expected);
  });

  it('has() tells what was given from what was not', () => {
    expect(decide('has(event.cluster.name) && !has(event.cluster.id)', event({ cluster: { id: null, name: 'x' } }))).toBe(true);
  });

  it('cannot reach what the sender did not send', () => {
    for (const source of ['event.data.constructor == 1', 'event.data["__proto__"] == 1', 'event.body.toString == 1']) {
      expect(() => decide(source, event())).toThrow('No such key');
    }
  });

  it.each([
    ['event.name.matches("^Node .* failed$")', true],
    ['event.name.matches( "deletion" ) && !event.name.matches("DELETION")', true],
    ['(event.name + "!").matches("failed!$")', true],
    ['["^x", "^Node"].exists(pattern, event.name.matches(pattern))', true],
    ['event.data.text.matches("^b\\\\.c$")', true],
    ['"matches".matches("mat" + "ches")', true],
    ['event.name.matches( // matches what fails\n "(?i)DELETION")', true],
    ['event.name // matches(\n .matches("^Node")', true],
    ['["^Node"].exists(matches, event.name.matches(matches))', true],
    ['event.name.trim().matches((("^Node")))', true],
  ])('matches regular expressions: %s', (source, matches) => {
    expect(decide(source, event({ name: 'Node deletion failed', data: { text: 'b.c' } }))).toBe(matches);
  });

  const many = Array.from({ length: 60_000 }, (_, index) => `n${index}`);
  const long = event({
    data: {
      nodes: many,
      failed: ['x', ...many.slice(1).map((name) => `${name}!`)],
      few: many.slice(0, 400),
      fewer: many.slice(0, 60).map((name, index) => `${name}${'x'.repeat(index)}`),
    },
  });
  it.each([
    ['event.data.nodes.exists(n, event.data.failed.exists(f, f == n))'],
    ['event.data.nodes.exists(n, n in event.data.failed)'],
    ['!event.data.nodes.all(n, !(n in event.data.failed))'],
    ['event.data.nodes.filter(n, n in event.data.failed).size() > 0'],
    ['event.data.nodes.exists_one(n, n in event.data.failed)'],
    ['event.data.nodes.map(n, n in event.data.failed).size() == 0'],
    ['event.data.nodes.map(n, n in event.data.failed, n).size() == 0'],
    ['event.data.few.exists(a, event.data.few.exists(b, event.data.few.exists(c, a + b == c)))'],
    ['(( event.data.nodes )).exists(n, n in event.data.failed)'],
    ['[event.data.nodes] // .exists(\n .map(list, list.exists(n, n in event.data.failed)).size() == 0'],
    ['event.data.fewer.exists(a, event.data.fewer.exists(b, event.data.fewer.exists(c, event.data.fewer.exists(d, a + b + "!" == c + d))))'],
    ['event.data.few.map(n, event.data.nodes.map(m, n + m)).size() == 0'],
  ])('is not kept busy by loops in loops: %s', (source) => {
    expect(() => decide(source, long)).toThrow('the expression took longer than 100 ms for this event');
  });

  it.each([
    ['["exists", "a"].exists(exists, exists == "a")'],
    ['(event.data.items + ["c"]).exists(item, (item) == "c")'],
    ['((event.data.items) + (["c"])).map(item, item + "!").exists_one(item, item == "c!")'],
    ['event.data.items.filter(item, item != "a").all(item, event.data.items.exists(other, other == item))'],
    ['event.data.map(key, key).exists(key, key == "items")'],
    ['{"a": 1, "b": 2}.exists(key, key == "b") && {"a": 1}.all(key, key == "a")'],
    ['event.data["items"] // .map(\n .map(map, map == "a", [map]).exists(all, all.exists(filter, filter == "a"))'],
    [`event.name == r'\\d' || event.data.items.exists(i, i == 'b')`],
    [`event.name == '''it's''' || event.data.items.exists(i, i == 'b')`],
    ['event.name == """a"b""" || ["(b)"].map(i, i).exists(i, i == "(b)")'],
    ['event.data.exists // .exists(\n .exists(exists, has(event.data.items) && exists.matches("^(b)$"))'],
  ])('loops over %s', (source) => {
    expect(decide(source, event({ data: { items: ['a', 'b'], exists: ['b'] } }))).toBe(true);
  });

  it('is not kept busy by a text that would keep a backtracking regular expression busy for ever', () => {
    expect(decide('event.name.matches("^(a+)+$")', event({ name: `${'a'.repeat(5_000)}!` }))).toBe(false);
  });

  it('says at load what is wrong with a regular expression, and where', () => {
    const { condition, problems } = compiling();
    condition('event.type == "x" && event.name.matches("(")', []);
    expect(problems).toMatchObject([{ what: expect.stringContaining('missing closing )') as string, offset: 40 }]);
  });

  it('has a limit to its length', () => {
    expect(problemOf((compiler) => compiler.condition(`event.id == "${'x'.repeat(4_000)}"`, []))?.what).toContain('longer than');
  });
});

describe('an expression', () => {
  it.each([
    ['event.cluster.id', null],
    ['event.type', 'resource.created'],
    ['1 + 2', '3'],
    ['event.data.n', '7.5'],
    ['true', 'true'],
  ])('%s gives the text %j', (source, expected) => {
    expect(compiling().expression(source, [])(event({ data: { n: 7.5 } }))).toBe(expected);
  });

  it('that gives a list is told at load, where that can be known', () => {
    expect(problemOf((compiler) => compiler.expression('[event.id]', []))).toMatchObject({ what: 'the expression gives a list, not a text' });
    expect(() => compiling().expression('event.data.list', [])(event({ data: { list: [1] } }))).toThrow('a list or a mapping');
  });
});

describe('a text with braces', () => {
  it('computes what is in braces, and encodes only that', () => {
    const text = compiling().interpolated('a-{event.type}/{{x}}/{"}" + event.id}-{event.name}', [], upper);
    expect(text.render(event())).toBe('a-RESOURCE.CREATED/{x}/}EVT_1-');
    expect([text.literalPrefix, text.computed]).toEqual(['a-', true]);
  });

  it('without braces is itself', () => {
    expect(compiling().interpolated('castai.events', [])).toMatchObject({ literalPrefix: 'castai.events', computed: false });
  });

  it.each([
    ['a{event.id', 1],
    ['a{}', 1],
    ['ab}', 2],
    ['a{event.idd}', 8],
  ])('%s is refused at offset %i', (source, offset) => {
    expect(problemOf((compiler) => compiler.interpolated(source, []))?.offset).toBe(offset);
  });
});

describe('a template in Liquid', () => {
  const render = (source: string, seen = event()) => {
    const compiler = compiling();
    const rendered = compiler.template(source, [], (value) => value.replaceAll('<', '&lt;'));
    expect(compiler.problems).toEqual([]);
    return rendered(seen);
  };

  it('T41: escapes every value it puts out, unless it is raw', () => {
    expect(render('<b>{{ event.name }}</b> {{ event.name | raw }} {{ event.name | upcase }}', event({ name: '<!channel>' }))).toBe(
      '<b>&lt;!channel></b> <!channel> &lt;!CHANNEL>',
    );
  });

  it('shows what is missing as nothing, and a mapping as JSON', () => {
    expect(render('[{{ event.name }}][{{ event.data.a.b.c }}][{{ event.data }}]', event({ data: { x: [1] } }))).toBe('[][][{"x":[1]}]');
  });

  it('reads own properties only', () => {
    expect(render('{{ event.data.constructor }}{{ event.data.__proto__ }}')).toBe('');
  });

  it('loops of its own: a variable of the template is no misspelt field', () => {
    expect(
      render(
        '{% assign n = 1 %}{% for item in event.data.items %}{{ item }}{{ n }}{{ forloop.index }},{% endfor %}',
        event({ data: { items: ['a', 'b'] } }),
      ),
    ).toBe('a11,b12,');
  });

  it('cannot run for ever', () => {
    expect(() => render('{% for i in (1..100000000) %}{{ i }}{% endfor %}')).toThrow('limit');
  });
});
