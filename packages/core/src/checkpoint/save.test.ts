import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { serialize } from 'safetensors-ts';
import { EaselError } from '../errors.js';
import { type ArrayToSave, saveSafetensors } from './save.js';
import { asWriteError, writeFileAtomic } from './write-file.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'easel-save-'));
});
afterEach(() => rm(folder, { recursive: true }));

const range = (length: number) => Float32Array.from({ length }, (_, i) => i);

describe('saveSafetensors', () => {
  test('tensors and arrays, dtypes kept or rounded, in the reference writer’s bytes', async () => {
    const path = join(folder, 'model.safetensors');
    const tensors = new Map<string, tf.Tensor>([
      ['f', tf.tensor([1, 1 + 2 ** -12, -2], [3])],
      ['i', tf.tensor([7], [], 'int32')],
      ['b', tf.tensor([1, 0], [1, 2], 'bool')],
    ]);
    const before = tf.memory().numTensors;
    const size = await saveSafetensors(
      path,
      new Map<string, tf.Tensor | ArrayToSave>([...tensors, ['a', { data: range(6), shape: [2, 3] }]]),
      {
        dtype: 'F16',
        metadata: { step: '3' },
      },
    );
    expect(tf.memory().numTensors).toBe(before);
    for (const tensor of tensors.values()) tensor.dispose();
    const bytes = new Uint8Array(await readFile(path));
    expect(size).toBe(bytes.length);
    expect(bytes).toEqual(
      serialize(
        [
          {
            name: 'a',
            dtype: 'F16',
            shape: [2, 3],
            data: Uint16Array.of(0, 0x3c00, 0x4000, 0x4200, 0x4400, 0x4500),
          },
          { name: 'b', dtype: 'BOOL', shape: [1, 2], data: Uint8Array.of(1, 0) },
          { name: 'f', dtype: 'F16', shape: [3], data: Uint16Array.of(0x3c00, 0x3c00, 0xc000) },
          { name: 'i', dtype: 'I32', shape: [], data: Int32Array.of(7) },
        ],
        { step: '3' },
      ),
    );
  });

  test('refuses strings and complex numbers', async () => {
    const text = tf.tensor(['a']);
    await expect(saveSafetensors(join(folder, 'x'), new Map([['t', text]]))).rejects.toThrow(
      'tensor "t": expected float32, int32 or bool to save, found string',
    );
    text.dispose();
  });

  test('an unwritable place', async () => {
    const failure = saveSafetensors(join(folder, 'no', 'x.safetensors'), new Map());
    await expect(failure).rejects.toBeInstanceOf(EaselError);
    await expect(failure).rejects.toThrow(
      'cannot be written (ENOENT). The folder does not exist: make it first.',
    );
  });
});

describe('writeFileAtomic', () => {
  test('makes and replaces, text and bytes, and leaves nothing else', async () => {
    const path = join(folder, 'a.json');
    await writeFileAtomic(path, '{"ü":1}');
    expect(await readFile(path, 'utf8')).toBe('{"ü":1}');
    await writeFileAtomic(path, Uint8Array.of(1, 2));
    expect([...(await readFile(path))]).toEqual([1, 2]);
    expect(await readdir(folder)).toEqual(['a.json']);
  });

  test('a path under a file, a folder of that name', async () => {
    const path = join(folder, 'a');
    await writeFile(path, 'x');
    await expect(writeFileAtomic(join(path, 'b'), 'y')).rejects.toThrow('cannot be written (ENOTDIR)');
    await expect(writeFileAtomic(folder, 'y')).rejects.toThrow('There is a folder of that name');
    expect(await readdir(folder)).toEqual(['a']);
  });

  test('a full disk is said so', () => {
    const error = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    expect(asWriteError(error, 'x')).toMatchObject({
      name: 'EaselError',
      message:
        'x: cannot be written (ENOSPC). The disk is full: free some space or choose another disk. Nothing was changed.',
    });
    const other = new Error('no code');
    expect(asWriteError(other, 'x')).toBe(other);
  });
});
