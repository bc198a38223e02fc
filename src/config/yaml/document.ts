import { isMap, isScalar, LineCounter, parseDocument, type Document, type Node } from 'yaml';
import type { Problem } from '../../core/problem.js';
import type { Finding } from '../finding.js';
import { offsetsIn } from './scalar.js';
import { beforeSubstitution, type Lookup } from './substitute.js';
import { syntaxFaults } from './syntax.js';
import { nameOf, readTree, type Mark, type Place, type Tree } from './tree.js';

type Path = Problem['path'];

/** A YAML text with its references resolved, as a plain value that still knows where each part of it stood. */
export interface YamlDocument extends Omit<Tree, 'place'> {
  readonly locate: (problem: Problem) => Finding;
  /** What stands at a path as it was written, where it has no quotes and no reference; null otherwise. */
  readonly written: (path: Path) => string | null;
  /** For a key between braces: the path of the text without quotes before it, which the comma between them may have cut in two. */
  readonly cutFrom: (path: Path) => Path | null;
  /** What is found under `to` stands at `from`: a misspelt key whose meaning is clear. Both are paths of one length. */
  readonly rename: (from: Path, to: Path) => void;
}

/** Parses; problems of the syntax and of references go to `report`. Null where the rest cannot be read for certain. */
export function readDocument(given: string, file: string, lookup: Lookup, report: (finding: Finding) => void): YamlDocument | null {
  // A mark of the byte order is no character of the text.
  const text = given.replace(/^\uFEFF/, '');
  const lines = new LineCounter();
  const findingAt = (offset: number, path: string, what: string, remedy: string): Finding => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1), path, what, remedy };
  };
  const document = parsed(text, lines);
  if (typeof document === 'string') {
    report(findingAt(0, '', document, 'write it flatter'));
    return null;
  }
  const directive = document.directives.yaml.version === '1.1';
  if (directive)
    report(findingAt(text.indexOf('%YAML'), '', 'YAML 1.1 takes `on` for true and `010` for 8', 'delete the line with %YAML: this is read as 1.2'));
  const faults = syntaxFaults(document, text);
  for (const { offset, what, remedy } of faults) report(findingAt(offset, '', what, remedy));
  if (directive || faults.some(({ fatal }) => fatal)) return null;

  const tell = (node: Node | null, problem: Problem): void => {
    const offset =
      problem.offset === undefined || !isScalar(node) ? (node?.range?.[0] ?? 0) : insideScalar({ ...NO_PLACE, node }, text, problem.offset);
    report(findingAt(offset, pathText(problem.path), problem.what, problem.remedy));
  };
  const tree = readTree(document.contents, lookup, tell, (node) => lines.linePos(node.range?.[0] ?? 0).line);
  if (tree === null) return null;
  const { place: root, ...rest } = tree;
  return {
    ...rest,
    locate: (problem) => findingAt(offsetOf(root, text, problem), pathText(problem.path), problem.what, problem.remedy),
    written(path) {
      const node = placeAt(root, path)?.node;
      if (!isScalar(node) || node.type !== 'PLAIN' || tree.referring.has(path.join('\0'))) return null;
      return node.source ?? null;
    },
    cutFrom: (path) => cutFrom(placeAt(root, path.slice(0, -1))?.node, path),
    rename(from, to) {
      const place = placeAt(root, from);
      if (place === null) return;
      placeAt(root, to.slice(0, -1))?.below?.set(String(to.at(-1)), place);
      markBelow(place, to.join('\0'), tree);
    },
  };
}

const NO_PLACE: Place = { key: null, at: null, node: null, below: null, spans: [], marks: [] };

function cutFrom(mapping: Node | null | undefined, path: Path): Path | null {
  if (!isMap<Node>(mapping) || mapping.flow !== true) return null;
  const at = mapping.items.findIndex(({ key }) => nameOf(key) === path.at(-1));
  // A text with several commas leaves several keys without a value.
  const text = mapping.items.slice(0, Math.max(at, 0)).findLast(({ value }) => value !== null && (!isScalar(value) || value.value !== null));
  const name = text === undefined || !isScalar(text.value) || text.value.type !== 'PLAIN' ? null : nameOf(text.key);
  return name === null ? null : [...path.slice(0, -1), name];
}

function markBelow({ marks, below }: Place, path: string, tree: Pick<Tree, Mark>): void {
  for (const mark of marks) tree[mark].add(path);
  for (const [name, place] of below ?? []) markBelow(place, `${path}\0${name}`, tree);
}

/** The document, or why there is none: the parser calls itself for each level. */
function parsed(text: string, lines: LineCounter): Document.Parsed | string {
  try {
    return parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false, resolveKnownTags: false, merge: false });
  } catch (error) {
    if (error instanceof RangeError) return 'the document has too many levels';
    throw error;
  }
}

/** `routes[2].to` */
export function pathText(path: Path): string {
  if (path.length === 0) return '(document)';
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`)).join('');
}

function placeAt(root: Place, path: Path): Place | null {
  let place: Place | null = root;
  for (const part of path) place = place?.below?.get(String(part)) ?? null;
  return place;
}

/** Offset of the problem in the text: the value at its path, or the nearest thing above it that exists. */
function offsetOf(root: Place, text: string, problem: Problem): number {
  for (let length = problem.path.length; length > 0; length--) {
    const place = placeAt(root, problem.path.slice(0, length));
    if (place === null) continue;
    const whole = length === problem.path.length;
    const key = place.key?.range?.[0];
    if (whole && problem.atKey === true && key !== undefined) return key;
    if (whole && isScalar(place.node) && problem.offset !== undefined) return insideScalar(place, text, problem.offset);
    if (whole && isScalar(place.node) && place.at?.range) return place.at.range[0];
    // What is told of a list's entry where a text stands is told of the text.
    const offset = isScalar(place.node) ? place.at?.range?.[0] : (key ?? place.at?.range?.[0]);
    if (offset !== undefined) return offset;
  }
  return root.node?.range?.[0] ?? 0;
}

/** Where an offset inside a scalar's value stands in the text; the scalar's start where that cannot be told. */
function insideScalar({ node, spans }: Place, text: string, offset: number): number {
  if (!isScalar(node) || !node.range) return 0;
  const [start, end] = node.range;
  if (typeof node.value !== 'string') return start;
  const offsets = offsetsIn(text.slice(start, end), node.type, node.value);
  return start + (offsets?.[beforeSubstitution(offset, spans)] ?? 0);
}
