import { readFileSync } from 'node:fs';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CheckpointError } from '../errors.js';
import { folderFiles } from '../files/folder-files.js';
import type { ModelFile } from '../files/model-files.js';
import { openIndexedFile } from './indexed-format.js';
import { openCheckpoint } from './open-path.js';
import type { TensorSource } from './tensor-source.js';
import { fromTorch, type TorchEntry, type TorchIndex, torchFormat } from './torch.js';

// The files are made by reference/make-torch-checkpoints.py with PyTorch 2.6, and so is what
// torch.load finds in them (.json).

const path = (name: string): string => new URL(`./golden/torch/${name}`, import.meta.url).pathname;
const bytesOf = (name: string): Uint8Array => new Uint8Array(readFileSync(path(name)));

const openTorch = async (file: string): Promise<TensorSource & TorchIndex> =>
  openIndexedFile(torchFormat, (await folderFiles(dirname(file)).open(basename(file))) as ModelFile);

interface Found {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

const DTYPES: Readonly<Record<string, string>> = {
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
  float64: 'F64',
  float8_e4m3fn: 'F8_E4M3',
  int64: 'I64',
  int16: 'I16',
  uint8: 'U8',
  bool: 'BOOL',
};

describe.each(['state_dict.pt', 'protocol4.pt', 'lightning.ckpt', 'legacy.pt'])('%s', (name) => {
  const found = new Map(
    Object.entries(
      JSON.parse(readFileSync(path(name.replace(/\.\w+$/, '.json')), 'utf8')) as Record<string, Found>,
    ),
  );

  test('holds the tensors that torch.load finds', async () => {
    const file = await openCheckpoint(path(name));
    const memory = fromTorch(bytesOf(name));
    expect([...file.entries.keys()]).toEqual([...found.keys()]);
    for (const [tensor, { dtype, shape, values }] of found) {
      expect(file.entries.get(tensor)).toMatchObject({ name: tensor, dtype: DTYPES[dtype], shape });
      expect(await file.read(tensor)).toEqual(Float32Array.from(values));
      expect(await memory.read(tensor)).toEqual(Float32Array.from(values));
    }
    await file.close();
  });

  test('each slice on the leading axis', async () => {
    const file = await openTorch(path(name));
    for (const [tensor, { shape, values }] of found) {
      const [count = 0] = shape;
      const size = values.length / count;
      for (let i = 0; i < count; i++) {
        expect(await file.read(tensor, i)).toEqual(Float32Array.from(values.slice(i * size, (i + 1) * size)));
      }
      await expect(file.read(tensor, count)).rejects.toThrow(`slice ${count}`);
    }
    await file.close();
  });
});

test('a Lightning file: what is no tensor', async () => {
  const file = await openTorch(path('lightning.ckpt'));
  expect(Object.fromEntries(file.metadata)).toEqual({
    epoch: '7',
    global_step: '1234',
    'pytorch-lightning_version': '1.0.8',
  });
  expect(file.skipped).toEqual(['__main__.Settings']);
  expect(Object.fromEntries(file.leftOut)).toEqual({
    'callbacks.torch.nn.modules.container.Sequential': 'what has neither text nor a number as key',
    hyper_parameters: 'an object of __main__.Settings, which is not built',
  });
  await file.close();
});

test('zip64 fields, and a file that shrinks while open', async () => {
  const wide = fromTorch(bytesOf('zip64.pt'));
  expect(await wide.read('w')).toEqual(Float32Array.of(0, 1, 2, 3));

  const folder = await mkdtemp(join(tmpdir(), 'easel-torch-'));
  try {
    const copy = join(folder, 'x.pt');
    await writeFile(copy, bytesOf('small.pt'));
    const file = await openTorch(copy);
    await truncate(copy, 100);
    await expect(file.read('w')).rejects.toThrow('became shorter while it was read');
    await file.close();
  } finally {
    await rm(folder, { recursive: true });
  }
});

describe('hostile files', () => {
  test('a command in a pickle is skipped: nothing runs, the tensors beside it are there', async () => {
    const file = fromTorch(bytesOf('hostile_command.pt'));
    expect([...file.entries.keys()]).toEqual(['weight']);
    expect(await file.read('weight')).toEqual(Float32Array.of(1, 1));
    await expect(openCheckpoint(path('hostile_only_command.pt'))).rejects.toThrow(
      'there are no tensors in it, only objects that are not built (posix.system)',
    );
  });

  test.each([
    ['hostile_offset.pt', 'sizes [4], strides [1] and offset 1 reaches element 4 of a storage of 4'],
    ['hostile_size.pt', 'strides [1] and offset 0 reaches element 2147483646 of a storage of 4'],
    [
      'hostile_expanded.pt',
      '"w" is left out (a tensor of sizes [2147483647] expanded from the 4 elements of its storage',
    ],
    ['hostile_stride.pt', 'strides [2] and offset 0 reaches element 6 of a storage of 4'],
    ['hostile_count.pt', 'the storage "0" should have 20 bytes, but has 16'],
    ['hostile_missing.pt', 'the storage "0" is not in the archive'],
    ['hostile_byte_order.pt', 'its byte order is "middle"'],
    ['hostile_shared.pt', 'containers are nested deeper than 32'],
    ['hostile_loop.pt', 'containers are nested deeper than 32'],
    ['packed.pt', 'is packed (method 8), which torch.save never does'],
    ['pickle_alone.pt', 'this is a Python pickle'],
  ])('%s', async (name, message) => {
    await expect(openCheckpoint(path(name))).rejects.toThrow(message);
    await expect(openCheckpoint(path(name))).rejects.toThrow(path(name));
    await expect(openCheckpoint(path(name))).rejects.toBeInstanceOf(CheckpointError);
  });

  test('a file cut anywhere', () => {
    const whole = bytesOf('small.pt');
    for (let length = 0; length < whole.length; length++) {
      expect(() => fromTorch(whole.subarray(0, length))).toThrow(CheckpointError);
    }
  });
});

describe('folders', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'easel-torch-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('the form before PyTorch 1.6, cut anywhere, and with a storage of another size', () => {
    const bytes = bytesOf('legacy.pt');
    for (let length = 0; length < bytes.length; length += length < 100 ? 1 : 41)
      expect(() => fromTorch(bytes.slice(0, length))).toThrow(CheckpointError);
    const changed = bytes.slice();
    const { offset } = fromTorch(bytes).entries.get('plain') as TorchEntry; // its storage's count is in the 8 bytes before
    expect(changed[offset - 8]).toBe(24);
    changed[offset - 8] = 25;
    expect(() => fromTorch(changed)).toThrow(/should have 24 elements, but has 25/);
  });

  test('the only PyTorch file of a folder; then the two of min-dalle as one', async () => {
    await writeFile(join(folder, 'encoder_mini.pt'), bytesOf('small.pt'));
    const one = await openCheckpoint(folder);
    expect([...one.entries.keys()]).toEqual(['w']);
    await one.close();
    await writeFile(join(folder, 'decoder_mini.pt'), bytesOf('state_dict.pt'));
    const pair = await openCheckpoint(folder);
    expect([...pair.entries.keys()].slice(0, 2)).toEqual(['encoder.w', 'decoder.plain']);
    expect(await pair.read('decoder.plain', 1)).toEqual(Float32Array.from({ length: 12 }, (_, i) => 12 + i));
    await expect(pair.read('w')).rejects.toThrow(`${folder}: there is no tensor "w" in it`);
    await pair.close();
  });
});
