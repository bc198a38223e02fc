import { expect, it } from 'vitest';
import { none } from '../../../src/sources/verify/none.js';
import { prepared } from '../../contract/verifier.js';

it('none believes everybody, for ever, and names no secret', () => {
  expect(prepared(none, {})({ headers: {}, body: Buffer.alloc(0) }, 0)).toEqual({ authentic: true, secretIndex: null });
  expect(none.replayMs({})).toBeNull();
});
