import type { Answer } from '../../receivers/http-receiver.js';
import { pause, type Fault } from '../fault.js';

const during = (name: string, answer: Answer, ms: number, mayDie: readonly string[] = []): Fault => ({
  name,
  part: 'http',
  mayDie,
  async strike({ inventory }) {
    inventory.otherwise(answer);
    await pause(ms);
    inventory.otherwise({ status: 200 });
    return 1;
  },
});

/** What one HTTP sink does to its deliveries, and not to others. */
export const httpFaults: readonly Fault[] = [
  during('HTTP: 503 for 3 s', { status: 503 }, 3_000),
  during('HTTP: hangs for 5 s', 'hang', 5_000),
  during('HTTP: closes before the answer', 'close-before-answer', 3_000),
  during('HTTP: closes in the middle of the answer', 'close-in-answer', 3_000),
  during('HTTP: a broken chunk', 'broken-chunk', 3_000),
  during('HTTP: an endless answer', 'endless-body', 3_000),
  during('HTTP: an answer that never ends', 'slow-body', 5_000),
];
