import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { golden } from '@easel/conformance/golden';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { deserialize, serialize } from 'safetensors-ts';
import { EaselError } from '../errors.js';
import { fromMsgpack } from './msgpack.js';
import { openCheckpoint } from './open.js';
import { fromSafetensors } from './safetensors.js';
import { convertCheckpoint, saveSafetensors } from './save.js';
import type { TensorSource } from './tensor-source.js';
import { WeightMismatchError, type WeightRule } from './weights.js';
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
    const tensors = new Map([
      ['f', tf.tensor([1, 1 + 2 ** -12, -2], [3])],
      ['i', tf.tensor([7], [], 'int32')],
      ['b', tf.tensor([1, 0], [1, 2], 'bool')],
    ]);
    const before = tf.memory().numTensors;
    const size = await saveSafetensors(
      path,
      new Map([...tensors, ['a', { data: range(6), shape: [2, 3] }]]),
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

describe('convertCheckpoint', () => {
  const scanned = golden('bart/act_swish/flax_model.msgpack');
  /** Splits stacked layers, transposes the head, keeps the rest. */
  const rulesFor = (source: TensorSource) => {
    const rules = new Map<string, WeightRule>();
    for (const { name, shape } of source.entries.values()) {
      if (name === 'lm_head.kernel') rules.set('head.weight', { source: name, transpose: [1, 0] });
      else if (!name.includes('.layers.')) rules.set(`other.${name}`, { source: name });
      else
        for (let i = 0; i < (shape[0] ?? 0); i++) rules.set(`layer.${i}.${name}`, { source: name, slice: i });
    }
    return rules;
  };

  test('a stacked Flax checkpoint: every number in its place', async () => {
    const source = fromMsgpack(await readFile(scanned), 'scanned');
    const rules = rulesFor(source);
    const path = join(folder, 'model.safetensors');
    const progress: number[] = [];
    const size = await convertCheckpoint(source, rules, path, 'F32', {
      metadata: { format: 'easel' },
      onWeight: (_, done, total) => progress.push(done / total),
    });
    expect((await readFile(path)).byteLength).toBe(size);
    expect(progress).toHaveLength(rules.size);
    expect(progress.at(-1)).toBe(1);
    const ours = await openCheckpoint(path);
    expect([...ours.metadata]).toEqual([['format', 'easel']]);
    expect([...ours.entries.keys()].sort()).toEqual([...rules.keys()].sort());
    for (const [name, { source: theirs, slice, transpose }] of rules) {
      const values = await source.read(theirs, slice);
      if (transpose === undefined) expect(await ours.read(name)).toEqual(values);
    }
    const [inputs = 0, outputs = 0] = source.entries.get('lm_head.kernel')?.shape ?? [];
    expect(ours.entries.get('head.weight')?.shape).toEqual([outputs, inputs]);
    const [head, weight] = [await source.read('lm_head.kernel'), await ours.read('head.weight')];
    for (let i = 0; i < inputs; i++)
      for (let o = 0; o < outputs; o++) expect(weight[o * inputs + i]).toBe(head[i * outputs + o]);
    await ours.close();
  });

  test.each(['F16', 'BF16'] as const)('%s within half a unit in the last place', async (dtype) => {
    const source = fromMsgpack(await readFile(scanned), 'scanned');
    const rules = rulesFor(source);
    const path = join(folder, 'model.safetensors');
    await convertCheckpoint(source, rules, path, dtype);
    const { tensors } = deserialize(await readFile(path));
    expect([...tensors.values()].every((tensor) => tensor.dtype === dtype)).toBe(true);
    const ours = fromSafetensors(await readFile(path));
    const relative = dtype === 'F16' ? 2 ** -11 : 2 ** -8;
    for (const [name, { source: theirs, slice, transpose }] of rules) {
      if (transpose !== undefined) continue;
      const [rounded, exact] = [await ours.read(name), await source.read(theirs, slice)];
      // 2^-25 is half of F16's smallest number.
      const wrong = exact.findIndex(
        (x, i) => Math.abs(x - (rounded[i] as number)) > Math.abs(x) * relative + 2 ** -25,
      );
      expect([name, wrong]).toEqual([name, -1]);
    }
  });

  test('differences are found before anything is written', async () => {
    const source = fromMsgpack(await readFile(scanned), 'scanned');
    const rules = rulesFor(source);
    rules.set('more', { source: 'not.there' });
    rules.delete('head.weight');
    const failure = convertCheckpoint(source, rules, join(folder, 'x.safetensors'), 'F32');
    await expect(failure).rejects.toBeInstanceOf(WeightMismatchError);
    await expect(failure).rejects.toMatchObject({
      missing: ['more (not.there)'],
      unexpected: ['lm_head.kernel'],
    });
    expect(await readdir(folder)).toEqual([]);
  });

  test('stopped, or failing in the middle: no file is left', async () => {
    const source = fromMsgpack(await readFile(scanned), 'scanned');
    const rules = rulesFor(source);
    const stop = new AbortController();
    const stopped = convertCheckpoint(source, rules, join(folder, 'x.safetensors'), 'F32', {
      signal: stop.signal,
      onWeight: (_, done) => done === 3 && stop.abort(new Error('stopped by the user')),
    });
    await expect(stopped).rejects.toThrow('stopped by the user');
    let reads = 0;
    const failing: TensorSource = {
      ...source,
      read: (name, slice) =>
        ++reads > 3 ? Promise.reject(new Error('disk gone')) : source.read(name, slice),
    };
    await expect(convertCheckpoint(failing, rules, join(folder, 'x.safetensors'))).rejects.toThrow(
      'disk gone',
    );
    expect(await readdir(folder)).toEqual([]);
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
