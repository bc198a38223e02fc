import { Worker, type ResourceLimits } from 'node:worker_threads';
import type { Finding } from '../config/finding.js';
import { buildChecked, refused, type Checked, type Loaded, type Refused } from '../config/load.js';
import { contentsOf, isReadOnce, type Contents } from '../config/watch.js';
import { kinds } from '../kinds.js';

/** What the thread is given. */
export interface LoadOptions {
  readonly file: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What it answers: a configuration itself holds functions, and cannot be handed over. */
export interface ReadAside {
  readonly contents: Contents;
  readonly loaded: { readonly ok: true; readonly checked: Checked; readonly warnings: readonly Finding[] } | Refused;
}

/** What came of loading, and what was in the files. */
interface LoadedAside {
  readonly contents: Contents;
  readonly loaded: Loaded;
}

interface Limits {
  /** Ends it. */
  readonly signal: AbortSignal;
  /** It takes longer: it will never end. */
  readonly timeMs: number;
  readonly memory: ResourceLimits;
  readonly workerUrl: URL;
}

const LIMITS: Omit<Limits, 'signal'> = { timeMs: 120_000, memory: {}, workerUrl: new URL('./load-worker.js', import.meta.url) };

/**
 * Reads a configuration, its tests run, on a thread of its own: what costs time in it holds up no event, and what ends it or never ends is a file that is
 * refused. Never rejects. `before` names the files to look at where the thread could not say what it read.
 */
export async function loadInThread(options: LoadOptions, before: Contents, limits: Pick<Limits, 'signal'> & Partial<Limits>): Promise<LoadedAside> {
  const known = await contentsOf(before);
  if (await isReadOnce(options.file).catch(() => false)) return { contents: known, loaded: refused(options.file, ...READ_ONCE) };
  const answer = await read(options, { ...LIMITS, ...limits }).catch(messageOf);
  if (typeof answer === 'string') return { contents: known, loaded: unreadable(options.file, answer) };
  const { contents, loaded } = answer;
  return { contents, loaded: loaded.ok ? built(options.file, loaded.checked, loaded.warnings) : loaded };
}

/** The answer, or why there is none. */
async function read({ file, env }: LoadOptions, { signal, timeMs, memory, workerUrl }: Limits): Promise<ReadAside | string> {
  const workerData: LoadOptions = { file, env: { ...env } };
  const worker = new Worker(workerUrl, { workerData, resourceLimits: memory });
  worker.unref();
  const end = (): void => void worker.terminate();
  signal.addEventListener('abort', end);
  return new Promise((resolve) => {
    const late = setTimeout(() => {
      resolve(`it was not read within ${timeMs / 1_000} s`);
      end();
    }, timeMs).unref();
    worker.once('message', resolve);
    worker.once('error', (error) => resolve(messageOf(error)));
    worker.once('exit', () => {
      clearTimeout(late);
      signal.removeEventListener('abort', end);
      resolve('its thread ended');
    });
  });
}

function built(file: string, checked: Checked, warnings: readonly Finding[]): Loaded {
  try {
    const loaded = buildChecked(checked, file, kinds);
    return loaded.ok ? { ...loaded, warnings } : loaded;
  } catch (error) {
    return unreadable(file, messageOf(error));
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const READ_ONCE = ['it is a pipe, which can be read once', 'keep it in a file that can be read again, and start with that'] as const;

/** Whatever is wrong with this program, a file must not end a bridge that runs. */
function unreadable(file: string, why: string): Refused {
  return refused(file, `it cannot be read: ${why}`, 'see what `castbridge check` says; if it says nothing, please report it');
}
