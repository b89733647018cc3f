import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import {
  DTYPES,
  EXACT,
  expectAsOnCpu,
  someTensor,
  someValues,
  underEachTarget,
} from '../../testing/against-cpu.js';
import { addon } from '../addon.js';
import type { NativeBackend } from '../backend.js';
import '../index.js';
import { joinAxes } from '../strided-copy.js';

beforeAll(() => {
  tf.setBackend('native');
  (tf.backend() as NativeBackend).pool.poison = true;
});

test('transpose: every permutation of four axes, and larger tiles', () => {
  const permutations = (items: number[]): number[][] =>
    items.length === 0
      ? [[]]
      : items.flatMap((item) => permutations(items.filter((i) => i !== item)).map((rest) => [item, ...rest]));
  for (const perm of permutations([0, 1, 2, 3]))
    expectAsOnCpu(() => someTensor([2, 5, 3, 9]).transpose(perm), EXACT);
  for (const dtype of DTYPES) {
    expectAsOnCpu(() => someTensor([70, 131], dtype).transpose(), EXACT);
    expectAsOnCpu(() => someTensor([3, 33, 8], dtype).transpose([0, 2, 1]), EXACT);
    expectAsOnCpu(() => someTensor([2, 3, 4, 5], dtype).transpose([0, 2, 1, 3]), EXACT);
    expectAsOnCpu(() => someTensor([1, 7, 1, 3], dtype).transpose([2, 1, 0, 3]), EXACT);
  }
  expectAsOnCpu(() => someTensor([2, 3, 2, 3, 2, 3]).transpose([5, 1, 3, 0, 2, 4]), EXACT);
  expectAsOnCpu(() => someTensor([2, 0, 3]).transpose(), EXACT);
  expectAsOnCpu(() => tf.transpose(tf.scalar(3)), EXACT);
});

test('linspace: even steps that end where they should', () => {
  for (const count of [1, 2, 3, 100, 100000]) {
    const y = tf.linspace(-0.3, 7.1, count);
    const values = y.dataSync();
    const step = count > 1 ? 7.4 / (count - 1) : 0;
    expect(values.length).toBe(count);
    for (const i of [0, 1, count >> 1, count - 1]) {
      if (i >= count) continue;
      expect(values[i]).toBe(Math.fround(i > 0 && i === count - 1 ? 7.1 : -0.3 + i * step));
    }
    y.dispose();
  }
});

test('concat', () => {
  for (const dtype of DTYPES) {
    for (const axis of [0, 1, 2]) {
      const shape = (extent: number) => [2, 3, 5].map((e, i) => (i === axis ? extent : e));
      const parts = () => [7, 0, 1, 3].map((extent, seed) => someTensor(shape(extent), dtype, seed + 1));
      expectAsOnCpu(() => tf.concat(parts(), axis), EXACT);
    }
  }
  expectAsOnCpu(() => tf.concat([someTensor([3]), someTensor([0])]), EXACT);
  expectAsOnCpu(() => tf.concat([someTensor([0, 2]), someTensor([0, 3])], 1), EXACT);
  expectAsOnCpu(() => tf.stack([someTensor([2, 3]), someTensor([2, 3], 'float32', 2)], 1), EXACT);
});

test('slice, as a view or a copy', () => {
  for (const dtype of DTYPES) {
    expectAsOnCpu(() => someTensor([5, 7, 3], dtype).slice([1, 0, 0], [2, 7, 3]), EXACT);
    expectAsOnCpu(() => someTensor([5, 7, 3], dtype).slice([1, 2, 1], [3, 4, 2]), EXACT);
    expectAsOnCpu(() => someTensor([5, 7, 3], dtype).slice([0, 0, 2], [-1, -1, 1]), EXACT);
    expectAsOnCpu(() => someTensor([5, 7], dtype).slice([5, 0], [0, 7]), EXACT);
    expectAsOnCpu(
      () =>
        someTensor([5, 7], dtype)
          .slice([1, 3], [1, 2])
          .concat(someTensor([1, 2], dtype)),
      EXACT,
    );
  }
  expect(() => someTensor([2, 2]).slice([0, 1], [2, 2])).toThrow();
});

