import type { Kinds } from '../../kinds.js';
import type { Building } from './building.js';
import type { YamlDocument } from '../yaml/document.js';
import { createBelongs } from './misplaced.js';
import { isSecretive } from './secrecy.js';
import type { Told } from './told.js';
import { validate, type Checking } from './validate.js';

/** Checks parts of one document against their schemas. */
export function checker(document: YamlDocument, kinds: Kinds, { report, warn }: Told): Building['check'] {
  const checking: Checking = {
    report,
    warn,
    referring: document.referring,
    replaced: document.replaced,
    broken: document.broken,
    written: (path, schema) => (isSecretive(path, schema) ? null : document.written(path)),
    rename: document.rename,
    belongs: createBelongs(kinds),
  };
  return (schema, value, path) => validate(schema, value, path, checking);
}
