import { isAlias, isMap, isScalar, isSeq, type Alias, type Node, type Scalar, type YAMLMap, type YAMLSeq } from 'yaml';
import type { Problem } from '../../core/problem.js';
import { nearest } from '../../core/suggest.js';
import { isTellable } from '../checking/secrecy.js';
import { substitute, type Lookup, type Span } from './substitute.js';

/** Nodes that aliases and merges may stand for, and how deep a document may go: more is a mistake or an attack. */
const EXPANDED_NODES_MAX = 10_000;
const DEPTH_MAX = 64;
const SHOWN_LEVELS = 6;

/** Where one value stood: its key, where it is used, and what is there; those differ where it is used through an alias. */
export interface Place {
  readonly key: Node | null;
  readonly at: Node | null;
  readonly node: Node | null;
  readonly below: Map<string, Place> | null;
  readonly spans: readonly Span[];
  /** What the sets of the tree say of it: they go by paths, and a misspelt key gets another one. */
  readonly marks: readonly Mark[];
}

export type Mark = 'referring' | 'replaced' | 'broken';

/** A document as a plain value, and a tree of places beside it. Paths in the sets are joined with NUL. */
export interface Tree {
  readonly value: unknown;
  readonly place: Place;
  /** Every text that a reference was replaced with. */
  readonly substituted: readonly string[];
  /** Holds a reference. */
  readonly referring: Set<string>;
  /** Is nothing but references: `port: ${PORT}` may become a number. */
  readonly replaced: Set<string>;
  /** What cannot be read, and was told: whatever else seems wrong with it is not. */
  readonly broken: Set<string>;
}

interface Walked {
  readonly value: unknown;
  readonly place: Place;
}

/** Told of a problem whose place is known as a node: the tree is not complete while it is walked. */
export type Tell = (node: Node | null, problem: Problem) => void;

/** What a walk is given and what it has found so far. */
interface Walk {
  readonly lookup: Lookup;
  readonly tell: Tell;
  readonly lineOf: (node: Node) => number;
  readonly found: { substituted: string[]; referring: Set<string>; replaced: Set<string>; broken: Set<string> };
  readonly anchors: Map<string, Node>;
  /** Lists and mappings that are being walked: an alias of one of them would not end. */
  readonly open: Set<Node>;
  /** What stands in an anchored part is told once, however often it is used. */
  readonly told: Set<Node>;
  readonly path: (string | number)[];
  /** How many aliases deep, and how many nodes were walked for their sake. */
  aliases: number;
  expanded: number;
  /** The alias in the document itself that is being expanded, and its path. */
  outer: { readonly alias: Node; readonly path: Problem['path'] } | null;
}

/** Expands aliases and merges, resolves references; null where that would not end. */
export function readTree(root: Node | null, lookup: Lookup, tell: Tell, lineOf: (node: Node) => number): Tree | null {
  const walk: Walk = {
    lookup,
    tell,
    lineOf,
    found: { substituted: [], referring: new Set(), replaced: new Set(), broken: new Set() },
    anchors: new Map(),
    open: new Set(),
    told: new Set(),
    path: [],
    aliases: 0,
    expanded: 0,
    outer: null,
  };
  const walked = walkNode(walk, root, null);
  return walk.expanded > EXPANDED_NODES_MAX ? null : { ...walked, ...walk.found };
}

/** YAML's own tags say what a value is anyway. */
const KNOWN_TAG = /^(?:!|tag:yaml\.org,2002:(?:str|int|float|bool|null|map|seq))$/;

function walkBelow(walk: Walk, part: string | number, node: Node | null, key: Node | null): Walked {
  walk.path.push(part);
  const walked = walkNode(walk, node, key);
  walk.path.pop();
  return walked;
}