test('stridedSlice', () => {
  for (const dtype of DTYPES) {
    expectAsOnCpu(() => someTensor([5, 7, 3], dtype).stridedSlice([4, 1, 0], [0, 7, 3], [-2, 3, 1]), EXACT);
    expectAsOnCpu(() => someTensor([7], dtype).stridedSlice([-1], [-8], [-1]), EXACT);
  }
});

describe('stridedSlice', () => {
  /** An axis of a slice in numpy's words: a place, a range, a new axis. */
  type Part = number | 'new' | { readonly from?: number; readonly to?: number; readonly step: number };

  /** tf.stridedSlice of parts, one for each axis of x and each new one. */
  function slice(x: tf.Tensor, parts: readonly Part[]): tf.Tensor {
    const masks = { begin: 0, end: 0, fresh: 0, shrunk: 0 };
    const [begin, end, strides]: [number[], number[], number[]] = [[], [], []];
    for (const [i, part] of parts.entries()) {
      if (part === 'new') masks.fresh |= 1 << i;
      if (typeof part === 'number') masks.shrunk |= 1 << i;
      if (typeof part === 'object' && part.from === undefined) masks.begin |= 1 << i;
      if (typeof part === 'object' && part.to === undefined) masks.end |= 1 << i;
      begin.push(typeof part === 'number' ? part : typeof part === 'object' ? (part.from ?? 0) : 0);
      end.push(typeof part === 'object' ? (part.to ?? 0) : 0);
      strides.push(typeof part === 'object' ? part.step : 1);
    }
    return tf.stridedSlice(x, begin, end, strides, masks.begin, masks.end, 0, masks.fresh, masks.shrunk);
  }

  /** Python's range(*slice(from, to, step).indices(extent)). */
  function placesAlong(part: Exclude<Part, 'new'>, extent: number): number[] {
    if (typeof part === 'number') return [part < 0 ? part + extent : part];
    const { step } = part;
    const [least, most] = step > 0 ? [0, extent] : [-1, extent - 1];
    const clamp = (place: number): number =>
      Math.min(most, Math.max(least, place < 0 ? place + extent : place));
    const from = part.from === undefined ? (step > 0 ? 0 : extent - 1) : clamp(part.from);
    const to = part.to === undefined ? (step > 0 ? extent : -1) : clamp(part.to);
    const places: number[] = [];
    for (let place = from; step > 0 ? place < to : place > to; place += step) places.push(place);
    return places;
  }

  /** Shape and places in x of the elements, in order. */
  function expected(shape: readonly number[], parts: readonly Part[]): { shape: number[]; places: number[] } {
    let axis = 0;
    let places = [0];
    const result: number[] = [];
    for (const part of parts) {
      if (part === 'new') {
        result.push(1);
        continue;
      }
      const extent = shape[axis] as number;
      axis += 1;
      const along = placesAlong(part, extent);
      if (typeof part !== 'number') result.push(along.length);
      places = places.flatMap((place) => along.map((next) => place * extent + next));
    }
    return { shape: result, places };
  }

  const cases: [name: string, shape: number[], parts: Part[]][] = [
    ['x[:, 1, ::2]', [2, 3, 4], [{ step: 1 }, 1, { step: 2 }]],
    ['x[2, ::2]', [3, 5], [2, { step: 2 }]],
    ['x[2, None, ::2]', [3, 5], [2, 'new', { step: 2 }]],
    ['x[-1, ::-1, -2]', [4, 3, 5], [-1, { step: -1 }, -2]],
    ['x[1:1]', [4, 3], [{ from: 1, to: 1, step: 1 }, { step: 1 }]],
    ['x[3:1, ::2]', [4, 3], [{ from: 3, to: 1, step: 1 }, { step: 2 }]],
    ['x[1:3]', [4, 3], [{ from: 1, to: 3, step: 1 }, { step: 1 }]],
    ['x[:, 1:3]', [4, 5], [{ step: 1 }, { from: 1, to: 3, step: 1 }]],
    ['x[2, 1]', [4, 3], [2, 1]],
    ['x[9:]', [4], [{ from: 9, step: 1 }]],
    ['x[::2] of nothing', [0, 3], [{ step: 2 }, { step: 1 }]],
  ];
  // Random ones beside them.
  let state = 7;
  const next = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let i = 0; i < 200; i++) {
    const shape = Array.from({ length: 1 + next(4) }, () => (next(12) === 0 ? 0 : 1 + next(6)));
    const parts = shape.flatMap((extent): Part[] => {
      const step = (next(2) === 0 ? 1 : -1) * (1 + next(3));
      const place = (): number => next(2 * extent + 5) - extent - 2;
      const part: Part =
        extent > 0 && next(3) === 0
          ? next(2 * extent) - extent
          : {
              step: next(3) === 0 ? 1 : step,
              ...(next(2) === 0 ? { from: place() } : {}),
              ...(next(2) === 0 ? { to: place() } : {}),
            };
      return next(6) === 0 ? ['new', part] : [part];
    });
    cases.push([`${JSON.stringify(parts)} of [${shape}]`, shape, parts]);
  }

  test.each(cases)('%s', (_name, shape, parts) => {
    const { shape: wanted, places } = expected(shape, parts);
    tf.tidy(() => {
      for (const dtype of DTYPES) {
        const x = someTensor(shape, dtype);
        const values = x.dataSync();
        const y = slice(x, parts);
        expect(y.dtype).toBe(dtype);
        expect(y.shape).toEqual(wanted);
        expect([...y.dataSync()]).toEqual(places.map((place) => values[place]));
      }
      const size = tf.util.sizeFromShape(shape);
      const strings = tf.tensor(
        Array.from({ length: size }, (_, i) => `s${i}`),
        shape,
        'string',
      );
      const some = slice(strings, parts);
      expect(some.shape).toEqual(wanted);
      expect([...(some.dataSync() as unknown as string[])]).toEqual(places.map((place) => `s${place}`));
      const complex = slice(tf.complex(someTensor(shape), someTensor(shape, 'float32', 2)), parts);
      expect(complex.shape).toEqual(wanted);
      const imag = someTensor(shape, 'float32', 2).dataSync();
      expect([...tf.imag(complex).dataSync()]).toEqual(places.map((place) => imag[place]));
    });
  });

  test('its gradient puts dy where it was taken from', () => {
    tf.tidy(() => {
      const x = someTensor([3, 5, 4]);
      const parts: Part[] = [1, { step: -2 }, { from: 1, step: 2 }];
      const { shape, places } = expected(x.shape, parts);
      const dy = someTensor(shape, 'float32', 3);
      const dx = tf.grad((a) => slice(a, parts))(x, dy);
      const wanted = new Float32Array(x.size);
      for (const [i, value] of dy.dataSync().entries()) wanted[places[i] as number] = value;
      expect([...dx.dataSync()]).toEqual([...wanted]);
    });
  });

  test('a place outside its axis and a stride of 0 are refused', () => {
    const x = someTensor([3, 5]);
    expect(() => slice(x, [3, { step: 1 }])).toThrow('out of bounds');
    expect(() => slice(x, [{ step: 0 }, { step: 1 }])).toThrow('non-zero');
    x.dispose();
  });
});

