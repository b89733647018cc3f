/**
 * The addon's elementwise functions. `op` is a number: an index into one of the lists of
 * addon-numbers.ts.
 */
export interface ElementwiseFunctions {
  /** y[i] = f(x[i]; p, q). */
  unary(op: number, y: Float32Array, x: Float32Array, p: number, q: number): void;
  /**
   * y = f(a, b) over axes. `axes` holds the extents of y, then the steps of a, then those of b, in
   * elements (see kernels/broadcast.ts). It is null where all three arrays have one length and are
   * taken element by element.
   */
  binary(op: number, y: Float32Array, a: Float32Array, b: Float32Array, axes: Int32Array | null): void;
  /**
   * dgate = dy·up·f′(gate) and dup = dy·f(gate). All arrays have one length. `gate` names f: an
   * index into GATES.
   */
  gatedGrad(
    f: number,
    dgate: Float32Array,
    dup: Float32Array,
    dy: Float32Array,
    gate: Float32Array,
    up: Float32Array,
  ): void;
  /** As `binary`, for int32. Results wrap around. */
  binaryInt(op: number, y: Int32Array, a: Int32Array, b: Int32Array, axes: Int32Array | null): void;
  /** y is 1 where the comparison holds, else 0. */
  compareFloat(op: number, y: Uint8Array, a: Float32Array, b: Float32Array, axes: Int32Array | null): void;
  compareInt(op: number, y: Uint8Array, a: Int32Array, b: Int32Array, axes: Int32Array | null): void;
  /** y[i] = condition[i] ? a[i] : b[i]. All arrays have one length. */
  selectFloat(y: Float32Array, condition: Uint8Array, a: Float32Array, b: Float32Array): void;
  /** y[i] = f(x[i]) by libm in double precision. `op` is an index into PLAIN_OPS. */
  plainUnary(op: number, y: Float32Array, x: Float32Array): void;
  /** As `binary`, by libm in double precision. `op` is an index into PAIR_OPS. */
  plainBinary(op: number, y: Float32Array, a: Float32Array, b: Float32Array, axes: Int32Array | null): void;
  /** y = ⌊a / b⌋. `axes` is as in `binary`. */
  floorDiv(y: Int32Array, a: Float32Array, b: Float32Array, axes: Int32Array | null): void;
  /** y[i] is 1 where x[i] is a number of that kind, else 0. `kind` is an index into KINDS. */
  isKind(kind: number, y: Uint8Array, x: Float32Array): void;
  /**
   * A logical operation on bytes that are 0 or 1. `op` is an index into LOGICAL_OPS; `axes` is as
   * in `binary`.
   */
  logical(op: number, y: Uint8Array, a: Uint8Array, b: Uint8Array, axes: Int32Array | null): void;
  logicalNot(y: Uint8Array, x: Uint8Array): void;
  /**
   * Converts one element type to another, of float32, int32 and bool (Uint8Array), as JavaScript
   * does.
   */
  convert(y: Float32Array | Int32Array | Uint8Array, x: Float32Array | Int32Array | Uint8Array): void;
  fillFloat(y: Float32Array, value: number): void;
}

/**
 * The addon's pooling of images [batch, height, width, channels]. `sizes` is laid out as POOL of
 * addon-numbers.ts.
 */
export interface PoolFunctions {
  maxPool(y: Float32Array, x: Float32Array, sizes: Int32Array): void;
  averagePool(y: Float32Array, x: Float32Array, sizes: Int32Array): void;
  maxPoolGradient(dx: Float32Array, dy: Float32Array, x: Float32Array, sizes: Int32Array): void;
  averagePoolGradient(dx: Float32Array, dy: Float32Array, sizes: Int32Array): void;
  /**
   * y = the largest x + filter in each window. filter is [filterHeight, filterWidth, channels];
   * pixels of a window are as many rows and columns apart as the last two arguments say.
   */
  dilation(
    y: Float32Array,
    x: Float32Array,
    filter: Float32Array,
    sizes: Int32Array,
    dilationHeight: number,
    dilationWidth: number,
  ): void;
}

/**
 * The addon's reductions, softmax and normalisations. Brackets hold shapes. An optional array that
 * is missing is null.
 */
