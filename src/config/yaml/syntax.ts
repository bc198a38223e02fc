import { visit, type Document } from 'yaml';

/** What the parser found wrong, in words for people; the parser's own are for programmers. */
export interface SyntaxFault {
  readonly offset: number;
  readonly what: string;
  readonly remedy: string;
  /** Behind it nothing can be read for certain. */
  readonly fatal: boolean;
}

type Raw = Document['errors' | 'warnings'][number];

/** What is told where it is walked, and does not keep the parser from reading on. */
function isToldElsewhere({ code, message }: Raw): boolean {
  return code === 'DUPLICATE_KEY' || (code === 'BAD_ALIAS' && message.startsWith('Alias'));
}

/** After the first error of the syntax the parser reads the rest wrong: what it says of that would only hide the first. Indentation by tabs is told of every line. */
export function syntaxFaults(document: Document, text: string): SyntaxFault[] {
  const mild = [...document.errors.filter(({ code }) => code === 'MULTIPLE_DOCS'), ...document.warnings].map((fault) => faultOf(fault, text, false));
  const errors = document.errors.filter(({ code }) => code !== 'MULTIPLE_DOCS');
  if (errors.every(isToldElsewhere)) return mild;
  const first = errors.find(({ code }) => code !== 'DUPLICATE_KEY');
  if (first === undefined) return mild;
  const tabs = tabbedLines(text);
  const line = text.lastIndexOf('\n', first.pos[0] - 1);
  const before = mild.filter(({ offset }) => offset <= line);
  if (tabs.length > 0 && (first.code === 'TAB_AS_INDENT' || tabs.some((offset) => offset <= first.pos[0])))
    return [...before, ...tabs.map((offset) => ({ offset, what: 'a tab indents this line', remedy: 'use spaces', fatal: true }))];
  // The tag that the fault is about, where it is about one.
  const tag = mild.find(({ offset }) => offset > line && offset < first.pos[0]);
  const fault = { ...faultOf(first, text, true), ...(isTooDeep(errors) ? TOO_DEEP : {}), ...(tag === undefined ? {} : { offset: tag.offset }) };
  return [...before, /^missing closing/i.test(first.message) ? { ...fault, offset: lastQuote(document) ?? fault.offset } : fault];
}

/** A value that goes on in a line which reads as a key: what is meant is a key beside the one above. */
function isTooDeep([first, second]: readonly Raw[]): boolean {
  return first?.code === 'BLOCK_AS_IMPLICIT_KEY' && second?.code === 'MULTILINE_IMPLICIT_KEY' && /mapping/.test(first.message);
}

const TOO_DEEP = {
  what: 'the line below this is indented further, as if it were a part of the value here',
  remedy: 'indent it as far as the key of this line',
};

/** Where the text in quotes begins that is never closed: the parser says where the file ends. */
function lastQuote(document: Document): number | null {
  let offset: number | null = null;
  visit(document, {
    Scalar(_, { type, range }) {
      if ((type === 'QUOTE_DOUBLE' || type === 'QUOTE_SINGLE') && range) offset = range[0];
    },
  });
  return offset;
}