test('pad and tile', () => {
  for (const paddings of [[[-1, 2], [0, -2]], [[-3, 0], [1, 1]], [[-2, -2], [0, 0]], [[1, -4], [-5, 2]]] as [number, number][][]) // biome-ignore format: a table
    for (const dtype of DTYPES) {
      tf.tidy(() => {
        const [rows, columns] = [3, 5];
        const x = someTensor([rows, columns], dtype);
        const values = x.dataSync();
        const y = x.pad(paddings, 1);
        const [[top, bottom], [left, right]] = paddings as [[number, number], [number, number]];
        const shape = [Math.max(0, rows + top + bottom), Math.max(0, columns + left + right)] as const;
        expect(y.shape).toEqual([...shape]);
        const wanted: number[] = [];
        for (let i = 0; i < shape[0]; i++)
          for (let j = 0; j < shape[1]; j++) {
            const [row, column] = [i - top, j - left];
            const inside = row >= 0 && row < rows && column >= 0 && column < columns;
            wanted.push(inside ? (values[row * columns + column] as number) : 1);
          }
        expect([...y.dataSync()]).toEqual(wanted);
      });
    }
  for (const dtype of DTYPES) {
    const value = dtype === 'float32' ? 1.5 : 1;
    expectAsOnCpu(
      () =>
        someTensor([3, 5, 2], dtype).pad(
          [
            [1, 2],
            [0, 3],
            [0, 0],
          ],
          value,
        ),
      EXACT,
    );
    expectAsOnCpu(
      () =>
        someTensor([3, 5], dtype).pad([
          [0, 0],
          [0, 0],
        ]),
      EXACT,
    );
    expectAsOnCpu(() => someTensor([3, 1, 5], dtype).tile([2, 3, 1]), EXACT);
    expectAsOnCpu(() => someTensor([3, 5], dtype).tile([1, 4]), EXACT);
  }
  expectAsOnCpu(
    () =>
      someTensor([0, 2]).pad([
        [1, 1],
        [0, 1],
      ]),
    EXACT,
  );
  // Large enough that the border alone is filled, over memory that held something else.
  for (const dtype of DTYPES) {
    for (const paddings of [
      [[0, 1], [3, 2], [1, 0], [2, 1]],
      [[1, 0], [0, 0], [0, 4], [0, 0]],
      [[0, 0], [0, 0], [0, 0], [0, 0]],
    ] as [number, number][][]) // biome-ignore format: a table
      expectAsOnCpu(() => {
        tf.fill([3, 45, 51, 12], 7, dtype).dispose();
        return someTensor([2, 40, 50, 9], dtype).pad(paddings, 1);
      }, EXACT);
  }
  expectAsOnCpu(() => someTensor([3, 1]).broadcastTo([2, 3, 5]), EXACT);
  expectAsOnCpu(() => someTensor([2, 3, 1, 2, 1, 2]).tile([2, 1, 3, 1, 2, 2]), EXACT);
});

