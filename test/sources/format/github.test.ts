import { expect, it } from 'vitest';
import { github } from '../../../src/sources/format/github.js';
import { decodedBy, detailBy, formatContract } from '../../contract/format.js';

const format = github.bare;
const BODY = { action: 'opened', issue: { number: 1 }, repository: { full_name: 'castai/bridge' }, organization: { login: 'castai' } };
const HEADERS = { 'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958', 'x-github-event': 'issues' };

formatContract(format, {
  body: JSON.stringify(BODY),
  headers: HEADERS,
  event: { id: HEADERS['x-github-delivery'], type: 'github.issues.opened', name: 'castai/bridge', data: BODY, body: BODY },
});

it('github: has the event alone for a type where there is no action, and the organization for a name where there is no repository', () => {
  expect(decodedBy(format, { ref: 'x' }, { ...HEADERS, 'x-github-event': 'push' })).toMatchObject({ type: 'github.push', name: null });
  expect(decodedBy(format, { organization: { login: 'castai' } }, HEADERS).name).toBe('castai');
});

it('github: says what to do about a form, and which header is missing', () => {
  expect(detailBy(format, 'payload=%7B%7D', HEADERS)).toBe(
    'the body is a form: choose the content type application/json in the settings of the webhook',
  );
  expect(detailBy(format, BODY, {})).toBe('the header x-github-event is missing or not a string');
  expect(decodedBy(format, BODY, { 'x-github-event': 'issues' }).id).toBeNull();
});
