import { expect, it } from 'vitest';
import { suggest } from '../../src/core/suggest.js';

it.each([
  ['ops-slakc', ['ops-slack', 'events'], 'did you mean "ops-slack"?'],
  ['ROUTES', ['routes', 'sinks'], 'did you mean "routes"?'],
  ['whatever', ['routes', 'sinks'], 'known are: routes, sinks'],
  ['x', [], 'there is none to choose from'],
])('%s among %j: %s', (word, known, remedy) => {
  expect(suggest(word, known)).toBe(remedy);
});