test('cast, zerosLike, onesLike, fill', () => {
  for (const from of DTYPES)
    for (const to of DTYPES) expectAsOnCpu(() => someTensor([13], from).cast(to), EXACT);
  expectAsOnCpu(() => tf.tensor1d([Number.NaN, 2.9, -2.9, 3e9]).toInt(), EXACT);
  expectAsOnCpu(() => tf.tensor1d([Number.NaN, 0, -0, 0.1]).toBool(), EXACT);
  // Elements of 1 and 4 bytes: reading integers as floats would show.
  expectAsOnCpu(() => tf.matMul(someTensor([2, 3], 'bool').toFloat() as tf.Tensor2D, tf.ones([3, 2])), EXACT);
  for (const dtype of DTYPES) {
    expectAsOnCpu(() => tf.zerosLike(someTensor([3, 5], dtype)), EXACT);
    expectAsOnCpu(() => tf.onesLike(someTensor([3, 5], dtype)), EXACT);
    expectAsOnCpu(() => tf.fill([3, 5], 1, dtype), EXACT);
  }
  expectAsOnCpu(() => tf.fill([2, 0], 2.5), EXACT);
});

describe('gather', () => {
  test('along each axis, as the cpu backend', () => {
    for (const dtype of DTYPES) {
      for (const axis of [0, 1, 2])
        expectAsOnCpu(
          () => tf.gather(someTensor([5, 7, 6], dtype), tf.tensor1d([4, 0, 0, 3], 'int32'), axis),
          EXACT,
        );
      const ids = () =>
        tf.tensor2d(
          [
            [4, 0, 1],
            [2, 2, 3],
          ],
          [2, 3],
          'int32',
        );
      expectAsOnCpu(() => tf.gather(someTensor([5, 7], dtype), ids()), EXACT);
      expectAsOnCpu(() => tf.gather(someTensor([2, 5, 7], dtype), ids(), 1, 1), EXACT);
    }
    expectAsOnCpu(() => tf.gather(someTensor([5]), tf.tensor1d([], 'int32')), EXACT);
    expectAsOnCpu(
      () => tf.gather(someTensor([301, 77]), tf.range(0, 300, 1, 'int32').toInt().reverse()),
      EXACT,
    );
  });
  test('an index outside is named with its position, and nothing leaks', () => {
    const x = someTensor([5, 7]);
    const before = tf.memory();
    for (const bad of [5, -1]) {
      const ids = tf.tensor1d([1, bad], 'int32');
      expect(() => tf.gather(x, ids)).toThrow(
        `index value ${bad} is not in [0, 4] (position 1 of the indices)`,
      );
      ids.dispose();
    }
    expect(tf.memory()).toEqual({ ...before, native: (tf.memory() as unknown as { native: object }).native });
    x.dispose();
  });
});

