/** Has it run once at a time, in the order asked. Who asks while another run waits to begin gets what comes of that one. */
export function oneAtATime<Asked, Result>(run: (asked: Asked) => Promise<Result>): (asked: Asked) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve();
  let waiting: Promise<Result> | null = null;
  return (asked) => {
    if (waiting !== null) return waiting;
    const next = last.then(() => {
      waiting = null;
      return run(asked);
    });
    waiting = next;
    last = next.catch(() => undefined);
    return next;
  };
}
