import { stringify } from 'yaml';
import { asyncapiDocument } from '../asyncapi/document.js';
import { createRedact } from '../core/redact.js';
import { kinds } from '../kinds.js';
import { redacted } from '../trial/redacted.js';
import { configured } from './configured.js';
import { EXIT, Failure } from './exit.js';
import type { Invocation } from './invocation.js';
import { version } from './version.js';

/** `castbridge asyncapi [FILE]`: the Kafka topics of a configuration, for machines. The answer is no where it writes to none. */
export function asyncapi(invocation: Invocation, file: string | undefined): Promise<number> {
  const { config } = configured({ ...invocation, config: file ?? invocation.config });
  const document = asyncapiDocument(config, kinds, version());
  if (document === null) throw new Failure(EXIT.no, `${config.file} has no sink of the type kafka`);
  // A text of the file may have a secret where none is expected: in an expression, in a name.
  const shown = redacted(document, createRedact(config.secrets));
  invocation.out(invocation.json ? JSON.stringify(shown) : stringify(shown, { aliasDuplicateObjects: false, lineWidth: 0 }).trimEnd());
  return Promise.resolve(EXIT.done);
}
