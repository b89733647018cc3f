import { readFileSync } from 'node:fs';
import { describe, expect, jest, test } from '@jest/globals';
import { elementCount, serialize } from 'safetensors-ts';
import { CheckpointError } from '../errors.js';
import { fromMsgpack } from './msgpack.js';
import { layOutMsgpack } from './msgpack-layout.js';
import { fromSafetensors } from './safetensors.js';
import type { SourceEntry, TensorSource } from './tensor-source.js';
import { fromTorch } from './torch.js';

// Damaged checkpoints: a reader gives tensors no larger than the file allows, or a CheckpointError, and nothing else.
// EASEL_FUZZ_FILES=10000 for a long run.
const FILES = Number(process.env.EASEL_FUZZ_FILES ?? 500);
jest.setTimeout(60_000 + 100 * FILES); // a busy machine

/** Marsaglia's xorshift32: the same files in every run. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Bytes that mean something: limits of integers, pickle and msgpack opcodes, digits and brackets of JSON. */
const TELLING = Uint8Array.from([
  0x00, 0x01, 0x7f, 0x80, 0xff, 0x28, 0x29, 0x2e, 0x30, 0x4a, 0x51, 0x52, 0x5d, 0x63, 0x65, 0x68, 0x71, 0x74,
  0x7d, 0x85, 0x8a, 0x8f, 0x93, 0x9f, 0xc1, 0xc6, 0xc9, 0xdd, 0xdf, 0x22, 0x2c, 0x39, 0x5b, 0x7b, 0x2d,
]);

/** A damaged copy: one to four of a flipped bit, another byte, a number of four bytes, a cut, a part repeated, moved or taken out. */
function mutate(original: Uint8Array, random: (below: number) => number): Uint8Array {
  let bytes = original.slice();
  for (let i = 1 + random(4); i > 0 && bytes.length > 8; i--) {
    // Half of the damage goes to the first and last bytes, where the structure is.
    const near = random(2) === 0 ? random(Math.min(300, bytes.length)) : random(bytes.length);
    const at = random(2) === 0 ? near : bytes.length - 1 - near;
    const length = 1 + random(Math.min(64, bytes.length - at));
    switch (random(8)) {
      case 0:
        bytes[at] = (bytes[at] as number) ^ (1 << random(8));
        break;
      case 1:
        bytes[at] = random(256);
        break;
      case 2:
      case 3:
        bytes[at] = TELLING[random(TELLING.length)] as number;
        break;
      case 4: {
        const number = [0, 1, 0x7fffffff, 0xffffffff, bytes.length, random(2 ** 31)][random(6)] as number;
        new DataView(bytes.buffer).setUint32(Math.min(at, bytes.length - 4), number, random(2) === 0);
        break;
      }
      case 5:
        bytes = bytes.slice(0, at + 1);
        break;
      case 6:
        bytes = Uint8Array.of(...bytes.subarray(0, at), ...bytes.subarray(at + length));
        break;
      default: {
        const from = random(bytes.length);
        bytes = Uint8Array.of(
          ...bytes.subarray(0, at),
          ...bytes.subarray(from, from + length),
          ...bytes.subarray(at + random(2) * length),
        );
      }
    }
  }
  return bytes;
}

/** Opens a file and reads all of it. Returns the tensors read, or undefined if it was refused. */
async function readAll(
  open: (bytes: Uint8Array) => TensorSource,
  bytes: Uint8Array,
): Promise<number | undefined> {
  try {
    const source = open(bytes);
    for (const [name, { shape }] of source.entries) {
      if (elementCount(shape) > 2 * bytes.length + 8)
        throw new Error(`${name} [${shape}] of ${bytes.length} bytes`);
      await source.read(name).catch((error: unknown) => {
        if (!(error instanceof CheckpointError)) throw error;
      });
    }
    return source.entries.size;
  } catch (error) {
    if (error instanceof CheckpointError) return undefined;
    throw error;
  }
}

const file = (name: string) => new Uint8Array(readFileSync(new URL(`./golden/${name}`, import.meta.url)));

/** A small tree with several dtypes, one array in chunks. */
function msgpackFile(): Uint8Array {
  const entries: SourceEntry[] = [
    { name: 'lm_head.kernel', dtype: 'F32', shape: [2, 3] },
    { name: 'model.encoder.embedding', dtype: 'BF16', shape: [3, 4] },
    { name: 'model.encoder.layers.scale', dtype: 'F16', shape: [5] },
    { name: 'model.large', dtype: 'I32', shape: [4, 5] },
    { name: 'step', dtype: 'U8', shape: [] },
  ];
  const parts = layOutMsgpack(entries, 32);
  return Uint8Array.from(
    parts.flatMap((part) => (part instanceof Uint8Array ? [...part] : Array(part.byteLength).fill(1))),
  );
}

const safetensorsFile = () =>
  serialize(
    [
      { name: 'encoder.kernel', dtype: 'F32', shape: [2, 3], data: new Float32Array(6) },
      { name: 'encoder.bias', dtype: 'BF16', shape: [3], data: new Uint16Array(3) },
      { name: 'ids', dtype: 'I64', shape: [2, 2], data: new BigInt64Array(4) },
      { name: 'mask', dtype: 'BOOL', shape: [5], data: new Uint8Array(5) },
    ],
    { format: 'easel' },
  );

describe.each<[string, (bytes: Uint8Array) => TensorSource, () => Uint8Array[]]>([
  ['msgpack', fromMsgpack, () => [msgpackFile()]],
  ['safetensors', fromSafetensors, () => [safetensorsFile()]],
  [
    'torch',
    fromTorch,
    () => ['small.pt', 'protocol4.pt', 'lightning.ckpt', 'zip64.pt'].map((name) => file(`torch/${name}`)),
  ],
])('%s', (_, open, originals) => {
  test(`${FILES} damaged files: tensors or a CheckpointError`, async () => {
    const random = generator(0x2545f491);
    const whole = originals();
    for (const original of whole) expect(await readAll(open, original)).toBeGreaterThan(0);
    let refused = 0;
    for (let i = 0; i < FILES; i++) {
      const damaged = mutate(whole[i % whole.length] as Uint8Array, random);
      const found = await readAll(open, damaged).catch((error: unknown) => {
        throw new Error(`file ${i}: ${Buffer.from(damaged).toString('base64')}`, { cause: error });
      });
      if (found === undefined) refused++;
    }
    // Damage that hits only numbers of a tensor leaves a good file: both kinds must occur, or the files are no test.
    expect(refused).toBeGreaterThan(FILES / 4);
    expect(refused).toBeLessThan(FILES);
  });
});
