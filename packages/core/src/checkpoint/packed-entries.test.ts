import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { deserialize, serialize, type TensorData } from 'safetensors-ts';
import { onEachBackend } from '../../testing/backends.js';
import { pack } from '../packed/pack.js';
import { unpack } from '../packed/unpack.js';
import { convertCheckpoint } from './convert.js';
import { openCheckpoint } from './open-path.js';
import { fromSafetensors } from './safetensors.js';
import { loadWeights } from './weights.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'easel-packed-'));
});
afterEach(() => rm(folder, { recursive: true }));

const waves = (length: number) => Float32Array.from({ length }, (_, i) => Math.sin(i * i + 1) / 8);
const weights = {
  'a.kernel': [40, 70],
  'odd.kernel': [33, 64],
  'b.embedding': [50, 66],
  'conv.kernel': [3, 3, 16, 8],
  'norm.scale': [70],
} as const;
const values = new Map(
  Object.entries(weights).map(([name, shape]) => [
    name,
    {
      data: waves(shape.reduce<number>((product, extent) => product * extent, 1)),
      shape: [...shape] as number[],
    },
  ]),
);
const rules = new Map([...values.keys()].map((name) => [name, { source: name }]));
const axisOf = (name: string) => (name.endsWith('.embedding') ? 1 : name === 'conv.kernel' ? undefined : 0);

const original = () =>
  fromSafetensors(
    serialize([...values].map(([name, { data, shape }]) => ({ name, dtype: 'F32', shape, data }))),
    'original',
  );

async function converted(dtype: 'INT8' | 'INT4' | 'INT4_64', maxShardBytes?: number) {
  const path = join(folder, 'model.safetensors');
  const more = maxShardBytes === undefined ? {} : { maxShardBytes };
  const written = await convertCheckpoint(original(), rules, path, dtype, { axisOf, ...more });
  return { ...written, source: await openCheckpoint(written.path) };
}

describe('the layout in a file', () => {
  test('INT8: plain tensors of any reader, whose product is the weight', async () => {
    const { path, source, rounded } = await converted('INT8');
    await source.close();
    expect(rounded).toBe(true);
    const { tensors, header } = deserialize(await readFile(path));
    expect([...header.metadata]).toEqual([['quantization', 'easel-1']]);
    const of = (name: string) => [tensors.get(name)?.dtype, tensors.get(name)?.shape];
    expect(of('a.kernel.int8')).toEqual(['I8', [40, 70]]);
    expect(of('a.kernel.int8_scale')).toEqual(['F16', [1, 70]]);
    expect(of('b.embedding.int8_scale')).toEqual(['F16', [50, 1]]);
    expect([of('conv.kernel')[0], of('norm.scale')[0]]).toEqual(['F16', 'F32']);
    expect(tensors.has('a.kernel')).toBe(false);
  });

  test('INT4: two numbers a byte along the inputs, and groups of 32 or 64; an odd extent has INT8', async () => {
    const { path, source } = await converted('INT4');
    await source.close();
    const { tensors } = deserialize(await readFile(path));
    const shape = (name: string) => tensors.get(name)?.shape;
    expect([shape('a.kernel.int4'), shape('a.kernel.int4_scale'), shape('a.kernel.int4_offset')]).toEqual([
      [20, 70],
      [2, 70],
      [2, 70],
    ]);
    expect([shape('b.embedding.int4'), shape('b.embedding.int4_scale')]).toEqual([
      [50, 33],
      [50, 3],
    ]);
    expect(shape('odd.kernel.int8')).toEqual([33, 64]);
    const wide = await converted('INT4_64');
    expect(wide.source.entries.get('b.embedding')?.packing).toEqual({ format: 'INT4', axis: 1, group: 64 });
    await wide.source.close();
  });

  test('a reader gets the weights under their names, in parts too', async () => {
    for (const parts of [undefined, 2000]) {
      const { source } = await converted('INT8', parts);
      expect([...source.entries.keys()].sort()).toEqual([...values.keys()].sort());
      expect(source.entries.get('a.kernel')).toMatchObject({ dtype: 'INT8', shape: [40, 70] });
      const { data } = values.get('a.kernel') as { data: Float32Array };
      const packed = pack(data, [40, 70], { format: 'INT8', axis: 0 });
      expect(await source.read('a.kernel')).toEqual(unpack(packed));
      expect(await source.read('a.kernel', 3)).toEqual(unpack(packed).subarray(210, 280));
      expect(await source.readPacked?.('a.kernel')).toEqual(packed);
      expect(await source.readPacked?.('norm.scale')).toBeUndefined();
      await source.close();
      await rm(folder, { recursive: true });
      folder = await mkdtemp(join(tmpdir(), 'easel-packed-'));
    }
  });

  test('converted on, as it is and to float32: no number changes', async () => {
    const { source } = await converted('INT4');
    const numbers = await source.read('a.kernel');
    for (const dtype of ['keep', 'F32'] as const) {
      const path = join(folder, `${dtype}.safetensors`);
      const { rounded } = await convertCheckpoint(source, rules, path, dtype, { axisOf });
      const again = await openCheckpoint(path);
      expect([await again.read('a.kernel'), rounded, again.entries.get('a.kernel')?.dtype]).toEqual([
        numbers,
        false,
        dtype === 'keep' ? 'INT4' : 'F32',
      ]);
      await again.close();
    }
    await source.close();
  });
});

