import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { golden } from '@easel/conformance/golden';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Dtype, deserialize, SafetensorsError, serialize, toFloat32 } from './index.js';
import { SafetensorsFile, writeSafetensors } from './node.js';

/** What the package `safetensors` 0.8.0 says of a file; see reference/golden/safetensors. */
interface Case {
  file: string;
  accepted: boolean;
  error?: string;
  canonical?: boolean;
  metadata?: Record<string, string> | null;
  tensors?: Record<string, { dtype: Dtype; shape: number[]; hex: string; values?: (number | string)[] }>;
}

const { cases } = JSON.parse(readFileSync(golden('safetensors/expected.json'), 'utf8')) as { cases: Case[] };

/** JSON.parse makes `__proto__` an own property, so entries are complete. */
const tensorsOf = (c: Case) => Object.entries(c.tensors ?? {});
const bytesOf = (c: Case) => new Uint8Array(readFileSync(golden(`safetensors/${c.file}`)));
const hex = (bytes: ArrayBufferView) =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'safetensors-ts-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('answers of safetensors 0.8.0, from bytes and from a file', () => {
  test('all 362 cases are there', () => {
    expect(cases).toHaveLength(362);
    expect(cases.filter((c) => c.accepted)).toHaveLength(45 + 17 + 80);
    expect(cases.filter((c) => c.canonical)).toHaveLength(29);
  });

  test.each(cases.map((c) => [c.file, c] as const))('%s', async (name, c) => {
    const path = join(folder, name.replace('/', '-'));
    await writeFile(path, bytesOf(c));
    if (!c.accepted) {
      let thrown: unknown;
      try {
        deserialize(bytesOf(c), name);
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(SafetensorsError);
      expect(thrown).toMatchObject({ kind: c.error, file: name });
      expect((thrown as Error).message).toContain(name);
      await expect(SafetensorsFile.open(path)).rejects.toMatchObject({ kind: c.error, file: path });
      return;
    }
    const { header, tensors } = deserialize(bytesOf(c), name);
    const file = await SafetensorsFile.open(path);
    try {
      expect(file.header).toEqual(header);
      expect(new Map(header.metadata)).toEqual(new Map(Object.entries(c.metadata ?? {})));
      expect([...tensors.keys()].sort()).toEqual(
        tensorsOf(c)
          .map(([tensor]) => tensor)
          .sort(),
      );
      for (const [tensor, expected] of tensorsOf(c)) {
        const view = tensors.get(tensor);
        expect(view).toMatchObject({ name: tensor, dtype: expected.dtype, shape: expected.shape });
        if (view === undefined) continue;
        expect(hex(view.bytes)).toBe(expected.hex);
        expect(hex(await file.readBytes(tensor))).toBe(expected.hex);
        if (expected.values === undefined) continue;
        const numbers = expected.values.map((value) => Math.fround(Number(value)));
        expect([...toFloat32(view)]).toEqual(numbers);
        expect([...(await file.readFloat32(tensor))]).toEqual(numbers);
        if (/^(I|U|F32|F64)/.test(expected.dtype)) {
          expect([...view.data].map(String)).toEqual(
            expected.values.map((value) => (Object.is(value, -0) ? '0' : `${value}`)),
          );
        }
      }
    } finally {
      await file.close();
    }
  });
});

describe('bytes of the Rust writer', () => {
  const canonical = cases.filter((c) => c.canonical);
  test.each(canonical.map((c) => [c.file, c] as const))('%s', async (name, c) => {
    // Reversed, so that the order is the writer's own doing.
    const tensors = tensorsOf(c)
      .map(([tensor, { dtype, shape, hex: data }]) => ({
        name: tensor,
        dtype,
        shape,
        data: new Uint8Array(Buffer.from(data, 'hex')),
      }))
      .reverse();
    const metadata = c.metadata ?? undefined;
    expect(hex(serialize(tensors, metadata))).toBe(hex(bytesOf(c)));

    const path = join(folder, `written-${name.replace('/', '-')}`);
    const data = new Map(tensors.map((tensor) => [tensor.name, tensor.data]));
    await writeSafetensors(path, tensors, (tensor) => data.get(tensor) as Uint8Array, metadata);
    expect(hex(readFileSync(path))).toBe(hex(bytesOf(c)));
  });
});
