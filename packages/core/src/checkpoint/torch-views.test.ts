import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { openCheckpoint } from './open-path.js';
import { fromTorch } from './torch.js';
import { planWeights } from './weights.js';

// The files are made by reference/make-torch-views.py with PyTorch 2.15, and so is what torch.load
// finds in them (.json): bits of float32.
const path = (name: string): string => new URL(`./golden/torch/${name}`, import.meta.url).pathname;

interface Found {
  readonly tensors: Readonly<
    Record<string, { readonly dtype: string; readonly shape: readonly number[]; readonly bits: number[] }>
  >;
  /** Tensors that are no plain numbers. */
  readonly others: readonly string[];
}

const COMPLEX = ['complex', 'complex_conj', 'complex32'];

/** The bits of numbers, with one for every NaN. */
const bitsOf = (values: Float32Array): number[] =>
  Array.from(new Int32Array(values.buffer, values.byteOffset, values.length), (bits, i) =>
    Number.isNaN(values[i]) ? 0x7fc00000 : bits,
  );
const found = (name: string): Found => JSON.parse(readFileSync(path(`${name}.json`), 'utf8')) as Found;

describe.each(['views', 'views_legacy', 'views_big'])('%s.pt', (name) => {
  const { tensors, others } = found(name);

  test('signs, strides and small floats are those that torch.load finds', async () => {
    const file = await openCheckpoint(path(`${name}.pt`));
    const memory = fromTorch(new Uint8Array(readFileSync(path(`${name}.pt`))));
    for (const [tensor, { shape, bits }] of Object.entries(tensors)) {
      const expected = bitsOf(new Float32Array(Int32Array.from(bits).buffer));
      expect(file.entries.get(tensor)).toMatchObject({ shape });
      expect([tensor, bitsOf(await file.read(tensor))]).toEqual([tensor, expected]);
      expect(bitsOf(await memory.read(tensor))).toEqual(expected);
      const [count = 0] = shape;
      const size = bits.length / count;
      for (let i = 0; i < count; i++)
        expect(bitsOf(await file.read(tensor, i))).toEqual(expected.slice(i * size, (i + 1) * size));
    }
    await file.close();
  });

  test('what is no plain number is named: complex ones listed, the others left out', async () => {
    const file = await openCheckpoint(path(`${name}.pt`));
    const complex = others.filter((other) => COMPLEX.includes(other));
    const left = others.filter((other) => !COMPLEX.includes(other));
    expect([...(file.leftOut?.keys() ?? [])].sort()).toEqual([...left].sort());
    expect([...file.entries.keys()].sort()).toEqual([...Object.keys(tensors), ...complex].sort());
    for (const other of complex) await expect(file.read(other)).rejects.toThrow('complex numbers');
    for (const other of left) await expect(file.read(other)).rejects.toThrow(`"${other}" was left out: `);
    await file.close();
  });
});

test('each left out tensor says what it is, also to a model that needs it', async () => {
  const file = await openCheckpoint(path('views.pt'));
  const reasons = Object.fromEntries(file.leftOut ?? []);
  expect(reasons).toMatchObject({
    sparse: expect.stringContaining('a sparse tensor'),
    quantized: expect.stringContaining('a quantized tensor'),
    nested: expect.stringContaining('a nested tensor'),
    meta: expect.stringContaining('the device "meta"'),
    huge: expect.stringContaining('expanded from the 1 elements of its storage'),
  });
  expect(() =>
    planWeights(file, new Map([['w', { source: 'sparse' }]]), new Map([['w', [3, 3]]]), {
      ignore: () => true,
    }),
  ).toThrow('missing from the checkpoint (1): w (sparse), left out: a sparse tensor');
  await file.close();
});

test('metadata that nobody knows', async () => {
  const file = await openCheckpoint(path('views_strange.pt'));
  expect([...file.entries.keys()]).toEqual(['plain']);
  await expect(file.read('minus')).rejects.toThrow(
    '"minus" was left out: its metadata has "fog": true; only "neg" and "conj" are known.',
  );
  await file.close();
});
