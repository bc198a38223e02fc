import { connect } from 'node:net';
import { PATH } from './events.js';
import { freePort, startChild, until, type Child } from './process.js';
import { program } from './programs.js';

/** One of the programs in `baseline`, in a process of its own. */
export interface Baseline {
  readonly url: string;
  readonly pid: number;
  kill(): Promise<void>;
  /** Once more, after `kill`. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export async function startBaseline(name: string, env: Readonly<Record<string, string>>): Promise<Baseline> {
  const [file, port] = [await program(name), await freePort()];
  let child: Child;
  const start = async (): Promise<void> => {
    child = startChild(process.execPath, [file], {
      env: { ...process.env, NODE_ENV: 'production', PORT: String(port), ...env },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    await listening(port, child);
  };
  await start();
  return {
    url: `http://127.0.0.1:${port}${PATH}`,
    get pid() {
      return child.pid;
    },
    kill: () => child.end('SIGKILL'),
    start,
    stop: () => child.end(),
  };
}

/** Resolves when something accepts connections. */
export function listening(port: number, child: Child): Promise<void> {
  return until(`port ${port} is open`, () => {
    const ended = child.ended();
    if (ended !== null) throw new Error(ended);
    return new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true));
      socket.on('connect', () => socket.destroy());
      socket.on('error', () => resolve(false));
    });
  });
}
