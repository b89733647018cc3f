import { expect, test } from '@jest/globals';
import { BufferPool, bufferSize } from './buffer-pool.js';

/** A pool on buffers that are objects, and what happened to them. */
function poolOf() {
  const events: string[] = [];
  let made = 0;
  const pool = new BufferPool({
    create: (size, usage) => {
      made += 1;
      const name = `buffer ${made}`;
      return { size, usage, name, destroy: () => events.push(`destroyed ${name}`) } as unknown as GPUBuffer;
    },
    flush: () => events.push('flushed'),
    forget: (buffer) => events.push(`forgot ${nameOf(buffer)}`),
  });
  return { pool, events };
}
const nameOf = (buffer: GPUBuffer) => (buffer as unknown as { name: string }).name;

test('sizes of buffers hold what was asked for, at up to 6 % more', () => {
  expect([0, 1, 256, 257, 512, 513, 4096, 4097, 8193].map(bufferSize)).toEqual([
    256, 256, 256, 512, 512, 768, 4096, 4352, 8704,
  ]);
  for (let size = 4097; size < 1e9; size = Math.ceil(size * 1.37)) {
    const held = bufferSize(size);
    expect(held).toBeGreaterThanOrEqual(size);
    expect(held).toBeLessThanOrEqual(size * 1.0626);
    expect(held % 256).toBe(0);
    expect(bufferSize(held)).toBe(held);
  }
});

test('of the free buffers of a size the one made first is taken, in whatever order they came back', () => {
  const { pool } = poolOf();
  const all = Array.from({ length: 4 }, () => pool.acquireBuffer(1000, 1));
  for (const place of [2, 0, 3, 1]) pool.releaseBuffer(all[place] as GPUBuffer);
  expect(Array.from({ length: 4 }, () => nameOf(pool.acquireBuffer(900, 1)))).toEqual(all.map(nameOf));
  expect(nameOf(pool.acquireBuffer(900, 2))).toBe('buffer 5'); // another usage
});

test('bytes are counted, and trim gives back what is free', () => {
  const { pool, events } = poolOf();
  const [a, b] = [pool.acquireBuffer(1000, 1), pool.acquireBuffer(10, 1)];
  expect(pool.usage()).toEqual({ used: 1010, allocated: 1024 + 256, free: 0, buffers: 2 });
  pool.releaseBuffer(a);
  expect(pool.usage()).toEqual({ used: 10, allocated: 1024 + 256, free: 1024, buffers: 1 });
  expect(pool.trim()).toBe(1024);
  // Recorded commands may use the buffer: they go first.
  expect(events).toEqual(['flushed', 'forgot buffer 1', 'destroyed buffer 1']);
  expect(pool.usage()).toEqual({ used: 10, allocated: 256, free: 0, buffers: 1 });
  expect(pool.trim()).toBe(0);
  pool.releaseBuffer(b, false);
  expect(pool.usage()).toEqual({ used: 0, allocated: 0, free: 0, buffers: 0 });
});

test('where more is free than in use, a new buffer takes its place', () => {
  const { pool, events } = poolOf();
  pool.keep = 1000;
  pool.releaseBuffer(pool.acquireBuffer(4096, 1));
  pool.acquireBuffer(512, 1);
  expect(events).toEqual(['flushed', 'forgot buffer 1', 'destroyed buffer 1']);
  expect(pool.usage()).toEqual({ used: 512, allocated: 512, free: 0, buffers: 1 });
  pool.releaseBuffer(pool.acquireBuffer(300, 1));
  pool.acquireBuffer(2048, 1); // 512 bytes may lie free
  expect(pool.usage()).toMatchObject({ free: 512, buffers: 2 });
});

test('a buffer without reuse has exactly its size and is destroyed', () => {
  const { pool, events } = poolOf();
  const buffer = pool.acquireBuffer(1001, 1, true, false);
  expect(buffer.size).toBe(1004);
  pool.releaseBuffer(buffer, false);
  expect(events).toEqual(['forgot buffer 1', 'destroyed buffer 1']);
});
