import { Type } from 'typebox';
import type { Format, FormatKind } from '../../core/source.js';

/** A kind of format that has nothing to configure. */
export function formatWithoutKeys({ description, ...format }: Format & { readonly description: string }): FormatKind {
  return { type: format.type, description, schema: Type.Object({}), prepare: () => format, bare: format };
}
