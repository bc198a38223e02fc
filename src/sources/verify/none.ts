import { Type, type Static } from '../../schema/typebox.js';
import type { VerifierKind } from '../../core/source.js';

const schema = Type.Object({}, { additionalProperties: false });

/** No verification: whoever reaches the path is believed. It must be spelled out; leaving `verify` away is a mistake. */
export const none: VerifierKind<Static<typeof schema>> = {
  type: 'none',
  description: 'Checks nothing: whoever reaches the path is believed. For tests, and behind a gateway that has verified already.',
  schema,
  prepare: () => () => ({ authentic: true, secretIndex: null }),
  replayMs: () => null,
  setup: () => ({ sender: ['Nothing: whoever reaches the path is believed.'], headers: [] }),
};
