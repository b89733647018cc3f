// A program a kernel, of a size that a real model has: about a million elements, or a photograph.
// Each is named as tfjs names its kernel. Kernels that other families time are left out.

/** f of one tensor of a million elements. */
const one =
  (f) =>
  ({ tf, random }) => {
    const x = random([1024, 1024]);
    return () => f(x, tf);
  };

/** f of one tensor between 1 and 2, for functions that are not defined everywhere. */
const above =
  (f) =>
  ({ tf, random }) => {
    const x = tf.tidy(() => random([1024, 1024]).abs().clipByValue(0, 1).add(1));
    return () => f(x, tf);
  };

/** f of two tensors, the second one without zeros. */
const two =
  (f, dtype = 'float32') =>
  ({ tf, random }) => {
    const a = tf.tidy(() => random([1024, 1024]).mul(100).cast(dtype));
    const b = tf.tidy(() => random([1024, 1024]).abs().mul(9).add(1).cast(dtype));
    return () => f(a, b, tf);
  };

/** f of two tensors of bools. */
const bools =
  (f) =>
  ({ tf, random }) => {
    const [a, b] = [1, 2].map(() => tf.tidy(() => random([1024, 1024]).greater(0)));
    return () => f(a, b, tf);
  };

/** f of a batch of pictures or of a layer's features. */
const image =
  (shape, f) =>
  ({ tf, random }) => {
    const x = random(shape);
    return () => f(x, tf);
  };

/** Boxes with scores, as a detector of objects makes them. */
const boxes = ({ tf, random }) =>
  tf.tidy(() => {
    const corner = random([2000, 2]).abs().clipByValue(0, 1);
    const size = random([2000, 2]).abs().mul(0.1);
    return { boxes: tf.concat([corner, corner.add(size)], 1), scores: random([2000]).abs() };
  });

