import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Problem } from '../../src/core/problem.js';
import { createCompiler } from '../../src/routing/compiler.js';

function problemsOf(source: string, compile: 'template' | 'interpolated' = 'template'): Problem[] {
  const problems: Problem[] = [];
  createCompiler((problem) => problems.push(problem))[compile](source, [], (value) => value);
  return problems;
}

const OF_ITS_OWN = 'a field begins with event; what {% assign %} makes is known behind it, what {% for %} makes inside it';

describe('T06: a mistake in a template is told in plain words, at its place, with what to write', () => {
  it.each([
    // Variables
    ['{{ evnt.name }}', 3, 'there is no "evnt"', 'did you mean "event"?'],
    ['{{ name }}', 3, 'there is no "name"', 'did you mean "event.name"?'],
    ['{{ nme }}', 3, 'there is no "nme"', 'did you mean "event.name"?'],
    ['{{ clusterName }}', 3, 'there is no "clusterName"', 'did you mean "event.cluster.name"?'],
    ['a\n  {{ event.clusterr }}', 13, 'an event has no "clusterr"', 'did you mean "event.cluster"?'],
    ['{{ event.cluster.nmae }}', 17, '"event.cluster" has no "nmae"', 'did you mean "event.cluster.name"?'],
    ['{{ event["nam"] }}', 10, 'an event has no "nam"', 'did you mean "event.name"?'],
    ['{{- event.cluster_name -}}', 10, 'an event has no "cluster_name"', 'did you mean "event.cluster.name"?'],
    ['{{ event.nodePool }}', 9, 'an event has no "nodePool"', 'what a sender sends of its own is below event.data: event.data.nodePool'],
    ['{{ event.name.length }}', 14, '"event.name" is a text and has no "length"', 'write event.name.size'],
    ['{% if event.name == "evnt" and evnt.type %}x{% endif %}', 31, 'there is no "evnt"', 'did you mean "event"?'],
    ['{{ event.name | append: item }}', 24, 'there is no "item"', OF_ITS_OWN],
    ['{% for item in event.data.l %}{{ item }}{% endfor %}{{ item }}', 55, 'there is no "item"', OF_ITS_OWN],
    ['{% if event.name == True %}x{% endif %}', 20, 'there is no "True"', 'write true'],
    // Filters
    ['{{ event.name | upcas }}', 16, 'there is no filter "upcas"', 'did you mean "upcase"?'],
    ['{{ event.name | upper }}', 16, 'there is no filter "upper"', 'did you mean "upcase"?'],
    ['{{ event.name | append: "|x" | Downcase }}', 31, 'there is no filter "Downcase"', 'did you mean "downcase"?'],
    ['{% assign x = event.name | trim %}{{ x }}', 27, 'there is no filter "trim"', 'did you mean "strip"?'],
    ['{{ event.name | default }}', 16, 'the filter "default" takes 1 or 2 arguments, and is given 0', 'write | default: "…"'],
    ['{{ event.name | replace: "a,b" }}', 16, 'the filter "replace" takes 2 arguments, and is given 1', 'write | replace: "…", "…"'],
    ['{{ event.name | upcase: 1 }}', 16, 'the filter "upcase" takes no argument, and is given 1', 'write | upcase'],
    ['{{ event.name | truncate: "ten" }}', 16, 'the filter "truncate" takes a number, and is given "ten"', 'write | truncate: 10'],
    ['{{ event.name | date "x" }}', 21, 'a ":" is missing behind the filter "date"', 'write | date: …'],
    ['{{ event.name | | upcase }}', 16, 'the name of a filter is missing behind "|"', 'write it, or delete the "|"'],
    [
      '{% if event.name | size > 3 %}x{% endif %}',
      17,
      'a filter cannot stand in a condition: it would change the result of all of it',
      'put it into {% assign value = … %} before',
    ],
    // Tags and braces
    ['{% foreach x %}', 0, 'there is no tag "foreach"', 'did you mean "for"?'],
    ['{% unles x %}', 0, 'there is no tag "unles"', 'did you mean "unless"?'],
    ['{% if event.name %}{% elif event.type %}{% endif %}', 19, 'there is no tag "elif"', 'did you mean "elsif"?'],
    ['x {% include "x" %}', 2, 'there is no tag "include": a template reads no other file', 'write the text here'],
    ['a {{ event.name', 2, 'this "{{" is never closed', 'add "}}"'],
    ['{{ event.name }', 0, 'this "{{" is never closed', 'add "}}"'],
    ['{% if event.name', 0, 'this "{%" is never closed', 'add "%}"'],
    ['{{ event.name }} {{ "abc }}', 20, 'the text that begins here has no closing quote', 'add " at its end'],
    ['a\n{% if event.name %}x', 2, 'this {% if %} has no {% endif %}', 'add {% endif %}'],
    ['{% if event.name %}{% for x in event.data.l %}x{% endfor %}', 0, 'this {% if %} has no {% endif %}', 'add {% endif %}'],
    ['{% raw %}{{ x }}', 0, 'this {% raw %} has no {% endraw %}', 'add {% endraw %}'],
    ['{% for a in event.data.x %}x{% endif %}', 28, '{% endif %} does not close {% for %}', 'write {% endfor %}'],
    ['x{% endif %}', 1, '{% endif %} closes nothing', 'delete it, or open {% if %}'],
    ['{% else %}', 0, '{% else %} stands outside of {% if %}', 'move it, or delete it'],
    ['{{ }}', 0, 'nothing stands in these braces that could be put out', 'write a field, such as {{ event.name }}, or delete them'],
    ['{% if %}x{% endif %}', 0, '{% if %} lacks a value', 'write {% if event.name == "…" %}'],
    ['{% for x event.data %}{% endfor %}', 0, '{% for %} is not written like this', 'write {% for item in event.data.list %}'],
    ['{% assign x %}', 11, 'an "=" is missing', 'write {% assign name = value %}'],
    ['Now: {event.name}', 5, '"{event.name}" is not computed: one brace is a text here', 'write {{ event.name }}'],
    // CEL
    [
      '{{ event.name.startsWith("x") }}',
      14,
      '"startsWith(…)" is a function of CEL: this is Liquid',
      'put it into the `where` of a row, or write {% if event.name contains "…" %}',
    ],
    [
      '{% if event.name.contains("x") %}y{% endif %}',
      17,
      '"contains(…)" is a function of CEL: this is Liquid',
      'write {% if event.name contains "…" %}',
    ],
    ['{% if has(event.name) %}y{% endif %}', 6, '"has(…)" is a function of CEL: this is Liquid', 'write {% if event.name %}'],
    ['{% if event.name && event.type %}x{% endif %}', 17, '"&&" is no operator of Liquid', 'write and, in {% if %}'],
    ['{% if event.name || event.type %}x{% endif %}', 17, '"||" is no operator of Liquid', 'write or'],
    ['{{ event.name || "none" }}', 14, '"||" is no operator of Liquid', 'write | default: "…"'],
    ['{% if !event.name %}x{% endif %}', 6, '"!" is no operator of Liquid', 'write {% unless … %}, or compare: == false'],
    ['{% if event.name = "x" %}y{% endif %}', 17, '"=" is no operator of Liquid', 'compare with =='],
    ['{{ event.name == "x" }}', 14, 'a comparison puts out true or false', 'write {% if event.name == "x" %}…{% endif %}'],
    ['{{ event.name ? "a" : "b" }}', 14, '"?" is no operator of Liquid', 'write {% if … %}…{% else %}…{% endif %}'],
    ['{{ event.data.n + 1 }}', 16, '"+" is no operator of Liquid', 'write | append: "…", or | plus: 1'],
  ])('%s', (source, offset, what, remedy) => {
    expect(problemsOf(source)).toEqual([{ path: [], what, remedy, offset }]);
  });

  it.each([
    '{{ event["name"] }}{{ event.cluster["name"] }}{{event.data.a-b.c[0]["d e"]}}',
    '{% for item in event.data.l %}{{ item.name }}{{ forloop.index }}{% endfor %}{% for i in (1..3) %}{{ i }}{% endfor %}',
    '{% assign x = event.name | downcase %}{% capture y %}{{ x }}{% endcapture %}{{ y | default: "a == b && c" }}',
    '{% if event.name contains "x" and event.data.n >= 3 or event.type != "y" %}x{% elsif event.severity == blank %}y{% endif %}',
    '{% raw %}{{ evnt | nothing }} {event.name}{% endraw %}{% comment %}{{ x && y }}{% endcomment %}{"text": "{{ event.name }}"}',
    '{% case event.severity %}{% when "critical", "error" %}!{% else %}?{% endcase %}{{ event.time | date: "%H:%M" }}',
    "{% liquid\n assign z = event.type\n echo z\n%}{{ event.message | truncate: 10, '…' | replace: '|', ',' }}",
  ])('none in %s', (source) => {
    expect(problemsOf(source)).toEqual([]);
  });

  it('all of them in one run, from the left to the right', () => {
    expect(problemsOf('{{ nme }} {{ event.name | upcas }} {{ a && b }} {{ event.typ }}').map(({ offset }) => offset)).toEqual([26, 40]);
    expect(problemsOf('{{ nme }} {{ event.name | upcas }} {{ event.typ }}').map(({ offset }) => offset)).toEqual([3, 26, 44]);
  });

  it('whatever is written is a template, or told inside the text', () => {
    const token = fc.constantFrom(
      '{{',
      '}}',
      '{%',
      '%}',
      ' ',
      'if',
      'endif',
      'event',
      '.name',
      '"',
      '|',
      'upcase',
      ':',
      '==',
      'for x in',
      'endfor',
      '(',
      '\n',
      'raw',
      '😀',
      '-',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(token, { maxLength: 14 }).map((parts) => parts.join('')),
          fc.string(),
        ),
        (source) => {
          for (const { what, remedy, offset } of problemsOf(source)) {
            expect(Number(offset)).toBeGreaterThanOrEqual(0);
            expect(Number(offset)).toBeLessThanOrEqual(source.length);
            expect(what !== '' && remedy !== '').toBe(true);
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

it.each([
  ['castai.{{ event.type }}', 7, '"{{ event.type }}" is Liquid: this is CEL in single braces', 'write {event.type}'],
  [
    '{{event.cluster.name | downcase}}',
    0,
    '"{{event.cluster.name | downcase}}" is Liquid: this is CEL in single braces',
    'write {event.cluster.name}',
  ],
  ['a.{event.type | upcase}', 14, '"|" is no operator of CEL', 'write ||; filters belong to Liquid templates'],
  ['a.{type}', 3, 'there is no variable "type"', 'did you mean "event.type"?'],
])('a text with braces, %s', (source, offset, what, remedy) => {
  expect(problemsOf(source, 'interpolated')).toEqual([{ path: [], what, remedy, offset }]);
});
