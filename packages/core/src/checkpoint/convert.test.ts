import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { golden } from '@easel/conformance/golden';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { deserialize, serialize } from 'safetensors-ts';
import { convertCheckpoint, convertToFlax } from './convert.js';
import { fromMsgpack } from './msgpack.js';
import { layOutMsgpack } from './msgpack-layout.js';
import { openCheckpoint } from './open-path.js';
import { fromSafetensors } from './safetensors.js';
import type { TensorSource } from './tensor-source.js';
import { WeightMismatchError, type WeightRule } from './weights.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'easel-convert-'));
});
afterEach(() => rm(folder, { recursive: true }));

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
    const {
      bytes,
      path: opened,
      rounded,
    } = await convertCheckpoint(source, rules, path, 'F32', {
      metadata: { format: 'easel' },
      onWeight: (_, done, total) => progress.push(done / total),
    });
    expect([(await readFile(path)).byteLength, opened, rounded]).toEqual([bytes, path, false]);
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
    expect(await convertCheckpoint(source, rules, path, dtype)).toMatchObject({ rounded: true });
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

  test('keep: each weight as it was stored; what no float format holds becomes F32', async () => {
    const path = join(folder, 'mixed.safetensors');
    const tensors = [
      { name: 'half', dtype: 'F16' as const, shape: [1], data: Uint16Array.of(0x3c01) },
      { name: 'brain', dtype: 'BF16' as const, shape: [1], data: Uint16Array.of(0x3f81) },
      { name: 'full', dtype: 'F32' as const, shape: [1], data: Float32Array.of(0.1) },
      { name: 'count', dtype: 'U8' as const, shape: [1], data: Uint8Array.of(7) },
    ];
    const bytes = serialize(tensors);
    await writeFile(path, bytes);
    const source = await openCheckpoint(path);
    const rules = new Map(tensors.map(({ name }) => [name, { source: name }]));
    const out = join(folder, 'kept.safetensors');
    expect(await convertCheckpoint(source, rules, out, 'keep')).toMatchObject({ rounded: false });
    const kept = deserialize(await readFile(out)).tensors;
    expect([...kept.values()].map(({ name, dtype }) => `${name} ${dtype}`).sort()).toEqual([
      'brain BF16',
      'count F32',
      'full F32',
      'half F16',
    ]);
    const again = await openCheckpoint(out);
    for (const { name } of tensors) expect(await again.read(name)).toEqual(await source.read(name));

    // Layers of one tensor have one format: that which holds all of them.
    const flax = join(folder, 'kept.msgpack');
    const layout = [{ name: 'stack', weights: ['half', 'brain'], stacked: true }];
    const two = new Map([...rules].slice(0, 2));
    const ignore = (name: string) => !two.has(name);
    await convertToFlax(source, two, layout, flax, 'keep', { ignore });
    expect(fromMsgpack(await readFile(flax)).entries.get('stack')).toMatchObject({
      dtype: 'F32',
      shape: [2, 1],
    });
    await Promise.all([source.close(), again.close()]);
  });

  test('in parts of at most so many bytes: read as one, the same numbers', async () => {
    const source = fromMsgpack(await readFile(scanned), 'scanned');
    const rules = rulesFor(source);
    const maxShardBytes = 8000;
    const written = await convertCheckpoint(source, rules, join(folder, 'model.safetensors'), 'F32', {
      maxShardBytes,
    });
    expect(written.path).toBe(join(folder, 'model.safetensors.index.json'));
    const files = (await readdir(folder)).filter((name) => name.endsWith('.safetensors'));
    expect(files.length).toBeGreaterThan(2);
    const sizes = await Promise.all(
      files.map(async (name) => (await readFile(join(folder, name))).byteLength),
    );
    expect(sizes.reduce((sum, size) => sum + size)).toBe(written.bytes);
    const parts = await openCheckpoint(folder);
    expect(parts.entries.size).toBe(rules.size);
    for (const [name, { source: theirs, slice, transpose }] of rules)
      if (transpose === undefined) expect(await parts.read(name)).toEqual(await source.read(theirs, slice));

    const flaxFolder = join(folder, 'flax');
    await mkdir(flaxFolder);
    const layout = [...parts.entries.keys()].map((name) => ({ name, weights: [name], stacked: false }));
    const same = new Map(layout.map(({ name }) => [name, { source: name }]));
    const flax = await convertToFlax(parts, same, layout, join(flaxFolder, 'flax_model.msgpack'), 'F32', {
      maxShardBytes,
    });
    expect(flax.path).toBe(join(flaxFolder, 'flax_model.msgpack.index.json'));
    const flaxParts = await openCheckpoint(flaxFolder);
    expect(flaxParts.entries.size).toBe(rules.size);
    for (const name of same.keys()) expect(await flaxParts.read(name)).toEqual(await parts.read(name));
    await Promise.all([parts.close(), flaxParts.close()]);

    // A later part fails: those before it are removed.
    let reads = 0;
    const failing: TensorSource = {
      ...source,
      read: (name, slice) =>
        ++reads > rules.size - 2 ? Promise.reject(new Error('disk gone')) : source.read(name, slice),
    };
    const other = join(folder, 'other');
    await mkdir(other);
    const path = join(other, 'model.safetensors');
    const failure = convertCheckpoint(failing, rules, path, 'F32', { maxShardBytes });
    await expect(failure).rejects.toThrow('disk gone');
    expect(await readdir(other)).toEqual([]);
  });
});

describe('convertToFlax', () => {
  let path: string;
  beforeEach(() => {
    path = join(folder, 'flax_model.msgpack');
  });
  const source = fromMsgpack(
    Uint8Array.from(
      layOutMsgpack(['a', 'b', 'c'].map((name) => ({ name, dtype: 'U8', shape: [2] }))).flatMap((part, i) =>
        part instanceof Uint8Array ? [...part] : [i, i + 1],
      ),
    ),
  );
  const rules = new Map(['a', 'b', 'c'].map((name) => [`our.${name}`, { source: name }]));

  test('layers stacked on a new axis, their order the given one', async () => {
    const layout = [
      { name: 'm.stack', weights: ['our.c', 'our.a'], stacked: true },
      { name: 'm.alone', weights: ['our.b'], stacked: false },
    ];
    const seen: string[] = [];
    const onWeight = (name: string, done: number, total: number) => seen.push(`${name} ${done}/${total}`);
    await convertToFlax(source, rules, layout, path, 'F16', { onWeight });
    const file = fromMsgpack(await readFile(path));
    expect(file.entries.get('m.stack')).toMatchObject({ dtype: 'F16', shape: [2, 2] });
    const [a, b, c] = await Promise.all(['a', 'b', 'c'].map((name) => source.read(name)));
    expect(await file.read('m.stack')).toEqual(
      Float32Array.of(...(c as Float32Array), ...(a as Float32Array)),
    );
    expect(await file.read('m.alone')).toEqual(b);
    expect(seen).toEqual(['our.b 1/3', 'our.c 2/3', 'our.a 3/3']);
  });

  test('a weight without a place', async () => {
    const layout = [{ name: 'x', weights: ['our.a', 'our.b'], stacked: true }];
    await expect(convertToFlax(source, rules, layout, path)).rejects.toThrow('Flax has no place for our.c');
  });
});
