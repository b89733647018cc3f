import { mkdtemp, open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { serialize } from './index.js';
import { openSafetensors, writeSafetensors } from './node.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'safetensors-ts-'));
});
afterEach(() => rm(folder, { recursive: true }));

/**
 * A sparse file: a tensor of 4.5 GiB between two small ones, all zeros but for marks. Takes a few
 * kilobytes of disk.
 */
async function bigFile(path: string): Promise<void> {
  const big = 4.5 * 2 ** 30;
  const text = JSON.stringify({
    first: { dtype: 'U8', shape: [3], data_offsets: [0, 3] },
    big: { dtype: 'F16', shape: [9, big / 18], data_offsets: [3, big + 3] },
    last: { dtype: 'F32', shape: [2], data_offsets: [big + 3, big + 11] },
  });
  const start = new Uint8Array(8 + text.length);
  new DataView(start.buffer).setBigUint64(0, BigInt(text.length), true);
  start.set(new TextEncoder().encode(text), 8);
  const handle = await open(path, 'w');
  await handle.write(start);
  await handle.write(Uint8Array.of(1, 2, 3));
  await handle.write(
    new Uint8Array(Uint16Array.of(0x3c00).buffer),
    0,
    2,
    start.length + 3 + (big / 9) * 8 - 2,
  );
  await handle.write(new Uint8Array(Float32Array.of(1.5, -2).buffer), 0, 8, start.length + 3 + big);
  await handle.close();
}

describe('SafetensorsFile', () => {
  test('beyond 4 GiB: ranges are read where they are, and nothing else', async () => {
    const path = join(folder, 'big.safetensors');
    await bigFile(path);
    const before = process.memoryUsage().rss;
    const file = await openSafetensors(path);
    try {
      expect(await file.readBytes('first')).toEqual(Uint8Array.of(1, 2, 3));
      expect(await file.readFloat32('last')).toEqual(Float32Array.of(1.5, -2));
      const sliceBytes = (4.5 * 2 ** 30) / 9;
      expect(await file.readBytes('big', sliceBytes * 8 - 4, 8)).toEqual(
        Uint8Array.of(0, 0, 0, 0x3c, 0, 0, 0, 0),
      );
      expect(process.memoryUsage().rss - before).toBeLessThan(256 * 2 ** 20);
    } finally {
      await file.close();
    }
  });

  test('ranges and slices', async () => {
    const path = join(folder, 'x.safetensors');
    const data = Float32Array.from({ length: 2 * 3 * 5 }, (_, i) => i);
    await writeFile(path, serialize([{ name: 'w', dtype: 'F32', shape: [2, 3, 5], data }]));
    const file = await openSafetensors(path);
    expect(file.info('w')).toMatchObject({ dtype: 'F32', shape: [2, 3, 5], begin: 0, end: 120 });
    expect(await file.readFloat32('w', 1)).toEqual(data.subarray(15));
    expect(new Float32Array((await file.readBytes('w', 8, 8)).buffer)).toEqual(Float32Array.of(2, 3));
    expect(await file.readBytes('w', 120)).toHaveLength(0);
    await expect(file.readBytes('w', 0, 121)).rejects.toMatchObject({ kind: 'InvalidRange', tensor: 'w' });
    await expect(file.readBytes('w', -1)).rejects.toMatchObject({ kind: 'InvalidRange' });
    await expect(file.readFloat32('w', 2)).rejects.toThrow('a slice in [0, 2), found 2');
    await expect(file.readFloat32('v')).rejects.toMatchObject({
      kind: 'TensorNotFound',
      tensor: 'v',
      file: path,
    });
    await file.close();
  });

  test('a file that shrinks while open', async () => {
    const path = join(folder, 'x.safetensors');
    await writeFile(path, serialize([{ name: 'w', dtype: 'U8', shape: [100], data: new Uint8Array(100) }]));
    const file = await openSafetensors(path);
    await truncate(path, 120);
    await expect(file.readBytes('w')).rejects.toMatchObject({ kind: 'FileChanged', tensor: 'w' });
    await file.close();
  });

  test('a file that is not there', async () => {
    await expect(openSafetensors(join(folder, 'no.safetensors'))).rejects.toMatchObject({
      code: 'ENOENT',
    });
  });
});

describe('writeSafetensors', () => {
  const entries = [
    { name: 'a', dtype: 'U8' as const, shape: [3] },
    { name: 'b', dtype: 'F32' as const, shape: [2, 2] },
  ];

  test('asks for each tensor once in the order of the file, whole or in pieces', async () => {
    const asked: string[] = [];
    const path = join(folder, 'x.safetensors');
    const size = await writeSafetensors(path, entries, async (name) => {
      asked.push(name);
      if (name === 'a') return Uint8Array.of(1, 2, 3);
      return (async function* () {
        yield Float32Array.of(1, 2);
        yield Float32Array.of(3, 4);
      })();
    });
    expect(asked).toEqual(['b', 'a']);
    const expected = serialize([
      { name: 'a', dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 3) },
      { name: 'b', dtype: 'F32', shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) },
    ]);
    expect(new Uint8Array(await readFile(path))).toEqual(expected);
    expect(size).toBe(expected.length);
    expect(await readdir(folder)).toEqual(['x.safetensors']);
  });

  test.each([
    ['read fails', () => Promise.reject(new Error('no data')), 'no data'],
    ['data is too short', () => new Uint8Array(1), 'Expected 16 bytes for F32 [2,2], found 1'],
    [
      'pieces are too long',
      async function* () {
        yield new Uint8Array(16);
        yield new Uint8Array(1);
      },
      'found 17',
    ],
  ])('when %s, the old file stays and nothing is left over', async (_, read, message) => {
    const path = join(folder, 'x.safetensors');
    await writeFile(path, 'old');
    await expect(writeSafetensors(path, entries, read as () => Uint8Array)).rejects.toThrow(message);
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(['x.safetensors']);
  });

  test('a folder that is not there', async () => {
    const path = join(folder, 'no', 'x.safetensors');
    await expect(writeSafetensors(path, [], () => new Uint8Array(0))).rejects.toMatchObject({
      code: 'ENOENT',
    });
  });
});