test('unsortedSegmentSum: repeated, missing and foreign ids', () => {
  const near = { absolute: 1e-3, relative: 1e-6 };
  const ids = () => tf.tensor1d([3, 0, 3, 3, -1, 9, 1], 'int32');
  expectAsOnCpu(() => tf.unsortedSegmentSum(someTensor([7, 17]), ids(), 5), near);
  expectAsOnCpu(() => tf.unsortedSegmentSum(someTensor([7]), ids(), 5), near);
  expectAsOnCpu(() => tf.unsortedSegmentSum(someTensor([7, 2, 3]), ids(), 1), near);
  const many = () => tf.range(0, 200).mul(7).mod(tf.scalar(17)).toInt() as tf.Tensor1D;
  expectAsOnCpu(() => tf.unsortedSegmentSum(someTensor([200, 131]), many(), 17), {
    absolute: 0.01,
    relative: 1e-5,
  });
});

describe('resizeNearestNeighbor', () => {
  test('as the cpu backend', () => {
    for (const size of [
      [6, 10],
      [3, 5],
      [2, 3],
      [7, 11],
    ] as [number, number][]) {
      for (const [align, half] of [
        [false, false],
        [true, false],
        [false, true],
      ])
        expectAsOnCpu(
          () => tf.image.resizeNearestNeighbor(someTensor([2, 3, 5, 7]) as tf.Tensor4D, size, align, half),
          EXACT,
        );
    }
  });
  test('gradient of one picture as the cpu backend', () => {
    expectAsOnCpu(
      () =>
        tf.grad((x) => tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [6, 10]).square())(
          someTensor([1, 3, 5, 7]),
        ),
      { absolute: 1e-3, relative: 1e-6 },
    );
  });
});

test('resizeBilinear as the cpu backend', () => {
  const sizes: [number, number][] = [[6, 10], [3, 5], [2, 3], [7, 11], [1, 1], [40, 3]]; // biome-ignore format: a table
  for (const size of sizes) {
    for (const channels of [1, 3, 8, 17, 35]) {
      for (const [align, half] of [
        [false, false],
        [true, false],
        [false, true],
      ])
        expectAsOnCpu(
          () => tf.image.resizeBilinear(someTensor([2, 3, 5, channels]) as tf.Tensor4D, size, align, half),
          { absolute: 1e-3, relative: 1e-6 },
        );
    }
  }
});