describe('damaged files are named', () => {
  type Unnamed = Omit<TensorData, 'name'>;
  const scale = (shape: number[], bits = 0x3c00): Unnamed => ({
    dtype: 'F16',
    shape,
    data: new Uint16Array(shape.reduce((product, extent) => product * extent, 1)).fill(bits),
  });
  const codes = (shape: number[], dtype: 'I8' | 'U8' = 'I8'): Unnamed => ({
    dtype,
    shape,
    data: new Uint8Array(shape.reduce((product, extent) => product * extent, 1)),
  });
  const open = (tensors: Record<string, Unnamed>, version = 'easel-1') => {
    const named = Object.entries(tensors).map(([name, tensor]) => ({ name, ...tensor }));
    return fromSafetensors(serialize(named, { quantization: version }), 'f.safetensors');
  };

  test.each<[string, Record<string, Unnamed>, string]>([
    [
      'no scale',
      { 'x.int8': codes([4, 6]) },
      'weight "x": expected the tensor "x.int8_scale" beside "x.int8"',
    ],
    [
      'a scale alone',
      { 'x.int8_scale': scale([1, 6]) },
      'weight "x": expected the tensor "x.int8" beside "x.int8_scale"',
    ],
    [
      'a scale of another shape',
      { 'x.int8': codes([4, 6]), 'x.int8_scale': scale([1, 5]) },
      'tensor "x.int8_scale": expected [1, 6] or [4, 1] for "x.int8" [4,6], found [1,5]',
    ],
    [
      'codes of another dtype',
      { 'x.int8': codes([4, 6], 'U8'), 'x.int8_scale': scale([1, 6]) },
      'tensor "x.int8": expected I8 of two axes, found U8 [4,6]',
    ],
    [
      'an offset of another shape',
      { 'x.int4': codes([16, 6], 'U8'), 'x.int4_scale': scale([1, 6]), 'x.int4_offset': scale([2, 6]) },
      'tensor "x.int4_offset": expected [1,6], as "x.int4_scale"',
    ],
    [
      'a scale of no group size',
      { 'x.int4': codes([64, 6], 'U8'), 'x.int4_scale': scale([5, 6]), 'x.int4_offset': scale([5, 6]) },
      'tensor "x.int4_scale": expected [4,6] or [64,1] or [2,6] for "x.int4" [64,6], found [5,6]',
    ],
    [
      'a weight that is stored twice',
      { x: scale([4, 6]), 'x.int8': codes([4, 6]), 'x.int8_scale': scale([1, 6]) },
      'tensor "x": it is stored twice, also as "x.int8"',
    ],
  ])('%s', (_, tensors, message) => {
    expect(() => open(tensors)).toThrow(`f.safetensors, ${message}`);
  });

  test('a scale that is not finite, when it is read', async () => {
    const source = open({ 'x.int8': codes([4, 6]), 'x.int8_scale': scale([1, 6], 0x7c00) });
    const message =
      'f.safetensors, tensor "x.int8_scale": expected finite numbers, found Infinity at place 0';
    await expect(source.read('x')).rejects.toThrow(message);
    await expect(source.readPacked?.('x')).rejects.toThrow(message);
  });

  test('a layout of a later version', () => {
    expect(() => open({}, 'easel-2')).toThrow(
      'f.safetensors: its weights are quantised in the layout "easel-2", and this version of Easel reads "easel-1". Update Easel',
    );
    // Another program's word for its own files.
    expect([...open({ 'x.int8': codes([4, 6]) }, 'gptq').entries.keys()]).toEqual(['x.int8']);
  });

  test('a number that cannot be stored names its weight', async () => {
    const data = new Float32Array(2048).fill(Number.NaN);
    const source = fromSafetensors(
      serialize([{ name: 'a.kernel', dtype: 'F32', shape: [32, 64], data }]),
      'f',
    );
    const writing = convertCheckpoint(
      source,
      new Map([['a.kernel', { source: 'a.kernel' }]]),
      join(folder, 'x'),
      'INT8',
      { axisOf },
    );
    await expect(writing).rejects.toThrow(
      'f, weight "a.kernel": expected finite numbers to store as INT8, found NaN',
    );
  });
});

onEachBackend(() => {
  test.each(['f16', 'bf16', 'int8', 'int4', 'int4-64'] as const)(
    'loadWeights as %s: the numbers of the packed form, from any file',
    async (storage) => {
      const variables = () =>
        new Map(
          [...values].map(
            ([name, { shape }]) => [name, tf.tidy(() => tf.variable(tf.zeros(shape)))] as const,
          ),
        );
      const before = tf.memory().numTensors;
      const target = variables();
      await loadWeights(target, original(), rules, { weights: storage, axisOf });
      const { format, axis, group } = {
        f16: { format: 'F16', axis: undefined, group: undefined },
        bf16: { format: 'BF16', axis: undefined, group: undefined },
        int8: { format: 'INT8', axis: 0, group: undefined },
        int4: { format: 'INT4', axis: 0, group: 32 },
        'int4-64': { format: 'INT4', axis: 0, group: 64 },
      }[storage] as { format: 'INT8'; axis: 0; group: number };
      const { data, shape } = values.get('a.kernel') as { data: Float32Array; shape: number[] };
      const expected = unpack(pack(data, shape, { format, axis, group }));
      expect(await target.get('a.kernel')?.data()).toEqual(expected);
      expect(await target.get('norm.scale')?.data()).toEqual(values.get('norm.scale')?.data);
      if (storage.startsWith('int')) {
        const { source } = await converted(
          storage === 'int8' ? 'INT8' : storage === 'int4' ? 'INT4' : 'INT4_64',
        );
        const stored = variables();
        await loadWeights(stored, source, rules, { weights: 'stored' });
        for (const [name, variable] of stored)
          expect([name, await variable.data()]).toEqual([name, await target.get(name)?.data()]);
        await source.close();
        tf.dispose([...stored.values()]);
      }
      tf.dispose([...target.values()]);
      expect(tf.memory().numTensors).toBe(before);
    },
  );
});
