import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Problem } from '../../src/core/problem.js';
import { createCompiler } from '../../src/routing/compiler.js';

function problemsOf(source: string, compile: 'condition' | 'expression' = 'condition'): Problem[] {
  const problems: Problem[] = [];
  createCompiler((problem) => problems.push(problem))[compile](source, []);
  return problems;
}

const FIELD = 'all fields are below event; a text stands in quotes:';

describe('T06: a mistake in a condition is told in plain words, at its place, with what to write', () => {
  it.each([
    // Names
    ['evnt.name == "x"', 0, 'there is no variable "evnt"', 'did you mean "event"?'],
    ['true && name == "x"', 8, 'there is no variable "name"', 'did you mean "event.name"?'],
    ['type == "x"', 0, 'there is no variable "type"', 'did you mean "event.type"?'],
    ['cluster_name == "x"', 0, 'there is no variable "cluster_name"', 'did you mean "event.cluster.name"?'],
    ['cluster.name == "x"', 0, 'there is no variable "cluster"', 'did you mean "event.cluster"?'],
    ['event.severity == critical', 18, 'there is no variable "critical"', `${FIELD} "critical"`],
    ['event.name != None', 14, 'there is no variable "None"', 'write null'],
    ['has(event.name) == True', 19, 'there is no variable "True"', 'write true'],
    ['event.clusterr.name == "x"', 6, 'an event has no "clusterr"', 'did you mean "event.cluster"?'],
    ['event.cluster.nmae == "x"', 14, '"event.cluster" has no "nmae"', 'did you mean "event.cluster.name"?'],
    ['event.clusterName == "x"', 6, 'an event has no "clusterName"', 'did you mean "event.cluster.name"?'],
    ['event.received_at == "x"', 6, 'an event has no "received_at"', 'did you mean "event.receivedAt"?'],
    ['event["nam"] == "x"', 6, 'an event has no "nam"', 'did you mean "event.name"?'],
    ['event.nodePool == "x"', 6, 'an event has no "nodePool"', 'what a sender sends of its own is below event.data: event.data.nodePool'],
    // Functions
    ['event.name.startswith("x")', 11, 'a text has no function "startswith"', 'did you mean "startsWith"?'],
    ['event.name.strtsWith("x")', 11, 'a text has no function "strtsWith"', 'did you mean "startsWith"?'],
    ['event.name.includes("x")', 11, 'a text has no function "includes"', 'write event.name.contains("…")'],
    ['event.data.name.includes("x")', 16, 'there is no function "includes"', 'write event.data.name.contains("…")'],
    ['event.name.toLowerCase() == "x"', 11, 'a text has no function "toLowerCase"', 'write event.name.lowerAscii()'],
    ['event.name.length > 3', 11, 'a text has no field "length"', 'write event.name.size()'],
    ['event.name.length() > 3', 11, 'a text has no function "length"', 'write event.name.size()'],
    ['event.data.list.some(x, x == 1)', 21, 'there is no variable "x"', `${FIELD} "x"`],
    ['event.startsWith("x")', 6, 'the whole event has no function "startsWith"', 'write event.name.startsWith("…")'],
    ['contains(event.name, "x")', 0, 'there is no function "contains"', 'write event.name.contains("…")'],
    ['siz(event.name) > 1', 0, 'there is no function "siz"', 'did you mean "size"?'],
    ['not(event.name == "x")', 0, 'there is no function "not"', 'write !(…)'],
    ['event.name.startsWith()', 11, '"startsWith" takes a text, and is given nothing', 'mend what stands in its brackets'],
    ['event.name.startsWith(3)', 22, '"startsWith" takes a text, and is given a number', 'put quotes around it: "3"'],
    ['size(event.name, 1) > 1', 0, '"size" takes a text, or a list, or a mapping, and is given 2 arguments', 'mend what stands in its brackets'],
    ['event.data.l.exists(x == 1)', 20, 'there is no variable "x"', 'name the element first: .exists(x, …)'],
    ['event.data.l.exists(1, x == 1)', 20, 'the first argument of exists is a name for the element', 'write .exists(item, item == "…")'],
    ['has("x")', 4, 'has() takes one field, by its name', 'write has(event.data.owner)'],
    ['event.name.exists(x, x == "a")', 0, '`event.name` is a text, not a list', 'use this function on a list'],
    // Kinds of values
    [
      'event.severity > 3',
      0,
      'a text is compared with a number: `event.severity > 3`',
      'compare it with a text, or make a number of it: double(event.severity)',
    ],
    ['event.name == 3', 0, 'a text is compared with a number: `event.name == 3`', 'put quotes around it: "3"'],
    ['event.name + 1 == "x"', 0, 'a text is added to a number: `event.name + 1`', 'make a text of it: string(1)'],
    ['event.type == ["a"]', 0, 'a text is compared with a list: `event.type == ["a"]`', 'write event.type in ["a"]'],
    ['event.cluster == "x"', 0, 'the cluster is compared with a text: `event.cluster == "x"`', 'compare event.cluster.name or event.cluster.id'],
    ['true && event.name != null', 8, 'no field of an event is null in CEL: what the sender does not say is ""', 'write has(event.name)'],
    ['event.name == null', 0, 'no field of an event is null in CEL: what the sender does not say is ""', 'write !has(event.name)'],
    [
      'null != event.type',
      0,
      'no field of an event is null in CEL: what the sender does not say is ""',
      'delete the comparison: `event.type` is always there',
    ],
    ['"x" in event.name', 7, '"in" looks into a list, and `event.name` is a text', 'write event.name.contains("x")'],
    ['event.type in "b"', 14, '"in" looks into a list, and `"b"` is a text', 'write event.type in ["b"]'],
    ['["a", 1].size() > 1', 6, 'a number stands among values of another kind', 'make all of them texts, or all numbers'],
    ['(has(event.name) ? "x" : 1) == 1', 1, 'the two sides of ":" are a text and a number', 'make them the same: string(…) makes a text'],
    ['event.data.?x == "a"', 0, '`event.data.?x` may be missing', 'put .orValue("") behind it, in brackets if need be'],
    ['event.severity == "Critical"', 18, 'severities are in lower case here, and none equals "Critical"', 'write "critical"'],
    ['event.severity in ["error", "CRITICAL"]', 28, 'severities are in lower case here, and none equals "CRITICAL"', 'write "critical"'],
    // Not true or false
    ['event.name', 0, '`event.name` is a text, not true or false', 'compare it: event.name == "…", or ask whether it is there: has(event.name)'],
    ['true && event.type', 8, '`event.type` is a text, not true or false', 'compare it: event.type == "…"'],
    ['!event.name', 1, '`event.name` is a text, not true or false', 'compare it: event.name == "…", or ask whether it is there: has(event.name)'],
    ['1 + 1', 0, '`1 + 1` is a number, not true or false', 'compare it: 1 + 1 == 1'],
    // Signs of other languages
    ['event.name = "x"', 11, '"=" is no operator of CEL', 'compare with =='],
    ['event.name === "x"', 11, '"===" is no operator of CEL', 'compare with =='],
    ['event.name !== "x"', 11, '"!==" is no operator of CEL', 'compare with !='],
    ['event.name <> "x"', 11, '"<>" is no operator of CEL', 'compare with !='],
    ['event.name =~ "x"', 11, '"=~" is no operator of CEL', 'write event.name.matches("…")'],
    ['event.name == "and" and event.type == "b"', 20, '"and" is no operator of CEL', 'write &&'],
    ['event.name == "a" OR event.type == "b"', 18, '"OR" is no operator of CEL', 'write ||'],
    ['not event.name == "x"', 0, '"not" is no operator of CEL', 'write !'],
    ['event.type not in ["a"]', 11, '"not in" is no operator of CEL', 'write !(event.type in ["…"])'],
    ['event.name is "x"', 11, '"is" is no operator of CEL', 'compare with =='],
    ['event.name contains "x"', 11, '"contains" is no operator of CEL', 'write it with a dot and brackets: event.name.contains("…")'],
    ['event.name == "a" & event.type == "b"', 18, '"&" is no operator of CEL', 'write &&'],
    ['event?.name == "x"', 5, '"?." is no operator of CEL', 'write .?name for what may be missing, and .orValue("") behind it'],
    ['event.data.a ?? "x"', 13, '"??" is no operator of CEL', 'write .orValue("…") behind .?name'],
    ['event.data.list.some(x => x == 1)', 23, '"=>" is no operator of CEL', 'write list.exists(item, item == "…")'],
    ['{{ event.name }} == "x"', 0, '"{{" belongs to Liquid templates: this is CEL', 'write event.name'],
    ['event.type == "a" && {{ event.name | upcase }} == "x"', 21, '"{{" belongs to Liquid templates: this is CEL', 'write event.name'],
    ['if event.name', 0, '"if" is a word that CEL keeps for itself', 'write CONDITION ? A : B'],
    ['event.name == "x";', 17, '";" is not expected here', 'delete it'],
    ['event.data.list.0 == 1', 16, '"0" cannot stand behind a dot', 'write [0] instead of .0'],
    ['event.in == 1', 6, '"in" cannot stand behind a dot', 'write ["in"] instead of .in'],
    // Quotes and brackets
    ['event.name == "x', 14, 'the text that begins here has no closing quote', 'add " at its end'],
    ['event.name == “x”', 14, 'this is no quote of CEL', 'use "'],
    ['(event.name == ")"', 0, 'this "(" is never closed', 'add ")"'],
    ['event.name == "😀" && event.data.list[0', 37, 'this "[" is never closed', 'add "]"'],
    ['event.name == "x")', 17, 'this ")" closes nothing', 'delete it, or open it further left'],
    ['(event.name == "x"]', 18, 'this "]" does not close the "(" before it', 'write ")"'],
    ['', 0, 'the expression is empty', 'write one, or delete the key'],
    [' \n', 0, 'the expression is empty', 'write one, or delete the key'],
    ['event.name ==', 11, 'the expression ends behind "=="', 'write what comes next, or delete it'],
    ['event.name == "a" || ', 18, 'the expression ends behind "||"', 'write what comes next, or delete it'],
    ['event.name == "a" event.type', 18, '"event" is not expected here', 'put && or || before it, or delete it'],
    ['event.name.matches("\\d")', 20, "\\d is no escape of CEL's texts", 'write \\\\d, or put r before the quote: r"\\d"'],
    // Regular expressions
    ['event.name.matches("(")', 19, 'the regular expression is wrong: missing closing ): `(`', 'add ")", or write \\\\( for a bracket in the text'],
    ['event.name.matches("*x")', 19, 'the regular expression is wrong: missing argument to repetition operator: `*`', 'write .* for any text'],
    [
      'event.name.matches("a(?=b)")',
      19,
      'the regular expression is wrong: invalid or unsupported Perl syntax: `(?=`',
      'there is no looking ahead or back: write a second condition with matches',
    ],
  ])('%s', (source, offset, what, remedy) => {
    expect(problemsOf(source)).toEqual([{ path: [], what, remedy, offset }]);
  });

  it.each([
    ['[event.id]', 'the expression gives a list, not a text', 'choose an element, [0], or join them: .join(",")'],
    ['event.cluster', 'the expression gives the cluster, not a text', 'choose one of its fields'],
    ['event.data.?key', 'the expression gives a value that may be missing, not a text', 'put .orValue("") behind it'],
  ])('a key that is %s', (source, what, remedy) => {
    expect(problemsOf(source, 'expression')).toEqual([{ path: [], what, remedy, offset: 0 }]);
  });

  it('whatever is written is a condition, or told once, inside the text', () => {
    const token = fc.constantFrom(
      'event',
      '.',
      'name',
      '"x"',
      '==',
      '=',
      '&&',
      '&',
      '(',
      ')',
      '[',
      ']',
      '{{',
      '}}',
      'in',
      'and',
      ' ',
      '1',
      '?',
      ':',
      '"',
      '|',
      'has',
      '\\',
      '!',
      '-',
      '😀',
      '\n',
      '//',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(token, { maxLength: 12 }).map((parts) => parts.join('')),
          fc.string(),
        ),
        (source) => {
          const problems = problemsOf(source);
          expect(problems.length).toBeLessThanOrEqual(1);
          for (const { what, remedy, offset } of problems) {
            expect(Number(offset)).toBeGreaterThanOrEqual(0);
            expect(Number(offset)).toBeLessThanOrEqual(source.length);
            expect([what, remedy].join().includes('\n')).toBe(what.includes('\n'));
            expect(what !== '' && remedy !== '').toBe(true);
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
