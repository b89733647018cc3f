/** The addon's elementwise functions. Operations are numbers: indices into the lists of addon-numbers.ts. */
export interface ElementwiseFunctions {
  /** y[i] = f(x[i]; p, q). */
  unary(op: number, y: Float32Array, x: Float32Array, p: number, q: number): void;
  /**
   * y = f(a, b) over axes: extents of y, then the steps of a, then those of b, in elements (see kernels/broadcast.ts); null where all three have one
   * length and go element by element.
   */
  binary(op: number, y: Float32Array, a: Float32Array, b: Float32Array, axes: Int32Array | null): void;
  /** dgate = dy·up·f′(gate) and dup = dy·f(gate), all of one length; f: index into GATES. */
  gatedGrad(
    f: number,
    dgate: Float32Array,
    dup: Float32Array,
    dy: Float32Array,
    gate: Float32Array,
    up: Float32Array,
  ): void;
  /** As `binary` for int32, wrapping around. */
  binaryInt(op: number, y: Int32Array, a: Int32Array, b: Int32Array, axes: Int32Array | null): void;
  /** y is 1 where the comparison holds, else 0. */
  compareFloat(op: number, y: Uint8Array, a: Float32Array, b: Float32Array, axes: Int32Array | null): void;
  compareInt(op: number, y: Uint8Array, a: Int32Array, b: Int32Array, axes: Int32Array | null): void;
  /** y[i] = condition[i] ? a[i] : b[i]; all of one length. */
  selectFloat(y: Float32Array, condition: Uint8Array, a: Float32Array, b: Float32Array): void;
  /** y[i] = f(x[i]) by libm in double precision: index into PLAIN_OPS. */
  plainUnary(op: number, y: Float32Array, x: Float32Array): void;
  /** Of bytes 0 and 1; op: index into LOGICAL_OPS; axes as in binary. */
  logical(op: number, y: Uint8Array, a: Uint8Array, b: Uint8Array, axes: Int32Array | null): void;
  logicalNot(y: Uint8Array, x: Uint8Array): void;
  /** Between two different ones of float32, int32 and bool (Uint8Array); as JavaScript converts. */
  convert(y: Float32Array | Int32Array | Uint8Array, x: Float32Array | Int32Array | Uint8Array): void;
  fillFloat(y: Float32Array, value: number): void;
}

/**
 * The addon's pooling of images [batch, height, width, channels]. sizes: POOL of addon-numbers.ts.
 */
export interface PoolFunctions {
  maxPool(y: Float32Array, x: Float32Array, sizes: Int32Array): void;
  averagePool(y: Float32Array, x: Float32Array, sizes: Int32Array): void;
  maxPoolGradient(dx: Float32Array, dy: Float32Array, x: Float32Array, sizes: Int32Array): void;
  averagePoolGradient(dx: Float32Array, dy: Float32Array, sizes: Int32Array): void;
}

