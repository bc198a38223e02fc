import { Type, type Static } from '../../schema/typebox.js';
import type { StoreKind } from '../../core/store.js';
import { openSqliteStore } from './store.js';

const schema = Type.Object(
  {
    path: Type.String({ description: 'file of the database, from the working directory', default: './data/castbridge.db', minLength: 1 }),
  },
  { additionalProperties: false },
);

/** One file on this machine's disk, and no service. */
export const sqlite: StoreKind<Static<typeof schema>> = {
  type: 'sqlite',
  description: 'One file, made where it does not exist, readable for its owner alone. One bridge owns it; a second one is refused.',
  schema,
  open: ({ path }, context) => openSqliteStore({ path, ...context }),
};
