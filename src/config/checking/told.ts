import type { Problem, Report } from '../../core/problem.js';
import { createRedact } from '../../core/redact.js';
import type { Kinds } from '../../kinds.js';
import type { YamlDocument } from '../yaml/document.js';
import type { Finding } from '../finding.js';
import { secretKeys, textsUnder } from './secrecy.js';
import { isBroken } from './validate.js';

/** What came from a reference is shown in no problem, unless it is too short to be told from other words. */
const REDACTED_CHARS_MIN = 4;

/** Words of the messages that a switch comes to; no secret. */
const SWITCHES = ['true', 'false'];

/** Such a short text that stands in the file itself may be a word of the messages. */
const WRITTEN_CHARS_MIN = 8;

const WORD = /[\p{L}\p{N}_-]{4,}/gu;

/** A word and a part of a secret may stand together: what they have in common this long is no chance. */
const PIECE_CHARS = 6;

/** What was told of a document so far. */
export interface Told {
  readonly report: Report;
  readonly warn: Report;
  /** Is a mistake known in, above or below this path? */
  readonly isDoubtful: (path: Problem['path']) => boolean;
  /** Each once, from the top of the file to its end. */
  readonly findings: () => { readonly problems: readonly Finding[]; readonly warnings: readonly Finding[] };
}

/** Collects problems and warnings; what only follows from a mistake that was told is left out. */
export function createTold(document: YamlDocument, kinds: Kinds, before: readonly Finding[]): Told {
  const problems = [...before];
  const warnings: Finding[] = [];
  const substituted = document.substituted.filter((value) => !SWITCHES.includes(value));
  const redact = createRedact([
    ...substituted.filter((value) => value.length >= REDACTED_CHARS_MIN),
    ...textsUnder(secretKeys(kinds), document.value).filter((value) => value.length >= WRITTEN_CHARS_MIN),
  ]);
  // In what is told of a reference itself, neither short values are shown nor words of long ones: a condition is told by its words.
  const redactShort = createRedact([...substituted.filter((value) => value !== '').map((value) => `"${value}"`)]);
  const isOfReference = (word: string): boolean => piecesOf(word).some((piece) => substituted.some((value) => value.includes(piece)));
  const redactAll = (text: string): string => redactShort(redact(text)).replace(WORD, (word) => (isOfReference(word) ? '[redacted]' : word));
  // Of a key nothing can come from a reference.
  const safely = ({ path, atKey }: Problem, text: string): string =>
    document.referring.has(path.join('\0')) && atKey !== true ? redactAll(text) : redact(text);
  const { broken } = document;
  /** Paths of what was told: conclusions from what is there leave them out. */
  const doubted = new Set<string>();
  const into =
    (list: Finding[]): Report =>
    (problem) => {
      if (isBroken(broken, problem.path) || problem.from?.some((path) => isBroken(broken, path)) === true) return;
      if (list === problems) doubted.add(problem.path.join('\0'));
      list.push(document.locate({ ...problem, what: safely(problem, problem.what), remedy: safely(problem, problem.remedy) }));
    };
  let known = { size: 0, paths: new Set<string>() };
  /** Paths above a broken one: made anew only when there are more of them. */
  const above = (): ReadonlySet<string> => {
    const size = broken.size + doubted.size;
    if (known.size !== size) known = { size, paths: pathsAbove([...broken, ...doubted]) };
    return known.paths;
  };
  return {
    report: into(problems),
    warn: into(warnings),
    isDoubtful: (path) => isBroken(broken, path) || isBroken(doubted, path) || above().has(path.join('\0')),
    findings: () => ({ problems: inOrder(problems), warnings: inOrder(warnings) }),
  };
}

/** What is told of a part that several places share is told once. */
export function inOrder(findings: readonly Finding[]): Finding[] {
  const seen = new Set<string>();
  const once = findings.filter(({ line, column, what }) => {
    const id = `${line}:${column}:${what}`;
    return seen.has(id) ? false : seen.add(id);
  });
  return once.sort((a, b) => a.line - b.line || a.column - b.column);
}

function pathsAbove(paths: Iterable<string>): Set<string> {
  const above = new Set<string>();
  for (const path of paths) {
    for (let end = path.lastIndexOf('\0'); end > 0; end = path.lastIndexOf('\0', end - 1)) above.add(path.slice(0, end));
  }
  return above;
}

function piecesOf(word: string): string[] {
  if (word.length <= PIECE_CHARS) return [word];
  return Array.from({ length: word.length - PIECE_CHARS + 1 }, (_, at) => word.slice(at, at + PIECE_CHARS));
}
