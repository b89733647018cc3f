import { expect, test } from '@jest/globals';
import { EventQueue } from './event-queue.js';

async function all(queue: EventQueue<number>): Promise<number[]> {
  const found: number[] = [];
  for await (const event of queue) found.push(event);
  return found;
}

test('events come in order, those before and after the reader, until the end', async () => {
  const queue = new EventQueue<number>();
  queue.add(1);
  const read = all(queue);
  await Promise.resolve();
  queue.add(2);
  queue.add(3);
  queue.end();
  queue.add(4);
  expect(await read).toEqual([1, 2, 3]);
});

test('an error ends at once what waits', async () => {
  const queue = new EventQueue<number>();
  queue.add(1);
  queue.end(new Error('enough'));
  await expect(all(queue)).rejects.toThrow('enough');
});
