import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Logger } from 'pino';
import { startBridge, type Bridge } from '../bridge.js';
import type { Configuration } from '../config/configuration.js';
import { createLog } from '../ops/log.js';
import { configured } from './configured.js';
import { EXIT, Failure } from './exit.js';
import type { Invocation } from './invocation.js';

const LINGER_MS = 1_000;

/** `castbridge serve`: runs until SIGTERM or SIGINT. */
export async function serve(invocation: Invocation, options: { logLevel: string }): Promise<number> {
  const configuration = configured(invocation);
  const { log, flush } = createLog(options.logLevel);
  try {
    return await run(configuration, log, invocation);
  } finally {
    // A write that nobody reads cannot be taken back, and Node would wait for it: everything else is closed by now.
    if (!(await flush())) process.kill(process.pid, 'SIGKILL');
  }
}

async function run({ config, warnings }: ReturnType<typeof configured>, log: Logger, invocation: Invocation): Promise<number> {
  for (const warning of warnings) log.warn({ warning }, 'configuration');
  keepSecrets(config, invocation);
  const stopping = signalled(log);
  const bridge = await startBridge(config, { log }).catch((error: unknown) => {
    throw new Failure(EXIT.no, `the bridge cannot start: ${explain(error)}`);
  });
  for (const source of config.sources) invocation.err(`castbridge: ${source.name} at ${bridge.ingressUrl}${source.path}`);
  invocation.err(`castbridge: operations at ${bridge.operationsUrl}`);
  log.info({ ingress: bridge.ingressUrl, operations: bridge.operationsUrl, config: config.file }, 'ready');
  const code = await untilStopped(bridge, stopping, log);
  // A connection that a far side does not let go must not keep the process.
  setTimeout(() => process.exit(code), LINGER_MS).unref();
  return code;
}

async function untilStopped(bridge: Bridge, stopping: Promise<NodeJS.Signals>, log: Logger): Promise<number> {
  const fault = new Promise<'fault'>((resolve) => {
    const end = (error: unknown): void => {
      // Not `fatal`: for that, pino waits until the line is written, and for ever where it cannot be.
      log.error({ detail: error instanceof Error ? error.stack : String(error) }, 'a fault of the bridge itself: it stops, and loses nothing');
      resolve('fault');
    };
    process.once('uncaughtException', end);
    process.once('unhandledRejection', end);
  });
  const why = await Promise.race([stopping, fault]);
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

/** Writes the secrets that `${generate:PATH}` asked for and that do not exist yet. */
function keepSecrets({ secretFiles }: Configuration, { err }: Invocation): void {
  for (const { path, secret } of secretFiles) {
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      writeFileSync(path, `${secret}\n`, { mode: 0o600, flag: 'wx' });
    } catch (error) {
      throw new Failure(EXIT.no, `the secret file ${path} cannot be written: ${explain(error)}`);
    }
    err(`castbridge: made a random webhook secret, and keeps it in ${path}`);
  }
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ('code' in error && error.code === 'EADDRINUSE') return `${error.message}: another process listens there; stop it, or set another port`;
  return error.message;
}