describe.each(['resizeNearestNeighbor', 'resizeBilinear'] as const)('gradient of %s', (resize) => {
  const sizes: [number, number][] = [[6, 10], [3, 5], [2, 3], [7, 11], [1, 1], [40, 3]]; // biome-ignore format: a table
  test.each(sizes)(
    'to %i × %i is the adjoint: <dy, f(x)> = <gradient(dy), x> for each picture and channel',
    (...size) => {
      for (const channels of [1, 3, 8, 17, 35]) {
        for (const [align, half] of [
          [false, false],
          [true, false],
          [false, true],
        ]) {
          underEachTarget((target) => {
            const error = tf.tidy(() => {
              const x = someTensor([2, 3, 5, channels]) as tf.Tensor4D;
              const dy = someTensor([2, ...size, channels], 'float32', 3) as tf.Tensor4D;
              const f = (at: tf.Tensor) => tf.image[resize](at as tf.Tensor4D, size, align, half);
              const forward = f(x).mul(dy).sum([1, 2]); // [2, channels]
              const backward = tf.grad(f)(x, dy).mul(x).sum([1, 2]);
              return forward.sub(backward).abs().div(forward.abs().add(1)).max().dataSync()[0];
            });
            if (!(error !== undefined && error < 1e-3))
              throw new Error(`${target}, ${channels} channels, ${align}, ${half}: ${error}`);
          });
        }
      }
    },
  );

  test('of one square picture as the cpu backend', () => {
    expectAsOnCpu(
      () => tf.grad((x) => tf.image[resize](x as tf.Tensor4D, [7, 7]).square())(someTensor([1, 4, 4, 19])),
      { absolute: 1e-2, relative: 1e-5 },
    );
  });
});

test('the gradient of resizeBilinear by hand', () => {
  // Aligned corners, 2 → 3: y = x0, (x0 + x1)/2, x1. dy = 1 10 100: dx = 1 + 5, 5 + 100.
  underEachTarget(() => {
    const dx = tf.grad((x) => tf.image.resizeBilinear(x as tf.Tensor4D, [1, 3], true))(
      tf.tensor4d([7, 8], [1, 1, 2, 1]),
      tf.tensor4d([1, 10, 100], [1, 1, 3, 1]),
    );
    expect(dx.shape).toEqual([1, 1, 2, 1]);
    expect([...dx.dataSync()]).toEqual([6, 105]);
    dx.dispose();
  });
});

test('joinAxes makes neighbours one', () => {
  expect(joinAxes([2, 1, 3, 5], [15, 15, 5, 1], [15, 15, 5, 1])).toEqual(new Int32Array([30, 1, 1]));
  expect(joinAxes([2, 3, 4, 5], [60, 20, 5, 1], [100, 20, 5, 1])).toEqual(
    new Int32Array([2, 60, 60, 1, 100, 1]),
  );
  expect(joinAxes([1, 1], [7, 1], [9, 1])).toEqual(new Int32Array([1, 1, 1]));
  expect(joinAxes([2, 3], [3, 1], [2 ** 32, 1])).toEqual([2, 3, 3, 1, 2 ** 32, 1]);
});

test('the addon refuses copies that leave an array', () => {
  const x = new Float32Array(6);
  const copy = (yOffset: number, xOffset: number, axes: number[]) => () =>
    addon().copyWords(new Float32Array(6), yOffset, x, xOffset, axes);
  expect(copy(1, 0, [6, 1, 1])).toThrow(/copyWords: arrays do not cover the axes/);
  expect(copy(0, 1, [6, 1, 1])).toThrow(/do not cover/);
  expect(copy(0, 4, [6, 1, -1])).toThrow(/do not cover/);
  expect(copy(0, 5, [6, 1, -1])).not.toThrow();
  expect(() => addon().transpose(new Float32Array(6), x, [2, 3, 1, 3])).toThrow(/transpose: /);
});

test('blocks come back after every kernel, poisoned or not', () => {
  const native = tf.backend() as NativeBackend;
  const before = native.pool.usage();
  tf.tidy(() => {
    const x = someTensor([64, 300]);
    tf.gatherND(x, tf.tensor2d([[1], [2]], [2, 1], 'int32'));
    tf.tile(x.reverse(0), [2, 1]).stridedSlice([0, 0], [64, 300], [2, 3]);
    tf.topk(x, 3);
    tf.cumsum(x, 1);
  });
  expect(native.pool.usage().liveBytes).toBe(before.liveBytes);
});

test('complex tensors of nothing side by side are nothing, with a shape', () => {
  const none = () => tf.complex(tf.zeros([0, 3]), tf.zeros([0, 3]));
  const y = tf.concat([none(), none()], 1);
  expect([y.shape, y.dtype]).toEqual([[0, 6], 'complex64']);
  expect([tf.real(y).shape, [...tf.imag(y).dataSync()]]).toEqual([[0, 6], []]);
});