/** The addon's reductions, softmax and normalisations. Shapes in brackets; null where an optional array is missing. */
export interface RowFunctions {
  /** y [outer, inner] = scale · op over the middle axis of x [outer, red, inner]; op: index into REDUCTIONS (scale for sums alone). */
  reduce(op: number, y: Float32Array, x: Float32Array, red: number, inner: number, scale: number): void;
  /** Index of the largest, or smallest, element of each row of x [y.length, width]. */
  argMax(y: Int32Array, x: Float32Array, width: number): void;
  argMin(y: Int32Array, x: Float32Array, width: number): void;
  /** values and indices [rows, k] of x [rows, width], k ≤ width. */
  topK(values: Float32Array, indices: Int32Array, x: Float32Array, width: number, k: number): void;
  softmax(y: Float32Array, x: Float32Array, width: number): void;
  logSoftmax(y: Float32Array, x: Float32Array, width: number): void;
  /** dx from dy and the output y. */
  softmaxGrad(dx: Float32Array, dy: Float32Array, y: Float32Array, width: number): void;
  logSoftmaxGrad(dx: Float32Array, dy: Float32Array, y: Float32Array, width: number): void;
  /** loss and lse [rows] of logits [rows, width]; RangeError that names a label outside and its position. */
  crossEntropy(
    loss: Float32Array,
    lse: Float32Array,
    logits: Float32Array,
    labels: Int32Array,
    width: number,
  ): void;
  crossEntropyGrad(
    dLogits: Float32Array,
    dLoss: Float32Array,
    logits: Float32Array,
    labels: Int32Array,
    lse: Float32Array,
    width: number,
  ): void;
  /** y and x [rows, width], mean and rstd [rows]. */
  layerNorm(
    y: Float32Array,
    mean: Float32Array,
    rstd: Float32Array,
    x: Float32Array,
    scale: Float32Array | null,
    bias: Float32Array | null,
    epsilon: number,
    rms: boolean,
  ): void;
  layerNormGrad(
    dx: Float32Array,
    dScale: Float32Array | null,
    dBias: Float32Array | null,
    dy: Float32Array,
    x: Float32Array,
    mean: Float32Array,
    rstd: Float32Array,
    scale: Float32Array | null,
    rms: boolean,
  ): void;
  /** y and x [batch, pixels, channels], mean and rstd [batch, groups], scale and bias [channels]. */
  groupNorm(
    y: Float32Array,
    mean: Float32Array,
    rstd: Float32Array,
    x: Float32Array,
    scale: Float32Array,
    bias: Float32Array,
    batch: number,
    groups: number,
    epsilon: number,
    swish: boolean,
  ): void;
  groupNormGrad(
    dx: Float32Array,
    dScale: Float32Array,
    dBias: Float32Array,
    dy: Float32Array,
    x: Float32Array,
    mean: Float32Array,
    rstd: Float32Array,
    scale: Float32Array,
    bias: Float32Array,
    batch: number,
    groups: number,
    swish: boolean,
  ): void;
}

/** Attention. */
export interface AttentionFunctions {
  /**
   * y and q [batch, queries, heads·width], k and v [batch, capacity, heads·width]; the first `keys` rows of k and v count. stats [batch, heads, 2,
   * queries]: maximum and 1 / Σ exp of each query's scores. sizes: ATTENTION of addon-numbers.ts. keyLengths, firstQueries and keyRows [batch]: numbers of each row of the batch in place of
   * keys and first query, and its row of k and v.
   */
  attention(
    y: Float32Array,
    stats: Float32Array | null,
    q: Float32Array,
    k: Float32Array,
    v: Float32Array,
    bias: Float32Array | null,
    keyLengths: Int32Array | null,
    firstQueries: Int32Array | null,
    keyRows: Int32Array | null,
    scale: number,
    sizes: Int32Array,
  ): void;
  /** Gradients, each of its input's shape; those that are null are not computed. y and stats as `attention` wrote them. */
  attentionGrad(
    dq: Float32Array | null,
    dk: Float32Array | null,
    dv: Float32Array | null,
    dBias: Float32Array | null,
    dy: Float32Array,
    q: Float32Array,
    k: Float32Array,
    v: Float32Array,
    bias: Float32Array | null,
    y: Float32Array,
    stats: Float32Array,
    scale: number,
    sizes: Int32Array,
  ): void;
}

/** A bilinear resize or its adjoint: what it writes and reads, the lines of x that each line of y lies between, for rows, then for columns, and x's extents. */
type BilinearResize = (
  to: Float32Array,
  from: Float32Array,
  firstRow: Int32Array,
  secondRow: Int32Array,
  rowFraction: Float32Array,
  firstColumn: Int32Array,
  secondColumn: Int32Array,
  columnFraction: Float32Array,
  batch: number,
  xRows: number,
  xColumns: number,
  channels: number,
) => void;

