import { expect, it } from 'vitest';
import { createQueue, idOf } from '../../src/delivery/queue.js';
import { due } from './lane-rig.js';

it('T32: fresh deliveries and retries take turns, and none waits while the other is empty', () => {
  const queue = createQueue();
  for (let count = 0; count < 3; count++) queue.offer(due(`fresh${count}`));
  queue.refill(Array.from({ length: 5 }, (_, index) => due(`old${index}`)));
  expect(queue.take(8).map((delivery) => delivery.event.uid)).toEqual(['fresh0', 'old0', 'fresh1', 'old1', 'fresh2', 'old2', 'old3', 'old4']);
  expect(queue.length).toBe(0);
});

it('takes turns over batches of one', () => {
  const queue = createQueue();
  queue.refill(Array.from({ length: 5 }, (_, index) => due(`old${index}`)));
  for (let count = 0; count < 3; count++) queue.offer(due(`fresh${count}`));
  const order = Array.from({ length: 6 }, () => queue.take(1)[0]?.event.uid);
  expect(order).toEqual(['fresh0', 'old0', 'fresh1', 'old1', 'fresh2', 'old2']);
});

it('refuses what would not fit into its count or its bytes: the store has it', () => {
  const many = createQueue();
  const taken = Array.from({ length: 1_100 }, (_, index) => many.offer(due(`${index}`))).filter(Boolean).length;
  expect(taken).toBe(1_000);
  const large = createQueue();
  const body = Buffer.alloc(20 * 1024 * 1024);
  expect([large.offer(due('a', { body })), large.offer(due('b', { body }))]).toEqual([true, false]);
  large.take(1);
  expect(large.offer(due('b', { body }))).toBe(true);
});

it('names a delivery by its event and its place in it', () => {
  expect(idOf(due('1a-ff'))).toBe('1a-ff.0');
});
