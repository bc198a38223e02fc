import type { Progress } from './progress.js';

/** What every command gets. */
export interface Invocation {
  readonly config: string;
  readonly env: NodeJS.ProcessEnv;
  readonly json: boolean;
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
  readonly progress: Progress;
}