export interface RowFunctions {
  /**
   * y [outer, inner] = scale · op over the middle axis of x [outer, red, inner]. `op` is an index
   * into REDUCTIONS. `scale` applies to sums alone.
   */
  reduce(op: number, y: Float32Array, x: Float32Array, red: number, inner: number, scale: number): void;
  /**
   * As `reduce`, in the elements' own type. `op` is an index into PLAIN_REDUCTIONS: floats have
   * products alone, bytes any and all, integers the rest.
   */
  reducePlain<Values extends Float32Array | Int32Array | Uint8Array>(
    op: number,
    y: Values,
    x: Values,
    red: number,
    inner: number,
  ): void;
  /**
   * y [outer, extent, inner] = the running result along the middle axis of x. `op` is an index into
   * SCANS. `exclusive` leaves the element itself out; `reverse` runs from the end.
   */
  scan<Values extends Float32Array | Int32Array>(
    op: number,
    y: Values,
    x: Values,
    extent: number,
    inner: number,
    exclusive: boolean,
    reverse: boolean,
  ): void;
  /**
   * Local response normalisation along the rows of x [.., channels]: y = x · (bias + alpha · Σ
   * x²)^−beta, with the sum over the channels at most `radius` away.
   */
  localResponse(
    y: Float32Array,
    x: Float32Array,
    channels: number,
    radius: number,
    bias: number,
    alpha: number,
    beta: number,
  ): void;
  /** dx of localResponse from dy, x and y. */
  localResponseGrad(
    dx: Float32Array,
    dy: Float32Array,
    x: Float32Array,
    y: Float32Array,
    channels: number,
    radius: number,
    bias: number,
    alpha: number,
    beta: number,
  ): void;
  /** The index of the largest, or smallest, element of each row of x [y.length, width]. */
  argMax(y: Int32Array, x: Float32Array, width: number): void;
  argMin(y: Int32Array, x: Float32Array, width: number): void;
  /** The k largest values and their indices, both [rows, k], of x [rows, width]; k ≤ width. */
  topK(values: Float32Array, indices: Int32Array, x: Float32Array, width: number, k: number): void;
  softmax(y: Float32Array, x: Float32Array, width: number): void;
  logSoftmax(y: Float32Array, x: Float32Array, width: number): void;
  /** dx from dy and from softmax's output y. */
  softmaxGrad(dx: Float32Array, dy: Float32Array, y: Float32Array, width: number): void;
  logSoftmaxGrad(dx: Float32Array, dy: Float32Array, y: Float32Array, width: number): void;
  /**
   * loss and lse [rows] of logits [rows, width]. Throws RangeError if a label is outside of its
   * row; the message names the label and its position.
   */
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
  /** y and x are [rows, width]; mean and rstd are [rows]. */
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
  /**
   * y and x are [batch, pixels, channels]; mean and rstd [batch, groups]; scale and bias
   * [channels].
   */
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

/** The addon's attention and its gradients. */
export interface AttentionFunctions {
  /**
   * Multi-head attention. y and q are [batch, queries, heads·width]; k and v are [batch, capacity,
   * heads·width], and their first `keys` rows count. stats [batch, heads, 2, queries] gets the
   * maximum of each query's scores and 1 / Σ exp(score − maximum). `sizes` is laid out as ATTENTION
   * of addon-numbers.ts. keyLengths, firstQueries and keyRows are [batch] or null. They give each
   * row of the batch its own number of keys, its own first query, and the row of k and v that it
   * looks at.
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
  /**
   * The gradients of attention. Each has its input's shape; those that are null are not computed. y
   * and stats are what `attention` wrote.
   */
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

/**
 * A bilinear resize or its adjoint. The arguments are: the output, the input, the two lines of x
 * that each line of y lies between (for rows, then for columns), and x's extents.
 */
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

/**
 * The addon's movement of data. "Words" are float32 or int32: for int32, pass a Float32Array over
 * the memory of the Int32Array.
 */
export interface MovementFunctions {
  /**
   * y [batch, outer, count, width] from x [batch, outer, extent, width]. Returns the position of
   * the first index outside of the extent, or −1 if there is none.
   */
  gather(
    y: Float32Array,
    x: Float32Array,
    indices: Int32Array,
    batch: number,
    outer: number,
    extent: number,
    width: number,
  ): number;
  /**
   * y [segments, width] = sums of the rows of x [ids.length, width] by id. Rows whose id is outside
   * of 0 … segments − 1 are left out.
   */
  segmentSum(y: Float32Array, x: Float32Array, ids: Int32Array, width: number): void;
  /** `axes` holds the extents of y, then the step of x along each of them. */
  transpose(y: Float32Array, x: Float32Array, axes: Int32Array | number[]): void;
  /**
   * `axes` holds the extents, then the steps of y, then the steps of x, in elements. Steps of x may
   * be 0 or negative.
   */
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
  /**
   * Pixel (i, j) of y [batch, rowOf.length, columnOf.length, channels] is pixel (rowOf[i],
   * columnOf[j]) of x [batch, xRows, xColumns, channels].
   */
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
   * y [batch, rows, columns, channels] from x [batch, xRows, xColumns, channels]. Line i of y lies
   * between lines first[i] and second[i] of x, fraction[i] of the way from the first to the second.
   * Three such arrays are given for rows, then three for columns.
   */
  resizeBilinear: BilinearResize;
  /** The adjoint of resizeBilinear: dx from dy. */
  resizeBilinearGrad: BilinearResize;
  /**
   * y [boxes, rows, columns, channels]: boxes of x [batch, xRows, xColumns, channels], resized.
   * `boxes` has (top, left, bottom, right) of each in shares of the image, `images` the image that
   * each is cut from. Pixels outside of it get `outside`; boxes of no image are 0.
   */
  cropAndResize(
    y: Float32Array,
    x: Float32Array,
    boxes: Float32Array,
    images: Int32Array,
    nearest: boolean,
    outside: number,
    rows: number,
    columns: number,
    batch: number,
    xRows: number,
    xColumns: number,
    channels: number,
  ): void;
  /**
   * y = each image of x [batch, rows, columns, channels], turned around (centreX, centreY), of the
   * nearest pixel. Pixels outside of x get `fill` [channels]. Elements are words.
   */
  rotate(
    y: Float32Array,
    x: Float32Array,
    fill: Float32Array,
    radians: number,
    centreX: number,
    centreY: number,
    batch: number,
    rows: number,
    columns: number,
    channels: number,
  ): void;
  /** The adjoint of resizeNearest: writes dx from dy. */
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

/**
 * float32 values in two bytes each, two of them in a word. native/kernels/bfloat16/bfloat16.h has
 * the layout.
 */
export interface Bfloat16Functions {
  /**
   * y [⌈x.length / 2⌉] of x, rounded to nearest. With a seed (a whole number below 2³²) values are
   * rounded up or down by chance.
   */
  narrowFloats(y: Int32Array, x: Float32Array, seed: number | null): void;
  /** y [n] of x [⌈n / 2⌉]. */
  widenFloats(y: Float32Array, x: Int32Array): void;
}

/**
 * Matrices packed into fewer than four bytes a number, in the formats of
 * native/kernels/packed/packed.h. `sizes` is laid out as PACKED_MATRIX of addon-numbers.ts. scales
 * and offsets are float16, or null where the format has none.
 */
export interface PackedFunctions {
  /** y [rows, columns] = the matrix. */
  widenPacked(
    y: Float32Array,
    codes: Uint8Array,
    scales: Uint16Array | null,
    offsets: Uint16Array | null,
    sizes: Int32Array,
  ): void;
  /**
   * y [ids.length, columns] = rows of the matrix. Returns the position of the first id that is no
   * row, and does not write y then; or −1.
   */
  packedRows(
    y: Float32Array,
    ids: Int32Array,
    codes: Uint8Array,
    scales: Uint16Array | null,
    offsets: Uint16Array | null,
    sizes: Int32Array,
  ): number;
  /**
   * c [m, columns] = activation(a [m, rows] · matrix + bias) + residual, for m up to 32. The axis is
   * 0. `activation` is an index into ACTIVATIONS, `leak` leakyrelu's slope below 0. It equals `gemm`
   * with the widened matrix in every bit.
   */
  packedProduct(
    c: Float32Array,
    a: Float32Array,
    codes: Uint8Array,
    scales: Uint16Array | null,
    offsets: Uint16Array | null,
    sizes: Int32Array,
    bias: Float32Array | null,
    activation: number,
    leak: number,
    residual: Float32Array | null,
  ): void;
}

/** The addon's updates in place. */
export interface UpdateFunctions {
  /**
   * One step of AdamW on param, m and v. meanFactor and squareFactor are 1/(1 − β₁ᵗ) and 1/(1 −
   * β₂ᵗ).
   */
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
   * Writes rows [batch, steps, width] into cache [.., length, width]. Row b goes to the places from
   * positions[b] on (`position` if that is null) of the cache's row cacheRows[b] (b if that is
   * null).
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
   * One step of Adafactor on param [batch, rows, columns], on m (null without momentum) and on the
   * state. Of vRow and vCol, one has a value a row and the other one a value a column: vRow has a
   * value a row if the last axis is the largest. Without vCol nothing is factored and vRow is v. A
   * threshold of 0 means no clipping; a leastScale of 0 means that the step isn't scaled by the
   * parameter's size.
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

/** The addon's Fourier transform. */
export interface FourierFunctions {
  /**
   * y = the discrete Fourier transform of each row of `length` complex numbers x. With `inverse` the
   * exponent's sign is + and the sum is divided by length. Sums are taken in double precision. All
   * parts have one length; outputs may be the inputs.
   */
  fourier(
    yReal: Float32Array,
    yImag: Float32Array,
    xReal: Float32Array,
    xImag: Float32Array,
    length: number,
    inverse: boolean,
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
    PackedFunctions,
    FourierFunctions,
    UpdateFunctions {}
