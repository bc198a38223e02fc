import type { EventView } from '../../src/core/event.js';

/** An event with nothing optional in it, but for `parts`. */
export function event(parts: Partial<EventView> = {}): EventView {
  return {
    id: 'evt_1',
    source: 'castai',
    type: 'resource.created',
    severity: null,
    name: null,
    message: null,
    cluster: { id: null, name: null },
    time: null,
    receivedAt: '2026-01-01T00:00:00.000Z',
    data: {},
    body: {},
    ...parts,
  };
}