/** `use` is where the node is used: an alias, or itself. */
function walkNode(walk: Walk, node: Node | null, key: Node | null, use: Node | null = node): Walked {
  const place: Place = { key, at: use, node, below: null, spans: [], marks: [] };
  const nothing: Walked = { value: null, place };
  if (walk.aliases > 0 && ++walk.expanded > EXPANDED_NODES_MAX) {
    if (walk.expanded === EXPANDED_NODES_MAX + 1)
      walk.tell(walk.outer?.alias ?? use, {
        path: walk.outer?.path ?? [],
        what: `the aliases stand for more than ${EXPANDED_NODES_MAX} values`,
        remedy: 'use fewer aliases',
      });
    return nothing;
  }
  if (walk.path.length > DEPTH_MAX) {
    fault(walk, node, `this is more than ${DEPTH_MAX} levels deep`, 'write it flatter', { path: walk.path.slice(0, SHOWN_LEVELS) });
    return nothing;
  }
  if (node === null) return nothing;
  if (isAlias(node)) return walkAlias(walk, node, key);
  register(walk, node);
  if (node.tag !== undefined && !KNOWN_TAG.test(node.tag)) walk.found.broken.add(walk.path.join('\0'));
  if (isScalar(node)) return walkScalar(walk, node, place);
  walk.open.add(node);
  const walked = isMap(node)
    ? walkMap(walk, node as YAMLMap<Node | null, Node | null>, place)
    : isSeq(node)
      ? walkSeq(walk, node as YAMLSeq<Node | null>, place)
      : nothing;
  walk.open.delete(node);
  return walked;
}

function fault({ found, told, tell, path }: Walk, node: Node | null, what: string, remedy: string, more: Partial<Problem> = {}): void {
  found.broken.add(path.join('\0'));
  if (node !== null && told.has(node)) return;
  if (node !== null) told.add(node);
  tell(node, { path: [...path], what, remedy, ...more });
}

function register({ aliases, anchors, tell, path, lineOf }: Walk, node: Node): void {
  const anchor = 'anchor' in node ? node.anchor : undefined;
  if (anchor === undefined || aliases > 0) return;
  const first = anchors.get(anchor);
  if (first !== undefined)
    tell(node, { path: [...path], what: `the anchor of line ${lineOf(first)} is defined here a second time`, remedy: 'give it another name' });
  anchors.set(anchor, node);
}

function walkAlias(walk: Walk, alias: Alias, key: Node | null): Walked {
  const name = alias.source;
  const target = walk.anchors.get(name);
  if (target !== undefined && !walk.open.has(target)) {
    if (walk.aliases === 0) walk.outer = { alias, path: [...walk.path] };
    walk.aliases += 1;
    const walked = walkNode(walk, target, key, alias);
    walk.aliases -= 1;
    return walked;
  }
  if (target === undefined) absentAnchor(walk, alias);
  else fault(walk, alias, 'this alias stands inside what it stands for', 'move the anchor, or write it out');
  return { value: null, place: { key, at: alias, node: alias, below: null, spans: [], marks: ['broken'] } };
}

/** The name is repeated only where it is no secret that begins with "*": in a row, where a pattern does, and where an anchor has nearly the same. */
function absentAnchor(walk: Walk, alias: Alias): void {
  const name = alias.source;
  const near = nearest(name, [...walk.anchors.keys()]);
  const isShown = near !== null || (walk.path[0] === 'routes' && isTellable(name));
  const what = isShown
    ? `there is no anchor "&${name}" above, and \`*${name}\` is an alias to YAML`
    : 'this is an alias to YAML, and there is no anchor of its name above';
  const quoted = `put quotes around a text that begins with "*"${isShown ? `: "*${name}"` : ''}`;
  fault(walk, alias, what, near === null ? quoted : `did you mean "*${near}"?`);
}

function walkScalar(walk: Walk, node: Scalar, place: Place): Walked {
  if (typeof node.value !== 'string' || !node.value.includes('$')) return { value: node.value, place };
  const resolved = substitute(node.value, walk.lookup);
  if (!resolved.ok) {
    fault(walk, node, resolved.what, resolved.remedy, { offset: resolved.offset });
    return { value: node.value, place: { ...place, marks: ['broken'] } };
  }
  const { text, values, spans } = resolved;
  const joined = walk.path.join('\0');
  const marks: Mark[] = [];
  if (values.length > 0) marks.push('referring');
  if (values.length > 0 && spans.length === 1 && spans[0]?.from === 0 && spans[0].to === node.value.length) marks.push('replaced');
  for (const mark of marks) walk.found[mark].add(joined);
  walk.found.substituted.push(...values);
  return { value: text, place: { ...place, spans, marks } };
}

