import type { Arrivals } from './arrivals.js';

/** What a parent asks of a process that receives; it answers with a number. */
export type Asked = { readonly ask: 'count'; readonly run: string } | { readonly ask: 'save'; readonly run: string; readonly file: string };

/** Says first where it listens. Ends with its parent. */
export function answerAsked(arrivals: Arrivals, ready: { readonly port: number }): void {
  process.on('disconnect', () => process.exit());
  process.on('message', (asked: Asked) => {
    if (asked.ask === 'save') arrivals.save(asked.run, asked.file);
    process.send?.(arrivals.count(asked.run));
  });
  process.send?.(ready);
}
