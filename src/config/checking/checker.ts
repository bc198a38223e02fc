import type { Kinds } from '../../kinds.js';
import type { Finding } from '../finding.js';
import { readDocument, type YamlDocument } from '../yaml/document.js';
import type { Lookup } from '../yaml/substitute.js';
import type { Building } from './building.js';
import { createBelongs } from './misplaced.js';
import { isSecretive } from './secrecy.js';
import { createTold, inOrder, type Told } from './told.js';
import { validate, type Checking } from './validate.js';

/** A document to be checked, part by part: what is wrong with it is told in one place. */
export interface Checkable {
  readonly document: YamlDocument;
  readonly told: Told;
  readonly check: Building['check'];
}

/** Reads a YAML text, to be checked against schemas; its problems, where nothing of it can be read for certain. */
export function openDocument(text: string, file: string, lookup: Lookup, kinds: Kinds): Checkable | { readonly problems: readonly Finding[] } {
  const syntax: Finding[] = [];
  const document = readDocument(text, file, lookup, (finding) => syntax.push(finding));
  return document === null ? { problems: inOrder(syntax) } : checkable(document, kinds, syntax);
}

/** A document that was read, with what was told of it until now. */
export function checkable(document: YamlDocument, kinds: Kinds, syntax: readonly Finding[] = []): Checkable {
  const told = createTold(document, kinds, syntax);
  const checking: Checking = {
    report: told.report,
    warn: told.warn,
    referring: document.referring,
    replaced: document.replaced,
    broken: document.broken,
    written: (path, schema) => (isSecretive(path, schema) ? null : document.written(path)),
    cutFrom: document.cutFrom,
    rename: document.rename,
    belongs: createBelongs(kinds),
  };
  return { document, told, check: (schema, value, path) => validate(schema, value, path, checking) };
}
