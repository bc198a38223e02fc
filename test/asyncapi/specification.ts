import specs from '@asyncapi/specs';
import { Ajv, type ErrorObject } from 'ajv';
import type { Json } from '../../src/asyncapi/document.js';

/** Formats of texts are notes to a reader; the published schema uses some that ajv does not know. */
const LENIENT = { strict: false, validateFormats: false, allErrors: true } as const;

// It brings the schema of schemas with it: a second one of that name would be ambiguous.
const published = new Ajv({ ...LENIENT, meta: false, validateSchema: false }).compile(specs.schemas['3.0.0'] as object);

/** What the published JSON Schema of AsyncAPI 3.0 has against a document. */
export function faultsOfDocument(document: Json): string[] {
  return published(document) ? [] : textsOf(published.errors);
}

/** Checks what a consumer gets by a message of a document. */
export interface MessageChecks {
  readonly headers: (headers: unknown) => string[];
  readonly payload: (value: unknown) => string[];
  readonly key: (key: unknown) => string[];
}

/** The schemas of one message; their references are looked up in the whole document. */
export function messageChecks(document: Json, channel: string, message: string): MessageChecks {
  const ajv = new Ajv(LENIENT).addSchema(document, 'document');
  const at = `document#/channels/${channel}/messages/${message}`;
  const checkOf = (part: string) => {
    const check = ajv.compile({ $ref: `${at}/${part}` });
    return (value: unknown): string[] => (check(value) ? [] : textsOf(check.errors));
  };
  return { headers: checkOf('headers'), payload: checkOf('payload'), key: checkOf('bindings/kafka/key') };
}

function textsOf(errors: readonly ErrorObject[] | null | undefined): string[] {
  return (errors ?? []).map(({ instancePath, message = '' }) => `${instancePath} ${message}`);
}