function walkSeq(walk: Walk, { items }: YAMLSeq<Node | null>, place: Place): Walked {
  const below = new Map<string, Place>();
  const value = items.map((item, index) => {
    const walked = walkBelow(walk, index, item, null);
    below.set(String(index), walked.place);
    return walked.value;
  });
  return { value, place: { ...place, below } };
}

function walkMap(walk: Walk, node: YAMLMap<Node | null, Node | null>, place: Place): Walked {
  const entries = new Map<string, Walked>();
  const merges: (Node | null)[] = [];
  for (const { key, value } of node.items) {
    if (isScalar(key) && key.value === '<<' && key.type === 'PLAIN') {
      merges.push(value);
      continue;
    }
    const name = nameOf(key);
    if (name === null) {
      const what = isMap(key) ? 'YAML takes these braces for a mapping, and that for a key' : 'this key is no text';
      fault(walk, key ?? node, what, isMap(key) ? 'put quotes around texts that hold {{…}} or ${…}' : 'write a text for a key');
      continue;
    }
    if (key !== null) register(walk, key);
    const walked = walkBelow(walk, name, value, key);
    const first = entries.get(name);
    if (first !== undefined && key !== null) tellTwice(walk, name, first, key);
    entries.set(name, first === undefined ? walked : both(first, walked));
  }
  for (const merge of merges) for (const [name, walked] of merged(walk, merge)) if (!entries.has(name)) entries.set(name, walked);
  const value = Object.fromEntries([...entries].map(([name, walked]) => [name, walked.value]));
  return { value, place: { ...place, below: new Map([...entries].map(([name, walked]) => [name, walked.place])) } };
}

function tellTwice({ told, tell, path, lineOf }: Walk, name: string, first: Walked, key: Node): void {
  if (told.has(key)) return;
  told.add(key);
  const line = first.place.key === null ? '' : `, first in line ${lineOf(first.place.key)}`;
  const remedy =
    typeof path.at(-1) === 'number'
      ? 'begin the next entry of the list with "- ", or delete one of them'
      : 'delete one of them, or give it another name';
  tell(key, { path: [...path, name], what: `the key "${name}" is here twice${line}`, remedy });
}

/** What `<<: *base`, or a list of such, brings along; of two that have a key, the first one's counts. */
function merged(walk: Walk, node: Node | null): Map<string, Walked> {
  const entries = new Map<string, Walked>();
  for (const part of isSeq(node) ? (node.items as Node[]) : [node]) {
    const target = isAlias(part) ? walk.anchors.get(part.source) : part;
    // An alias of nothing is told where it is walked.
    if (target !== undefined && !isMap(target)) {
      fault(walk, part, '`<<` merges mappings, and this is none', 'write an alias of a mapping: `<<: *NAME`');
      continue;
    }
    const { value, place } = walkNode(walk, part, null);
    for (const [name, below] of place.below ?? []) {
      if (!entries.has(name)) entries.set(name, { value: (value as Readonly<Record<string, unknown>>)[name], place: below });
    }
  }
  return entries;
}

/** What a key is that stands twice: of two mappings all that both hold, so that nothing in them seems to be missing; of others the first. */
function both(first: Walked, second: Walked): Walked {
  const [a, b] = [first.place, second.place];
  if (!isMap(a.node) || !isMap(b.node)) return first;
  return {
    value: { ...Object(second.value), ...Object(first.value) } as object,
    place: { ...a, below: new Map([...(b.below ?? []), ...(a.below ?? [])]) },
  };
}

/** The text of a key; null where it is none. */
export function nameOf(key: Node | null): string | null {
  if (!isScalar(key)) return null;
  return typeof key.value === 'string' ? key.value : (key.source ?? String(key.value));
}