export const kinds = {
  Acos: one((x) => x.clipByValue(-1, 1).acos()),
  Acosh: above((x) => x.acosh()),
  Asin: one((x) => x.clipByValue(-1, 1).asin()),
  Asinh: one((x) => x.asinh()),
  Atan: one((x) => x.atan()),
  Atan2: two((a, b) => a.atan2(b)),
  Atanh: one((x) => x.clipByValue(-0.9, 0.9).atanh()),
  Cosh: one((x) => x.cosh()),
  Sinh: one((x) => x.sinh()),
  Sin: one((x) => x.sin()),
  Cos: one((x) => x.cos()),
  Tan: one((x) => x.tan()),
  Expm1: one((x) => x.expm1()),
  Log1p: one((x) => x.abs().log1p()),
  Softplus: one((x) => x.softplus()),
  Pow: above((x, tf) => x.pow(tf.scalar(1.7))),
  Erf: one((x) => x.erf()),
  Sigmoid: one((x) => x.sigmoid()),
  Sign: one((x) => x.sign()),
  Round: one((x) => x.round()),
  IsNan: one((x) => x.isNaN()),
  IsInf: one((x) => x.isInf()),
  IsFinite: one((x) => x.isFinite()),
  Mod: two((a, b) => a.mod(b)),
  Mod_int: two((a, b) => a.mod(b), 'int32'),
  FloorDiv: two((a, b) => a.floorDiv(b)),
  FloorDiv_int: two((a, b) => a.floorDiv(b), 'int32'),
  BitwiseAnd: two((a, b, tf) => tf.bitwiseAnd(a, b), 'int32'),
  Greater: two((a, b) => a.greater(b)),
  Equal_int: two((a, b) => a.equal(b), 'int32'),
  LogicalAnd: bools((a, b) => a.logicalAnd(b)),
  Select: two((a, b, tf) => tf.where(a.greater(b), a, b)),
  Cast: one((x) => x.toInt()),
  Cumsum: one((x) => x.cumsum(1)),
  Cumsum_columns: one((x) => x.cumsum(0)),
  Cumprod: one((x) => x.cumprod(1)),
  Sum_int: two((a) => a.sum(1), 'int32'),
  Max_columns: one((x) => x.max(0)),
  Prod: one((x) => x.prod(1)),
  Any: bools((a) => a.any(1)),
  ArgMax: one((x) => x.argMax(1)),
  TopK: one((x, tf) => tf.topk(x, 10).values),
  MirrorPad: image([8, 128, 128, 16], (x, tf) => tf.mirrorPad(x, [[0, 0], [3, 3], [3, 3], [0, 0]], 'reflect')), // biome-ignore format: one line
  Reverse: one((x) => x.reverse(1)),
  FlipLeftRight: image([8, 256, 256, 3], (x, tf) => tf.image.flipLeftRight(x)),
  RotateWithOffset: image([8, 256, 256, 3], (x, tf) => tf.image.rotateWithOffset(x, 0.3)),
  SpaceToBatchND: image([8, 128, 128, 16], (x, tf) => tf.spaceToBatchND(x, [2, 2], [[0, 0], [0, 0]])), // biome-ignore format: one line
  BatchToSpaceND: image([32, 64, 64, 16], (x, tf) => tf.batchToSpaceND(x, [2, 2], [[0, 0], [0, 0]])), // biome-ignore format: one line
  DepthToSpace: image([8, 64, 64, 64], (x, tf) => tf.depthToSpace(x, 2)),
  LRN: image([8, 32, 32, 96], (x, tf) => tf.localResponseNormalization(x, 5, 1, 1e-4, 0.75)),
  Dilation2D({ tf, random }) {
    const [x, filter] = [random([4, 128, 128, 8]), random([3, 3, 8])];
    return () => tf.dilation2d(x, filter, 1, 'same');
  },
  MaxPool3D: image([1, 16, 64, 64, 16], (x, tf) => tf.maxPool3d(x, 2, 2, 'same')),
  AvgPool3D: image([1, 16, 64, 64, 16], (x, tf) => tf.avgPool3d(x, 2, 2, 'same')),
  CropAndResize({ tf, random }) {
    const x = random([1, 512, 512, 3]);
    const at = boxes({ tf, random }).boxes.slice([0, 0], [16, 4]);
    const of = tf.zeros([16], 'int32');
    return () => tf.image.cropAndResize(x, at, of, [128, 128]);
  },
  ResizeBilinear: image([1, 256, 256, 32], (x, tf) => tf.image.resizeBilinear(x, [512, 512])),
  NonMaxSuppressionV3({ tf, random }) {
    const found = boxes({ tf, random });
    return () => tf.image.nonMaxSuppression(found.boxes, found.scores, 100, 0.5);
  },
  TensorScatterUpdate({ tf, random, indices }) {
    const [x, rows] = [random([4096, 256]), random([1024, 256])];
    const ids = indices(1024, 4096).reshape([1024, 1]);
    return () => tf.tensorScatterUpdate(x, ids, rows);
  },
  GatherNd({ tf, random, indices }) {
    const x = random([4096, 256]);
    const ids = indices(1024, 4096).reshape([1024, 1]);
    return () => tf.gatherND(x, ids);
  },
  OneHot({ tf, indices }) {
    const ids = indices(4096, 256);
    return () => tf.oneHot(ids, 256);
  },
  LinSpace:
    ({ tf }) =>
    () =>
      tf.linspace(0, 1, 2 ** 20),
  Range:
    ({ tf }) =>
    () =>
      tf.range(0, 2 ** 20),
  Tile: image([256, 64], (x, tf) => tf.tile(x, [16, 4])),
  StridedSlice: one((x) => x.stridedSlice([0, 1], [1024, 1024], [2, 3])),
  Einsum({ tf, random }) {
    const [a, b] = [random([8, 64, 8, 32]), random([8, 64, 8, 32])];
    return () => tf.einsum('bqhd,bkhd->bhqk', a, b);
  },
  FFT({ tf, random }) {
    const x = tf.tidy(() => tf.complex(random([64, 1024]), random([64, 1024])));
    return () => tf.spectral.fft(x);
  },
};
