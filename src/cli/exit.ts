/** Exit codes, the same for every command. */
export const EXIT = { done: 0, no: 1, usage: 2, unreachable: 3, fault: 70, interrupted: 130 } as const;

/** Ends a command with a line for its user. */
export class Failure extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}
