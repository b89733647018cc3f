// Exercises the communicator on every rank, and prints what went wrong, a line each. Run by
// communicator.test.ts, on several ranks under mpirun and on one without it.
import { allGatherJson, broadcastBytes, openCommunicator, RankError } from '../dist/index.js';

const ranks = await openCommunicator();
const { rank, size } = ranks;
const faults = [];
const expect = (held, what) => {
  if (!held) faults.push(`rank ${rank} of ${size}: ${what}`);
};
const others = Array.from({ length: size }, (_, r) => r);

/** Numbers whose sums are rounded, so that another order of the ranks gives other bits. */
const numbers = (r, count) =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(i * 1.7 + r * 31) * 10 ** ((i + 3 * r) % 9) || -0);
const folded = (count) =>
  others
    .map((r) => numbers(r, count))
    .reduce((sum, next) => sum.map((value, i) => Math.fround(value + next[i])));
const same = (a, b) =>
  Buffer.compare(
    Buffer.from(a.buffer, a.byteOffset, a.byteLength),
    Buffer.from(b.buffer, b.byteOffset, b.byteLength),
  ) === 0;

// Sums in the order of the ranks have the bits of a loop; lengths around parts and segments.
for (const count of [0, 1, 2, 3, 5, 1023, (1 << 20) + 7]) {
  const x = numbers(rank, count);
  await ranks.allReduce(x, { order: 'ranks' });
  expect(same(x, folded(count)), `the ordered sum of ${count} floats`);
}
// By the library's algorithm they are close to it.
const any = numbers(rank, 70_001);
await ranks.allReduce(any);
const expected = folded(70_001);
expect(
  any.every((value, i) => Math.abs(value - expected[i]) <= 1e-6 * 10 ** 8 * size),
  'the sum in any order',
);
// A view from an odd element on; what is around it stays.
const around = new Float32Array(11).fill(7);
around.set(numbers(rank, 5), 3);
await ranks.allReduce(around.subarray(3, 8), { order: 'ranks' });
expect(same(around.slice(3, 8), folded(5)) && [0, 1, 2, 8, 9, 10].every((i) => around[i] === 7), 'a view');
// Several arrays are one.
const pieces = [numbers(rank, 4), numbers(rank, 0), numbers(rank, 9)];
await ranks.allReduce(pieces, { order: 'ranks' });
expect(same(pieces[0], folded(4)) && same(pieces[2], folded(9)), 'a sum of several arrays');
// bfloat16: 1 + 2⁻⁸ is a tie and goes to even, but 1 + 2⁻⁸ + 2⁻⁸ is 1 + 2⁻⁷: the sum is rounded once.
const half = Uint16Array.of(rank === 0 ? 0x3f80 : 0x3b80, rank === 0 ? 0x7fc0 : 0x3f80, 0x4000);
await ranks.allReduce(half);
const bfloat16 = { 1: [0x3f80, 0x7fc0, 0x4000], 2: [0x3f80, 0x7fc0, 0x4080], 3: [0x3f81, 0x7fc0, 0x40c0] }[
  size
];
expect(
  bfloat16 === undefined || same(half, Uint16Array.from(bfloat16)),
  `bfloat16, got ${[...half].map((x) => x.toString(16))}`,
);

// Broadcasts, of several arrays and any type; gathers of different lengths.
const root = size - 1;
const given = [Int32Array.of(rank, rank + 1), Uint8Array.of(rank)];
await ranks.broadcast(given, root);
expect(`${given[0]} ${given[1]}` === `${root},${root + 1} ${root}`, 'a broadcast');
const parts = await ranks.gather(new Uint8Array(rank * 100_000).fill(rank), root);
expect(parts.length === (rank === root ? size : 0), 'who gets what is gathered');
expect(
  parts.every((part, r) => part.length === r * 100_000 && part.every((byte) => byte === r)),
  'a gather',
);
expect(
  JSON.stringify(await allGatherJson(ranks, { rank })) === JSON.stringify(others.map((r) => ({ rank: r }))),
  'JSON of all',
);
expect(`${await broadcastBytes(ranks, Uint8Array.of(5, rank))}` === '5,0', 'bytes of rank 0');

// A wait for a late rank leaves the event loop and the core to others.
let turns = 0;
const clock = setInterval(() => turns++, 10);
const before = process.cpuUsage();
const began = performance.now();
if (rank === size - 1) await new Promise((resolve) => setTimeout(resolve, 1000));
const waiting = ranks.barrier();
await waiting;
clearInterval(clock);
const waited = performance.now() - began;
const { user, system } = process.cpuUsage(before);
if (size > 1 && rank === 0) {
  expect(waited > 900, `a barrier waits: ${waited} ms`);
  expect(turns > 5, `the event loop turned ${turns} times in ${waited} ms`);
  expect(
    (user + system) / 1000 < waited / 2,
    `${(user + system) / 1000} ms of processor time in ${waited} ms of waiting`,
  );
}

// Operations may be called before earlier ones have ended.
const many = others.map((_, i) => numbers(rank, 100 + i));
await Promise.all(many.map((x) => ranks.allReduce(x, { order: 'ranks' })));
expect(
  many.every((x, i) => same(x, folded(100 + i))),
  'sums that wait in line',
);

if (size > 1) {
  // One rank gives up: the operations of all end with its words, also those that wait, until they recover.
  const ended = [];
  if (rank === 1) ended.push((await ranks.abandon('the disk is full. Ä')).message);
  else {
    const two = [ranks.barrier(), ranks.allReduce(numbers(rank, 3))];
    for (const one of two)
      ended.push(
        await one.then(
          () => 'done',
          (error) => (error instanceof RankError ? error.message : `${error}`),
        ),
      );
  }
  const later = await ranks.barrier().then(
    () => 'done',
    (error) => error.message,
  );
  expect(
    [...ended, later].every((text) => text === 'Rank 1: the disk is full. Ä'),
    `an abandoned operation: ${ended}, ${later}`,
  );
  ranks.recover();
  // Several at once: the lowest rank's words.
  const lowest = await ranks.abandon(`this is ${rank}`);
  expect(lowest.reason === 'this is 0' && lowest.rank === 0, `several that abandon: ${lowest.message}`);
  ranks.recover();
  // Different operations, and different lengths, are an error on all, and not a wait for ever.
  const other = rank === 0 ? ranks.barrier() : ranks.allReduce(numbers(rank, 3));
  const said = await other.then(
    () => 'done',
    (error) => error.message,
  );
  expect(/different operations/.test(said), `different operations: ${said}`);
  const length = await ranks.allReduce(numbers(rank, rank === 0 ? 4 : 3)).then(
    () => 'done',
    (error) => error.message,
  );
  expect(/different numbers of bytes/.test(length), `different lengths: ${length}`);
  const again = numbers(rank, 10);
  await ranks.allReduce(again, { order: 'ranks' });
  expect(same(again, folded(10)), 'a sum after all of that');
}
const all = await allGatherJson(ranks, faults);
if (rank === 0)
  process.stdout.write(
    `${size} ranks${all
      .flat()
      .map((fault) => `\n${fault}`)
      .join('')}\n`,
  );
await ranks.close();
