import { isMap, isNode, isPair, isScalar, LineCounter, parseDocument, visit, type Document, type Scalar } from 'yaml';
import type { Problem } from '../core/problem.js';
import type { Finding } from './finding.js';
import { substitute, type Lookup } from './substitute.js';

/** Aliases that expand to more nodes than this are a mistake or an attack. */
const ALIASES_MAX = 100;

/** A YAML text with its references resolved, as a plain value that still knows where each part of it stood. */
export interface YamlDocument {
  readonly value: unknown;
  /** Every text that a reference was replaced with. */
  readonly substituted: readonly string[];
  /** Paths (joined with NUL) whose whole text came from references: `port: ${PORT}` may become a number. */
  readonly replaced: ReadonlySet<string>;
  /** Paths (joined with NUL) whose references could not be resolved: whatever else seems wrong with them is not. */
  readonly unresolved: ReadonlySet<string>;
  locate(problem: Problem): Finding;
}

/** Parses; problems of the syntax and of references go to `report`. */
export function readDocument(text: string, file: string, lookup: Lookup, report: (finding: Finding) => void): YamlDocument | null {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true, resolveKnownTags: false });
  const findingAt = (offset: number, path: string, what: string, remedy: string): Finding => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1), path, what, remedy };
  };
  if (document.directives.yaml.version === '1.1') {
    report(findingAt(0, '', 'YAML 1.1 takes `on` for true and `010` for 8', 'delete the line with %YAML: this is read as 1.2'));
    return null;
  }
  // A warning is a mistake too: the text behind an unknown tag would be taken as it stands.
  const faults = [...toldOf(document.errors), ...document.warnings];
  if (faults.length > 0) {
    for (const fault of faults) report(findingAt(fault.pos[0], '', messageOf(fault), remedyFor(fault, text)));
    return null;
  }

  const locate = (problem: Problem): Finding => findingAt(offsetOf(document, text, problem), pathText(problem.path), problem.what, problem.remedy);
  const substituted: string[] = [];
  const replaced = new Set<string>();
  const unresolved = new Set<string>();
  visit(document, {
    Scalar(key, node, ancestors) {
      if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('$')) return;
      const path = pathOf(ancestors, node);
      const resolved = substitute(node.value, lookup);
      if (!resolved.ok) {
        report(locate({ path, what: resolved.what, remedy: resolved.remedy }));
        unresolved.add(path.join('\0'));
        return;
      }
      if (resolved.values.length > 0 && /^\$\{[^}]*\}$/.test(node.value)) replaced.add(path.join('\0'));
      substituted.push(...resolved.values);
      node.value = resolved.text;
    },
  });
  try {
    return { value: document.toJS({ maxAliasCount: ALIASES_MAX }), substituted, replaced, unresolved, locate };
  } catch (error) {
    report(findingAt(0, '', error instanceof Error ? error.message : String(error), 'use fewer aliases'));
    return null;
  }
}

type SyntaxFault = Document['errors' | 'warnings'][number];

/** After the first error of the syntax the parser reads the rest wrong: what it says of that would only hide the first. */
function toldOf(errors: readonly SyntaxFault[]): readonly SyntaxFault[] {
  const [first] = errors.filter((error) => error.code !== 'DUPLICATE_KEY');
  return errors.filter((error) => error === first || error.code === 'DUPLICATE_KEY');
}

function messageOf({ code, message }: SyntaxFault): string {
  // The parser's own words are for programmers.
  return code === 'MULTIPLE_DOCS' ? 'there is a second document' : message;
}

function remedyFor({ code, pos: [offset] }: SyntaxFault, text: string): string {
  if (code === 'DUPLICATE_KEY') return 'delete one of them, or give it another name';
  if (code === 'TAB_AS_INDENT') return 'use spaces';
  if (code === 'MULTIPLE_DOCS') return 'delete it, or the `---` above it';
  if (code === 'TAG_RESOLVE_FAILED') return 'put quotes around a text that begins with "!"; tags have no meaning here';
  const line = text.slice(text.lastIndexOf('\n', offset - 1) + 1).split('\n')[0] ?? '';
  // Between braces and brackets, YAML takes the brace of `port: ${PORT}` for one of its own.
  return /[:[,] *\$\{/.test(line) ? 'put quotes around texts that hold ${…}' : 'mend the YAML here';
}

/** `routes[2].to` */
export function pathText(path: Problem['path']): string {
  if (path.length === 0) return '(document)';
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`)).join('');
}

/** Offset of the problem in the text: the value at its path, or the nearest thing above it that exists. */
function offsetOf(document: Document, text: string, problem: Problem): number {
  for (let length = problem.path.length; length > 0; length--) {
    const path = problem.path.slice(0, length);
    const whole = length === problem.path.length;
    const node = document.getIn(path, true);
    if (whole && problem.atKey === true) return keyOffset(document, path) ?? 0;
    if (isNode(node) && node.range && whole && isScalar(node) && problem.offset !== undefined) return insideScalar(node, text, problem.offset);
    if (isNode(node) && node.range && whole && isScalar(node)) return node.range[0];
    const key = keyOffset(document, path);
    if (key !== null) return key;
    if (isNode(node) && node.range) return node.range[0];
  }
  return isNode(document.contents) ? (document.contents.range?.[0] ?? 0) : 0;
}

function keyOffset(document: Document, path: Problem['path']): number | null {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (!isMap(parent)) return null;
  const pair = parent.items.find((item) => isScalar(item.key) && String(item.key.value) === String(path.at(-1)));
  return isNode(pair?.key) ? (pair.key.range?.[0] ?? null) : null;
}

/** Where an offset inside a scalar's value stands in the text: exact for one-line and literal-block scalars, the scalar's start otherwise. */
function insideScalar(node: Scalar, text: string, offset: number): number {
  const [start, end] = node.range ?? [0, 0];
  if (typeof node.value !== 'string') return start;
  const inline = text.slice(start, end).indexOf(node.value);
  if (inline !== -1) return start + inline + offset;
  if (node.type !== 'BLOCK_LITERAL') return start;
  const before = node.value.slice(0, offset).split('\n');
  const lines = text.slice(start, end).split('\n');
  const indentation = /^ */.exec(lines[1] ?? '')?.[0].length ?? 0;
  const skipped = lines.slice(0, before.length).reduce((sum, line) => sum + line.length + 1, 0);
  return start + skipped + indentation + (before.at(-1) ?? '').length;
}

/** The path of a scalar, from the nodes above it. */
function pathOf(ancestors: readonly unknown[], scalar: Scalar): (string | number)[] {
  const chain = [...ancestors, scalar];
  const path: (string | number)[] = [];
  chain.forEach((node, index) => {
    const child = chain[index + 1];
    if (isPair(node) && isScalar(node.key)) path.push(String(node.key.value));
    else if (isNode(node) && 'items' in node && !isMap(node)) path.push(node.items.indexOf(child));
  });
  return path;
}