/** Where lines begin that a tab indents. */
function tabbedLines(text: string): number[] {
  return [...text.matchAll(/^( *)\t[ \t]*(?=[^\s#])/gm)].map(({ index, 1: spaces = '' }) => index + spaces.length);
}

function faultOf({ code, message, pos: [offset] }: Raw, text: string, fatal: boolean): SyntaxFault {
  const line = text.slice(text.lastIndexOf('\n', offset - 1) + 1).split('\n')[0] ?? '';
  if (/call stack/i.test(message)) return { offset, fatal, what: 'it is nested too deeply', remedy: 'write it flatter' };
  const [, , what, remedy] = WORDS.find(([one, words]) => one === code && words.test(message)) ?? [];
  if (code === 'TAG_RESOLVE_FAILED') {
    const own = OWN_TAG.exec(message)?.[1];
    const what = own === undefined ? '"!" begins a tag, and no tag has a meaning here' : `the tag !!${own} has no meaning here`;
    return { offset, fatal, what, remedy: 'put quotes around a text that begins with "!", or delete the tag' };
  }
  // Between braces and brackets, YAML takes the brace of `port: ${PORT}` for one of its own.
  if (/[:[,{] *\$\{/.test(line))
    return { offset, fatal, what: 'YAML takes a brace of ${…} for its own here', remedy: 'put quotes around texts that hold ${…}' };
  if (/[:[,] *[^\s'"|>]?\{\{/.test(line))
    return { offset, fatal, what: 'YAML takes {{ for a mapping here', remedy: 'put quotes around texts that hold {{…}}' };
  return { offset, fatal, what: what ?? 'this is no YAML', remedy: remedy ?? 'put quotes around a text that YAML takes for something else' };
}

/** The tags of YAML itself: any other one may be a secret that begins with "!". */
const OWN_TAG = /tag:yaml\.org,2002:(binary|omap|pairs|set|timestamp)$/;

/** Code of the parser, what its message holds, and what is told: the messages themselves repeat what stands in the file. */
const WORDS: readonly (readonly [string, RegExp, string, string])[] = [
  ['MULTIPLE_DOCS', /./, 'there is a second document', 'delete it, or the `---` above it'],
  ['BAD_INDENT', /^Flow sequence/, 'a "[" is not closed before this', 'add "]"'],
  ['BAD_INDENT', /^Flow map/, 'a "{" is not closed before this', 'add "}"'],
  ['BAD_INDENT', /./, 'this line does not stand under what it belongs to', 'indent it as far as the lines above it that it belongs to'],
  ['MISSING_CHAR', /quote/, 'the text that begins here in quotes does not end', 'add the closing quote'],
  [
    'MISSING_CHAR',
    /^Sequence item/,
    'the line above this is indented like an entry of the list, and begins none',
    'indent it as far as the keys it belongs to, or begin it with "- "',
  ],
  ['MISSING_CHAR', /^Implicit map keys/, 'there is no ": " in this line', 'write `key: value`, with a space'],
  ['MISSING_CHAR', /^Comments/, 'a comment begins here, right behind a value', 'put a space before its "#", or quotes around the whole text'],
  ['MISSING_CHAR', /^Missing , /, 'something follows the end of a value', 'put quotes around the whole text, or a comma before this'],
  ['MISSING_CHAR', /^Tags and anchors/, 'a text cannot begin with "!" or "&"', 'put quotes around the whole text'],
  ['BAD_DQ_ESCAPE', /./, 'this backslash begins no escape that YAML has', "write it twice, or put the text into single quotes: '…'"],
  [
    'BLOCK_AS_IMPLICIT_KEY',
    /^A block sequence/,
    'this "- " does not stand under the one above it',
    'indent it as far as the other entries of the list',
  ],
  ['BLOCK_AS_IMPLICIT_KEY', /./, 'there is a second ": " in one line', 'put quotes around a text that holds ": ", or begin a line of its own'],
  ['BAD_SCALAR_START', /./, 'a text cannot begin with this character', 'put quotes around the text'],
  ['BAD_ALIAS', /^Anchor/, '"&" begins an anchor, and this is none', 'put quotes around a text that begins with "&"'],
  ['BAD_ALIAS', /./, '"*" begins an alias, and this is none', 'put quotes around a text that begins with "*"'],
  ['MULTILINE_IMPLICIT_KEY', /./, 'there is no ": " in this line', 'write `key: value`, with a space; put quotes around a text of several lines'],
  ['BLOCK_IN_FLOW', /./, 'a value does not end where one is expected to, between braces or brackets', 'put a comma behind it'],
  ['UNEXPECTED_TOKEN', /^Unexpected , /, 'there is no value before this comma', 'delete the comma, or put quotes around a text that holds one'],
  [
    'UNEXPECTED_TOKEN',
    /^Block scalar header|^Not a YAML token/,
    '"|" and ">" begin a text of several lines, which stands below them',
    'begin it in the next line, or put quotes around a text that begins so',
  ],
  ['UNEXPECTED_TOKEN', /flow-(?:map|seq)-end/, 'there is a closing bracket or brace too many', 'delete it'],
  ['UNEXPECTED_TOKEN', /block-seq-ind/, 'a list cannot begin in the line of its key', 'begin it in the next line, or write `[…]`'],
  ['UNEXPECTED_TOKEN', /at node end/, 'something follows the end of a value', 'put quotes around the whole text, or begin a line of its own'],
];
