import type { ErrorObject } from 'ajv';
import type { Problem } from '../../core/problem.js';
import { nearest, suggest } from '../../core/suggest.js';
import { isSecretive } from './secrecy.js';
import { schemaAt, type Schema } from './shape.js';
import type { Checking } from './validate.js';
import { meantBy, NAME_REMEDY, wordsOf } from './wording.js';

type Path = Problem['path'];

/** One mistake of shape: what is told of it, and what is known for going on without it. */
export interface Fault {
  /** What is wrong: also where it is missing. */
  readonly subject: Path;
  readonly keyword: string;
  readonly problem: Problem;
  /** The value it was likely meant to be. */
  readonly meant?: unknown;
  /** Where a misspelt key belongs. */
  readonly renamed?: Path;
  /** Where a misplaced key belongs: what is missing there was told with it. */
  readonly elsewhere?: Path | null;
}

/** One fault for each mistake. */
export function faultsOf(errors: readonly ErrorObject[], schema: Schema, root: Path, value: unknown, checking: Checking): Fault[] {
  const told = new Map<string, Fault>();
  for (const error of withoutBranches(errors)) {
    const path = pathIn(error.instancePath, value);
    const fault = faultOf(withDescription(error, schema, value, path), [...root, ...path], checking);
    // A text that is empty also does not match its pattern: one of them is enough.
    const at = fault.subject.join('\0');
    if (!told.has(at)) told.set(at, isKnown(schema, value, fault.subject.slice(root.length)) ? fault : withoutRest(fault, checking));
  }
  return [...told.values()];
}

function isKnown(schema: Schema, value: unknown, path: Path): boolean {
  return Object.hasOwn(schemaAt(schema, value, path.slice(0, -1)).properties ?? {}, path.at(-1) ?? '');
}

/** Behind a secret without quotes, what stands after a comma is likelier its rest than a key: it is not repeated. */
function withoutRest(fault: Fault, { cutFrom }: Checking): Fault {
  const text = fault.elsewhere === undefined && fault.renamed === undefined ? cutFrom(fault.subject) : null;
  if (text === null || !isSecretive(text, {})) return fault;
  const what = 'the text ends at a comma, and what follows it is no key';
  return { ...fault, problem: { path: text, what, remedy: 'between braces, put quotes around a text that holds a comma' } };
}

/** What has no description has that of the list it is an entry of. */
function withDescription(error: ErrorObject, schema: Schema, value: unknown, path: Path): ErrorObject {
  const parent = error.parentSchema as Schema;
  if (parent.description !== undefined || parent.properties !== undefined || typeof path.at(-1) !== 'number') return error;
  const { description } = schemaAt(schema, value, path.slice(0, -1));
  return { ...error, parentSchema: { ...parent, ...(description === undefined ? {} : { description }) } };
}

/** With the description of the `anyOf` it is a branch of. */
function described(error: ErrorObject, union: ErrorObject | undefined): ErrorObject {
  if (union === undefined || error.instancePath !== union.instancePath) return error;
  const { description } = union.parentSchema as Schema;
  return { ...error, parentSchema: { ...(description === undefined ? {} : { description }), ...error.parentSchema } };
}

/** Of an `anyOf` the branch whose type the value has speaks; where there is none, the `anyOf` itself. */
function withoutBranches(errors: readonly ErrorObject[]): ErrorObject[] {
  const silent = new Set<ErrorObject>();
  const unionOf = new Map<ErrorObject, ErrorObject>();
  errors.forEach((union, index) => {
    if (union.keyword !== 'anyOf') return;
    // ajv puts what the branches say right before it.
    let start = index;
    while (
      start > 0 &&
      errors[start - 1]?.schemaPath.startsWith(`${union.schemaPath}/`) === true &&
      errors[start - 1]?.instancePath.startsWith(union.instancePath) === true
    )
      start--;
    const inside = errors.slice(start, index);
    const branches = new Map<string, ErrorObject[]>();
    for (const error of inside) {
      const branch = error.schemaPath.slice(union.schemaPath.length + 1).split('/')[0] ?? '';
      branches.set(branch, [...(branches.get(branch) ?? []), error]);
    }
    const isOfOtherType = ({ keyword, instancePath }: ErrorObject): boolean => keyword === 'type' && instancePath === union.instancePath;
    const speaking = [...branches.values()].filter((branch) => !branch.some(isOfOtherType));
    const kept = speaking.length === 1 ? (speaking[0] ?? []) : [];
    for (const error of kept.length === 0 ? inside : [union, ...inside.filter((one) => !kept.includes(one))]) silent.add(error);
    for (const error of kept) unionOf.set(error, union);
  });
  return errors.filter((error) => !silent.has(error)).map((error) => described(error, unionOf.get(error)));
}