/** Movement of data. "Words" are float32 or int32: pass an Int32Array as the Float32Array over the same memory. */
export interface MovementFunctions {
  /** y [batch, outer, count, width] from x [batch, outer, extent, width]; position of the first index outside the extent, or −1. */
  gather(
    y: Float32Array,
    x: Float32Array,
    indices: Int32Array,
    batch: number,
    outer: number,
    extent: number,
    width: number,
  ): number;
  /** y [segments, width] = sums of rows of x [ids.length, width] by id; ids outside are left out. */
  segmentSum(y: Float32Array, x: Float32Array, ids: Int32Array, width: number): void;
  /** axes: extents of y, then the step of x along each. */
  transpose(y: Float32Array, x: Float32Array, axes: Int32Array | number[]): void;
  /** axes: extents, steps of y, steps of x (those may be 0 or negative), in elements. */
  copyWords(
    y: Float32Array,
    yOffset: number,
    x: Float32Array,
    xOffset: number,
    axes: Int32Array | number[],
  ): void;
  copyBytes(
    y: Uint8Array,
    yOffset: number,
    x: Uint8Array,
    xOffset: number,
    axes: Int32Array | number[],
  ): void;
  /** y [batch, rowOf.length, columnOf.length, channels] takes pixel (rowOf[i], columnOf[j]) of x [batch, xRows, xColumns, channels]. */
  resizeNearest(
    y: Float32Array,
    x: Float32Array,
    rowOf: Int32Array,
    columnOf: Int32Array,
    batch: number,
    xRows: number,
    xColumns: number,
    channels: number,
  ): void;
  /**
   * y [batch, rows, columns, channels] from x [batch, xRows, xColumns, channels]: line i of y lies between lines first[i] and second[i] of x, at
   * fraction[i] of the way; for rows, then for columns.
   */
  resizeBilinear: BilinearResize;
  /** The adjoint: dx from dy, as resizeBilinear makes y from x. */
  resizeBilinearGrad: BilinearResize;
  /** The adjoint: writes dx. */
  resizeNearestGrad(
    dy: Float32Array,
    dx: Float32Array,
    rowOf: Int32Array,
    columnOf: Int32Array,
    batch: number,
    xRows: number,
    xColumns: number,
    channels: number,
  ): void;
}

/** float32 in two bytes a value, two values a word: native/kernels/bfloat16/bfloat16.h. */
export interface Bfloat16Functions {
  /** y [⌈x.length / 2⌉], rounded to nearest; with a seed (a whole number below 2³²) by chance. */
  narrowFloats(y: Int32Array, x: Float32Array, seed: number | null): void;
  /** y [n] of x [⌈n / 2⌉]. */
  widenFloats(y: Float32Array, x: Int32Array): void;
}

/** In-place updates. */
export interface UpdateFunctions {
  /** One step of AdamW on param, m and v; the factors are 1/(1 − betaᵗ). */
  adamw(
    param: Float32Array,
    m: Float32Array,
    v: Float32Array,
    grad: Float32Array,
    learningRate: number,
    beta1: number,
    beta2: number,
    epsilon: number,
    decay: number,
    meanFactor: number,
    squareFactor: number,
    gradientScale: number,
  ): void;
  /**
   * Writes rows [batch, steps, width] into cache [.., length, width]: row b to the places from positions[b] on (null: `position`) of the cache's row
   * cacheRows[b] (null: b).
   */
  updateRows(
    cache: Float32Array,
    rows: Float32Array,
    positions: Int32Array | null,
    cacheRows: Int32Array | null,
    batch: number,
    steps: number,
    length: number,
    width: number,
    position: number,
  ): void;
  /** Σ x². */
  sumSquares(x: Float32Array): number;
  /**
   * One step of Adafactor on param [batch, rows, columns], m (null without momentum) and the state: vRow and vCol, one of them with a value a row, the
   * other one a column (vRow a row where the largest axis is the last), or vRow = v alone. threshold 0: no clipping; leastScale 0: no scale.
   */
  adafactor(
    param: Float32Array,
    m: Float32Array | null,
    vRow: Float32Array,
    vCol: Float32Array | null,
    grad: Float32Array,
    batch: number,
    rows: number,
    columns: number,
    largestIsLast: boolean,
    learningRate: number,
    rho: number,
    epsilon: number,
    threshold: number,
    leastScale: number,
    momentum: number,
    decay: number,
    gradientScale: number,
  ): void;
}

/** Every kernel function of the addon but those of products and convolutions. */
export interface KernelFunctions
  extends ElementwiseFunctions,
    PoolFunctions,
    RowFunctions,
    AttentionFunctions,
    MovementFunctions,
    Bfloat16Functions,
    UpdateFunctions {}
