import { closeSync, mkdtempSync, openSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import type { NativeBackend } from './backend.js';
import './index.js';
import type { MappedFile } from './mapped-files.js';
import { PackedMatrix } from './packed-matrix.js';

let folder: string;
let backend: NativeBackend;
beforeAll(async () => {
  await tf.setBackend('native');
  backend = tf.backend() as NativeBackend;
  folder = mkdtempSync(join(tmpdir(), 'mapped-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Numbers of several pages, behind 24 bytes of something else. */
const FLOATS = Float32Array.from({ length: 5003 }, (_, i) => Math.fround(Math.sin(i)));
const START = 24;

let files = 0;
/** A file with `bytes` at START, and the backend's mapping of it. */
function mapped(bytes: ArrayBufferView): { path: string; file: MappedFile } {
  files += 1;
  const path = join(folder, `${files}.bin`);
  writeFileSync(path, Buffer.alloc(START, 7));
  writeFileSync(path, new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength), { flag: 'a' });
  const descriptor = openSync(path, 'r');
  const file = backend.mapFile(descriptor, path) as MappedFile;
  closeSync(descriptor);
  return { path, file };
}

function tensorOf(info: tf.TensorInfo | undefined): tf.Tensor {
  return tf.engine().makeTensorFromTensorInfo(info as tf.TensorInfo);
}

describe('floats in a mapped file', () => {
  test('F32 is used where it lies, and takes no block', () => {
    const { file } = mapped(FLOATS);
    const before = backend.pool.usage().liveBytes;
    const x = tensorOf(backend.mappedFloats(file, START, [5003], 'F32'));
    expect(backend.pool.usage().liveBytes).toBe(before);
    expect(x.dataSync()).toEqual(FLOATS);
    expect(tf.tidy(() => tf.neg(tf.neg(x)).dataSync())).toEqual(FLOATS);
    x.dispose();
  });

  test('F16 and BF16 are widened: every bit pattern', () => {
    const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const { file } = mapped(bits);
    for (const format of ['F16', 'BF16'] as const) {
      const x = tensorOf(backend.mappedFloats(file, START, [256, 256], format));
      const matrix = new PackedMatrix({ format, shape: [65536], codes: new Uint8Array(bits.buffer) });
      const expected = new Float32Array(65536);
      matrix.widen(expected);
      expect(x.dataSync()).toEqual(expected);
      x.dispose();
    }
  });

  test('a place that is not aligned, outside the file, or of no bytes', () => {
    const { file } = mapped(FLOATS);
    expect(backend.mappedFloats(file, START + 2, [3], 'F32')).toBeUndefined();
    expect(backend.mappedFloats(file, START + 1, [3], 'F16')).toBeUndefined();
    expect(() => backend.mappedFloats(file, START, [5004], 'F32')).toThrow(/must lie inside the file/);
    const none = tensorOf(backend.mappedFloats(file, START, [0, 3], 'F32'));
    expect(none.dataSync()).toHaveLength(0);
    none.dispose();
  });

  test('a change in place leaves the file as it is', () => {
    const { file } = mapped(FLOATS);
    const first = tensorOf(backend.mappedFloats(file, START, [1, 5003, 1], 'F32'));
    const again = tensorOf(backend.mappedFloats(file, START, [5003], 'F32'));
    const cache = tf.engine().runKernel('UpdateRows', { cache: first, rows: tf.ones([1, 1, 1]) }, {
      position: 3,
    } as unknown as tf.NamedAttrMap) as tf.Tensor;
    expect(cache.dataSync()[3]).toBe(1);
    expect(again.dataSync()).toEqual(FLOATS);
    tf.dispose([first, again, cache]);
  });
});

describe('a file that changes while tensors lie on it', () => {
  const bytes = new Uint8Array(1 << 20).map((_, i) => i * 7);

  test('cut: an error that names it, once anything is read, and no crash', () => {
    const { path, file } = mapped(bytes);
    const x = tensorOf(backend.mappedFloats(file, START, [1 << 18], 'F32'));
    const codes = file.view(START, 1 << 20) as Uint8Array;
    const matrix = new PackedMatrix({ format: 'F16', shape: [512, 1024], codes });
    const packed = tensorOf(backend.packed(matrix, [512, 1024]));
    file.close();
    truncateSync(path, 100);
    const gone = `${path}: the file became shorter while its weights were in use`;
    expect(() => tf.tidy(() => tf.sum(x).dataSync())).toThrow(gone);
    expect(() => packed.dataSync()).toThrow(gone);
    // What JavaScript reads itself is zeros, and the process lives.
    expect(codes[codes.length - 1]).toBe(0);
    const other = tf.ones([2]);
    x.dispose();
    expect(() => other.dataSync()).toThrow(gone);
    packed.dispose();
    expect(other.dataSync()).toEqual(Float32Array.of(1, 1));
    other.dispose();
  });

  test('written in place', () => {
    const { path, file } = mapped(bytes);
    const x = tensorOf(backend.mappedFloats(file, START, [4], 'F32'));
    x.dataSync();
    writeFileSync(path, bytes.subarray(0, 9), { flag: 'r+' });
    utimesSync(path, 1, 1); // within one tick of the clock, the time might be the same
    expect(() => x.dataSync()).toThrow(`${path}: the file was written while its weights were in use`);
    x.dispose();
  });

  test('views that no tensor lies on are given up at close', () => {
    const { path, file } = mapped(bytes);
    const view = file.view(START, 8) as Uint8Array;
    file.close();
    expect(view.byteLength).toBe(0);
    truncateSync(path, 0);
    expect(tf.tidy(() => tf.ones([1]).dataSync())).toEqual(Float32Array.of(1));
  });
});

test('what cannot be mapped: a folder, an empty file', () => {
  const empty = join(folder, 'empty');
  writeFileSync(empty, '');
  for (const path of [folder, empty]) {
    const descriptor = openSync(path, 'r');
    expect(backend.mapFile(descriptor, path)).toBeUndefined();
    closeSync(descriptor);
  }
});

test('deferred zeros take no memory until they are read, then an ordinary block', () => {
  const before = backend.pool.usage().liveBytes;
  const zeros = tensorOf(backend.zerosLater([3, 1024]));
  expect(backend.pool.usage().liveBytes).toBe(before);
  const doubled = tf.tidy(() => tf.add(zeros, 1).dataSync());
  expect(doubled).toEqual(new Float32Array(3072).fill(1));
  expect(backend.narrowTensors.find(zeros.dataId)).toBeUndefined();
  expect(backend.isExclusive(zeros)).toBe(true);
  zeros.dispose();
  expect(backend.pool.usage().liveBytes).toBe(before);
});
