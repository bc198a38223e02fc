import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { startBridge, type Bridge } from '../bridge.js';
import type { Configuration } from '../config/configuration.js';
import { lineOf } from '../config/finding.js';
import { refused, type Loaded } from '../config/load.js';
import { writeSecretFiles } from '../config/secret-files.js';
import { createReading, everySecond, watchFiles, type Contents } from '../config/watch.js';
import { oneAtATime } from '../core/one-at-a-time.js';
import type { Trigger } from '../core/telemetry.js';
import { kinds } from '../kinds.js';
import { createLog } from '../ops/log.js';
import { loadInThread } from '../trial/load-thread.js';
import { loadTested } from '../trial/tested.js';
import { configured } from './configured.js';
import { EXIT, Failure } from './exit.js';
import type { Invocation } from './invocation.js';

const LINGER_MS = 1_000;

interface ServeOptions {
  readonly logLevel: string;
  readonly watch: boolean;
}

/** `castbridge serve`: runs until SIGTERM or SIGINT. SIGHUP, and another content of a file that it has read, have it read its configuration again. */
export async function serve(invocation: Invocation, options: ServeOptions): Promise<number> {
  // Before the file is read: what changes in it from then on is not missed.
  const hangups = createHangups();
  const loading = createLoading(invocation);
  const configuration = configured(invocation, loading.load);
  const { log, flush } = createLog(options.logLevel);
  let code: number;
  try {
    code = await run(configuration, loading, { ...options, log, invocation, hangups });
  } finally {
    // A write that nobody reads and the reading of a pipe that nobody writes cannot be taken back, and Node would wait for them: all else is closed by now.
    const over = [await loading.end(), await flush()].every(Boolean);
    if (!over) process.kill(process.pid, 'SIGKILL');
  }
  // A connection that a far side does not let go must not keep the process.
  setTimeout(() => process.exit(code), LINGER_MS).unref();
  return code;
}

interface Running extends ServeOptions {
  readonly log: Logger;
  readonly invocation: Invocation;
  readonly hangups: ReturnType<typeof createHangups>;
}

async function run(
  { config, warnings }: ReturnType<typeof configured>,
  { load, loadAgain, contents }: ReturnType<typeof createLoading>,
  { log, invocation, hangups, watch }: Running,
): Promise<number> {
  for (const warning of warnings) log.warn({ warning: lineOf(warning) }, 'configuration');
  keepSecrets(config, invocation);
  // A file that was made by the start itself is no change.
  if (config.secretFiles.length > 0) load();
  const stopping = signalled(log);
  const reload = oneAtATime(async (trigger: Trigger) => {
    const loaded = await loadAgain();
    return (await starting).reload(loaded, trigger);
  });
  const starting = startBridge(config, { log, reloadFile: () => reload('api'), env: invocation.env });
  const bridge = await starting.catch((error: unknown) => {
    throw new Failure(EXIT.no, `the bridge cannot start: ${explain(error)}`);
  });
  for (const source of config.sources) invocation.err(`castbridge: ${source.name} at ${bridge.ingressUrl}${source.path}`);
  invocation.err(`castbridge: operations at ${bridge.operationsUrl}`);
  log.info({ ingress: bridge.ingressUrl, operations: bridge.operationsUrl, config: config.file }, 'ready');
  hangups.answerWith(() => void reload('signal'));
  const watching = new AbortController();
  if (watch) void watchFiles(contents, () => reload('file'), everySecond(watching.signal));
  const code = await untilStopped(bridge, stopping, log, hangups);
  watching.abort();
  return code;
}

/** Reads the configuration, its own tests run, and knows what was in the files it has last read for it. */
function createLoading({ config, env }: Invocation) {
  const ending = new AbortController();
  let contents: Contents = new Map();
  /** Files that could be read before. */
  const seen = new Set<string>();
  let again: ReturnType<typeof loadInThread> | null = null;
  return {
    contents: () => contents,
    load: (): Loaded => {
      const reading = createReading();
      const loaded = loadTested(config, env, kinds, reading.read);
      contents = reading.contents;
      note(contents, seen);
      return loaded;
    },
    /** The same beside a bridge that runs. */
    loadAgain: async (): Promise<Loaded> => {
      again = loadInThread({ file: config, env }, contents, { signal: ending.signal });
      const { contents: read, loaded } = await again;
      contents = read;
      const gone = loaded.ok ? loaded.config.secretFiles.find(({ path }) => seen.has(path)) : undefined;
      note(contents, seen);
      return gone === undefined ? loaded : refused(config, `the secret file ${gone.path} is gone`, SECRET_GONE);
    },
    /** Whether what was begun is over, or could be ended. */
    end: async (): Promise<boolean> => {
      ending.abort();
      const waited = new AbortController();
      const over = await Promise.race([again?.then(() => true) ?? true, pause(LINGER_MS, false, { signal: waited.signal })]);
      waited.abort();
      return over;
    },
  };
}

/** A secret that senders use is not exchanged for a new one because its file is gone. */
const SECRET_GONE = 'put it back: senders use what it held; to have a new one made, start the bridge without it';

function note(contents: Contents, seen: Set<string>): void {
  for (const [path, hash] of contents) if (hash !== null) seen.add(path);
}

async function untilStopped(
  bridge: Bridge,
  stopping: Promise<NodeJS.Signals>,
  log: Logger,
  hangups: ReturnType<typeof createHangups>,
): Promise<number> {
  const fault = new Promise<'fault'>((resolve) => {
    const end = (error: unknown): void => {
      log.error({ detail: error instanceof Error ? error.stack : String(error) }, 'a fault of the bridge itself: it stops, and loses nothing');
      resolve('fault');
    };
    process.once('uncaughtException', end);
    process.once('unhandledRejection', end);
  });
  const why = await Promise.race([stopping, fault]);
  hangups.answerWith(() => undefined);
  log.info({ why }, 'stopping');
  await bridge.stop();
  log.info({}, 'stopped');
  return why === 'fault' ? EXIT.fault : EXIT.done;
}

/** The first signal stops the bridge in order; a second one ends it at once: what was acknowledged is on disk. */
function signalled(log: Logger): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let first = true;
    for (const [signal, number] of [
      ['SIGTERM', 15],
      ['SIGINT', 2],
    ] as const) {
      process.on(signal, () => {
        if (!first) process.exit(128 + number);
        first = false;
        log.info({ signal }, 'signal');
        resolve(signal);
      });
    }
  });
}

/** SIGHUPs. Those that come before there is an answer are answered once there is, all together. */
function createHangups() {
  let pending = false;
  let answer = (): void => {
    pending = true;
  };
  process.on('SIGHUP', () => answer());
  return {
    answerWith(next: () => void): void {
      answer = next;
      if (pending) next();
      pending = false;
    },
  };
}

/** Writes the secrets that `${generate:PATH}` asked for and that do not exist yet. */
function keepSecrets({ secretFiles }: Configuration, { err }: Invocation): void {
  try {
    writeSecretFiles(secretFiles);
  } catch (error) {
    throw new Failure(EXIT.no, explain(error));
  }
  for (const { path } of secretFiles) err(`castbridge: made a random webhook secret, and keeps it in ${path}`);
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ('code' in error && error.code === 'EADDRINUSE') return `${error.message}: another process listens there; stop it, or set another port`;
  return error.message;
}
