import type { Document } from 'yaml';

/** What the parser found wrong, in words for people; the parser's own are for programmers. */
export interface SyntaxFault {
  readonly offset: number;
  readonly what: string;
  readonly remedy: string;
  /** Behind it nothing can be read for certain. */
  readonly fatal: boolean;
}

type Raw = Document['errors' | 'warnings'][number];

/** After the first error of the syntax the parser reads the rest wrong: what it says of that would only hide the first. Indentation by tabs is told of every line. */
export function syntaxFaults(document: Pick<Document, 'errors' | 'warnings'>, text: string): SyntaxFault[] {
  const mild = [...document.errors.filter(({ code }) => code === 'MULTIPLE_DOCS'), ...document.warnings];
  const [first] = document.errors.filter(({ code }) => code !== 'MULTIPLE_DOCS' && code !== 'DUPLICATE_KEY');
  const faults = mild.map((fault) => faultOf(fault, text, false));
  if (first === undefined) return faults;
  const tabs = tabbedLines(text);
  const tab = tabs.length > 0 && (first.code === 'TAB_AS_INDENT' || tabs.some((offset) => offset <= first.pos[0]));
  // Warnings before it stand; those behind it come from a text read wrong.
  const before = faults.filter(({ offset }) => offset < first.pos[0]);
  if (!tab) return [...before, faultOf(first, text, true)];
  return [...before, ...tabs.map((offset) => ({ offset, what: 'a tab indents this line', remedy: 'use spaces', fatal: true }))];
}

/** Where lines begin that a tab indents. */
function tabbedLines(text: string): number[] {
  return [...text.matchAll(/^ *\t[ \t]*(?=[^\s#])/gm)].map(({ index }) => index);
}

function faultOf({ code, message, pos: [offset] }: Raw, text: string, fatal: boolean): SyntaxFault {
  const known = WORDS[code];
  if (known !== undefined) return { offset, fatal, ...known };
  if (code === 'TAG_RESOLVE_FAILED') {
    const tag = /tag:? (\S+)/.exec(message)?.[1]?.replace('tag:yaml.org,2002:', '!!') ?? 'this';
    return { offset, fatal, what: `the tag ${tag} has no meaning here`, remedy: 'put quotes around a text that begins with "!", or delete the tag' };
  }
  const line = text.slice(text.lastIndexOf('\n', offset - 1) + 1).split('\n')[0] ?? '';
  // Between braces and brackets, YAML takes the brace of `port: ${PORT}` for one of its own.
  if (/[:[,{] *\$\{/.test(line))
    return { offset, fatal, what: 'YAML takes a brace of ${…} for its own here', remedy: 'put quotes around texts that hold ${…}' };
  if (/^\s*(?:-\s+)?[\w-]+: +[^'"[{|>#]*\{\{/.test(line) || /: +\{\{/.test(line))
    return { offset, fatal, what: 'YAML takes {{ for a mapping of its own here', remedy: 'put quotes around texts that hold {{…}}' };
  if (/: +[^'"\s#|>[{][^'"#]*: /.test(line))
    return { offset, fatal, what: 'a second ": " in one line', remedy: 'put quotes around a text that holds ": "' };
  return { offset, fatal, what: lowerFirst(message.split('\n')[0] ?? ''), remedy: 'mend the YAML here' };
}

const WORDS: Readonly<Record<string, { readonly what: string; readonly remedy: string }>> = {
  MULTIPLE_DOCS: { what: 'there is a second document', remedy: 'delete it, or the `---` above it' },
  BAD_INDENT: { what: 'this line does not stand under what it belongs to', remedy: 'indent it as far as the lines above it that it belongs to' },
  BAD_DQ_ESCAPE: { what: 'this backslash begins no escape that YAML has', remedy: "write it twice, or put the text into single quotes: '…'" },
  BLOCK_AS_IMPLICIT_KEY: {
    what: 'there is a second ": " in one line',
    remedy: 'put quotes around a text that holds ": ", or begin a line of its own',
  },
  BAD_SCALAR_START: { what: 'a text cannot begin with this character', remedy: 'put quotes around the text' },
  MULTILINE_IMPLICIT_KEY: {
    what: 'a ":" is missing, or a text goes on in the next line',
    remedy: 'write `key: value`, and quotes around texts of several lines',
  },
};

function lowerFirst(text: string): string {
  return `${text.charAt(0).toLowerCase()}${text.slice(1)}`;
}
