import type { StoryView } from '../ops/present.js';
import { connect } from './client.js';
import { EXIT } from './exit.js';
import type { Invocation } from './invocation.js';
import { oneLine } from './table.js';

/** `castbridge events show ID` */
export async function eventsShow(invocation: Invocation, id: string): Promise<number> {
  const { events } = (await connect(invocation)('GET', `/api/events/${encodeURIComponent(id)}`)) as { events: StoryView[] };
  if (invocation.json) invocation.out(JSON.stringify(events.length === 1 ? events[0] : events));
  else for (const event of events) for (const line of shown(event)) invocation.out(line);
  return EXIT.done;
}

function shown(event: StoryView): string[] {
  return [
    `event ${event.event}  id ${oneLine(event.id) || '-'}  type ${oneLine(event.type) || '-'}  source ${event.source}`,
    `  received ${event.receivedAt}, ${event.bodyBytes} bytes${event.routes.length === 0 ? '' : `, routes ${event.routes.join(', ')}`}`,
    ...(event.damaged ? ['  DAMAGED: the stored event is not what was received; it is never sent'] : []),
    ...Object.entries(event.headers).map(([name, value]) => `  header ${name}: ${oneLine(value)}`),
    `  body ${oneLine(event.body, 400)}`,
    ...event.deliveries.flatMap((delivery) => [
      `  delivery ${delivery.id} to ${delivery.sink ?? '(no sink)'}${delivery.route === null ? '' : ` by ${delivery.route}`}: ${stateOf(delivery)}`,
      ...delivery.history.map(
        (attempt) =>
          `    attempt ${attempt.attempt}  ${attempt.startedAt}  ${attempt.durationMs} ms  ${attempt.outcome}${attempt.reason === null ? '' : ` ${attempt.reason}`}  ${oneLine(attempt.answer)}`,
      ),
    ]),
  ];
}

function stateOf({ state, dueAt, settledAt, reason, detail, history }: StoryView['deliveries'][number]): string {
  if (state === 'waiting') return `waiting, due ${dueAt ?? ''}${reason === null ? '' : ` (${reason})`}`;
  if (state === 'delivered') return `delivered ${settledAt ?? ''}`;
  return `dead ${settledAt ?? ''}, ${reason ?? ''}${history.length === 0 && detail !== null ? `: ${oneLine(detail)}` : ''}`;
}
