import { Type } from '../../schema/typebox.js';
import type { Format, FormatKind } from '../../core/source.js';

type Kind = Format & Pick<FormatKind, 'description' | 'payload'>;

/** A kind of format that has nothing to configure. */
export function formatWithoutKeys({ description, payload, ...format }: Kind): FormatKind {
  return {
    type: format.type,
    description,
    schema: Type.Object({}),
    ...(payload === undefined ? {} : { payload }),
    prepare: () => format,
    bare: format,
  };
}
