import { mkdtemp, readdir, readFile, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openShardedSafetensors, readIndex, writeSafetensors, writeSharded } from './node.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'safetensors-ts-'));
});
afterEach(() => rm(folder, { recursive: true }));

const entries = ['a', 'b', 'c'].map((name, i) => ({ name, dtype: 'F32' as const, shape: [i + 1, 2] }));
const values = (name: string) => {
  const entry = entries.find((candidate) => candidate.name === name);
  return Float32Array.from({ length: 2 * (entry?.shape[0] ?? 0) }, (_, i) => i + name.charCodeAt(0));
};
const indexPath = () => join(folder, 'model.safetensors.index.json');
/** a: 8 bytes, b: 16, c: 24 → [a b] [c]. */
const write = () => writeSharded(folder, entries, values, { maxShardBytes: 24, metadata: { format: 'pt' } });

test('writes shards and index, reads them as one', async () => {
  expect(await write()).toEqual([
    'model-00001-of-00002.safetensors',
    'model-00002-of-00002.safetensors',
    'model.safetensors.index.json',
  ]);
  expect(await readFile(indexPath(), 'utf8')).toBe(`{
  "metadata": {
    "total_size": 48
  },
  "weight_map": {
    "a": "model-00001-of-00002.safetensors",
    "b": "model-00001-of-00002.safetensors",
    "c": "model-00002-of-00002.safetensors"
  }
}
`);
  const sharded = await openShardedSafetensors(indexPath());
  try {
    expect([...sharded.tensors.keys()]).toEqual(['a', 'b', 'c']);
    expect(sharded.metadata.get('format')).toBe('pt');
    for (const name of ['a', 'b', 'c']) expect(await sharded.readFloat32(name)).toEqual(values(name));
    expect(await sharded.readFloat32('c', 2)).toEqual(values('c').subarray(4));
    expect(await sharded.readBytes('b', 4, 4)).toEqual(new Uint8Array(values('b').slice(1, 2).buffer));
    await expect(sharded.readBytes('d')).rejects.toMatchObject({ kind: 'TensorNotFound' });
  } finally {
    await sharded.close();
  }
});

test('one file and no index if one is enough; a big tensor has a file of its own', async () => {
  expect(await writeSharded(folder, entries, values)).toEqual(['model.safetensors']);
  expect(await readdir(folder)).toEqual(['model.safetensors']);
  const names = await writeSharded(folder, entries, values, { maxShardBytes: 1, baseName: 'x' });
  expect(names).toEqual(
    [1, 2, 3].map((i) => `x-0000${i}-of-00003.safetensors`).concat('x.safetensors.index.json'),
  );
});

describe('refuses', () => {
  const refusal = (message: string) => ({ kind: 'InvalidIndex', message: expect.stringContaining(message) });

  test('a missing file', async () => {
    await write();
    await unlink(join(folder, 'model-00002-of-00002.safetensors'));
    await expect(openShardedSafetensors(indexPath())).rejects.toMatchObject(refusal('cannot be opened'));
  });

  test('a tensor that its file lacks, or that the index lacks', async () => {
    await write();
    const shard = join(folder, 'model-00002-of-00002.safetensors');
    await writeSafetensors(shard, [], values);
    await expect(openShardedSafetensors(indexPath())).rejects.toMatchObject(refusal('does not hold it'));
    await writeSafetensors(shard, [...entries], values);
    await expect(openShardedSafetensors(indexPath())).rejects.toMatchObject(
      refusal('the index does not say so'),
    );
  });

  test.each([
    ['no JSON', '{', 'not JSON'],
    ['no object', '[]', 'Expected an object, found an array of 0'],
    ['no weight_map', '{"metadata":{}}', 'field "weight_map"'],
    ['a number as file', '{"weight_map":{"a":1}}', 'tensor "a"'],
    [
      'a path out of the folder',
      '{"weight_map":{"a":"../x.safetensors"}}',
      'Expected a file name without path',
    ],
    ['the folder itself', '{"weight_map":{"a":".."}}', 'Expected a file name without path'],
    ['a repeated tensor', '{"weight_map":{"a":"x","a":"x"}}', 'names it twice'],
  ])('%s', async (_, text, message) => {
    await writeFile(indexPath(), text);
    await expect(readIndex(indexPath())).rejects.toMatchObject(refusal(message));
  });
});