function faultOf(error: ErrorObject, path: Path, checking: Checking): Fault {
  const params = error.params as Readonly<Record<string, unknown>>;
  const parent = error.parentSchema as Schema;
  if (error.keyword === 'additionalProperties') return unknownKey(error, path, String(params['additionalProperty']), parent, checking);
  if (error.keyword === 'required') {
    const key = String(params['missingProperty']);
    const { description, examples } = parent.properties?.[key] ?? {};
    const example = typeof examples?.[0] === 'string' || typeof examples?.[0] === 'number' ? `, such as \`${key}: ${examples[0]}\`` : '';
    const remedy = description === undefined ? `add it${example}` : `add it${example}: ${description}`;
    return { subject: [...path, key], keyword: 'required', problem: { path, what: `"${key}" is missing`, remedy } };
  }
  const { keyword } = error;
  const written = checking.written(path, parent);
  const meant = meantBy(error, written);
  const problem = { path, ...wordsOf(error, path, written) };
  return { subject: path, keyword, problem, ...(meant === undefined ? {} : { meant }) };
}

function unknownKey(error: ErrorObject, path: Path, key: string, parent: Schema, checking: Checking): Fault {
  const subject = [...path, key];
  const told = (what: string, remedy: string): Problem => ({ path: subject, atKey: true, what, remedy });
  if (parent.properties === undefined) return { subject, keyword: 'name', problem: told(`"${key}" is not allowed as a name`, NAME_REMEDY) };
  const { keyword } = error;
  const known = Object.keys(parent.properties);
  if (/^\d+$/.test(key))
    return {
      subject,
      keyword: 'additionalProperties',
      problem: told(`unknown key "${key}"`, 'between braces a comma ends a value: write a number without it'),
    };
  const what = `unknown key "${key}"`;
  // `url` for `webhookUrl`, where that is missing.
  const longer = parent.required?.find(
    (one) => key.length > 2 && one.toLowerCase().endsWith(key.toLowerCase()) && !Object.hasOwn(error.data as object, one),
  );
  if (longer !== undefined) return { subject, keyword, problem: told(what, suggest(longer, known)), renamed: [...path, longer] };
  const belongs = checking.belongs(path, key, (error.data as { readonly type?: unknown }).type);
  if (belongs?.near === true) return { subject, keyword, problem: told(what, belongs.remedy), elsewhere: belongs.path };
  const near = nearest(key, known);
  if (near !== null) {
    const taken = Object.hasOwn(error.data as object, near);
    return { subject, keyword, problem: told(what, suggest(key, known)), ...(taken ? {} : { renamed: [...path, near] }) };
  }
  if (belongs !== null) return { subject, keyword, problem: told(what, belongs.remedy), elsewhere: belongs.path };
  // What a part is that may also be no mapping, its description says.
  const whole = error.schemaPath.includes('/anyOf/') && parent.description !== undefined ? `; it is: ${parent.description}` : '';
  return { subject, keyword, problem: told(what, `${suggest(key, known)}${whole}`) };
}

/** ajv's JSON pointer as a path: numbers where lists are. */
function pathIn(pointer: string, value: unknown): Path {
  let here = value;
  return pointer
    .split('/')
    .slice(1)
    .map((part) => {
      const key = Array.isArray(here) ? Number(part) : part.replaceAll('~1', '/').replaceAll('~0', '~');
      here = typeof here === 'object' && here !== null ? (here as Record<string | number, unknown>)[key] : undefined;
      return key;
    });
}
