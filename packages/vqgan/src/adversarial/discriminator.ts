import {
  CompositeLayer,
  ConfigError,
  Conv2d,
  EaselError,
  foldInNames,
  type Key,
  normal,
  ShapeError,
  uniform,
} from '@easel/core';
import { singleInput } from '@easel/core/internals';
import * as tf from '@tensorflow/tfjs';

/** Settings of a PatchDiscriminator. The defaults are taming's. */
export interface DiscriminatorConfig {
  /** Channels of the pictures (default 3). */
  readonly inputChannels?: number;
  /** Width of the first layer (default 64). Layer n has this width times min(2^n, 8). */
  readonly width?: number;
  /** Number of layers between the first and the last (default 3). */
  readonly layers?: number;
  /** Whether ActNorm takes the place of batch norm (default false). */
  readonly actNorm?: boolean;
}

/** Slope of leaky ReLU below 0. */
const LEAK = 0.2;
/** Padding of one pixel on all sides. */
const PADDING = [
  [1, 1],
  [1, 1],
] as const;

/**
 * Judges patches of pictures: [B, H, W, 3] → logits [B, h, w, 1], which are high for real pictures.
 *
 * All convolutions are 4×4 with padding 1. The first has stride 2 and a bias. Then come `layers`
 * convolutions with a norm each, of stride 2 except the last. A last convolution gives a single
 * channel. Leaky ReLU (0.2) stands between them. Pictures must be large enough for a result of at
 * least one patch: somewhat more than 2^(layers + 1) pixels a side. Weights: `conv<n>.kernel`,
 * `conv<n>.bias`, `norm<n>.…`, n from 0.
 * Source: Isola et al. 2017, arXiv:1611.07004; taming `modules/discriminator/model.py`,
 * NLayerDiscriminator.
 */
export class PatchDiscriminator extends CompositeLayer {
  static className = 'EaselPatchDiscriminator';
  private readonly convolutions: readonly Conv2d[];
  /** Norm after convolution n; none after the first and the last. */
  private readonly norms: readonly (BatchNorm | ActNorm | undefined)[];

  constructor({ inputChannels = 3, width = 64, layers = 3, actNorm = false }: DiscriminatorConfig = {}) {
    super();
    if (!(Number.isInteger(layers) && layers >= 1) || !(Number.isInteger(width) && width >= 1)) {
      throw new ConfigError(
        `PatchDiscriminator: expected whole numbers from 1 on as layers and width, got ${layers} and ${width}.`,
      );
    }
    const outputs = Array.from({ length: layers + 1 }, (_, n) => width * Math.min(2 ** n, 8));
    const convolution = (n: number, from: number, to: number, stride: number, useBias: boolean): Conv2d => {
      const sizes = {
        inputChannels: from,
        outputChannels: to,
        kernelSize: 4,
        stride,
        padding: PADDING,
        useBias,
      };
      return this.child(`conv${n}`, new Conv2d({ ...sizes, kernelInitializer: 'zeros' }));
    };
    this.convolutions = [inputChannels, ...outputs].map((from, n) => {
      const to = outputs[n];
      if (to === undefined) return convolution(n, from, 1, 1, true);
      return convolution(n, from, to, n < layers ? 2 : 1, n === 0 || actNorm);
    });
    this.norms = this.convolutions.map((_, n) => {
      const channels = outputs[n];
      if (n === 0 || channels === undefined) return undefined;
      return this.child(`norm${n}`, actNorm ? new ActNorm(channels) : new BatchNorm(channels));
    });
  }

  /**
   * Computes the logits of pictures [B, H, W, C]. In training, batch norm uses the batch's
   * statistics and updates its running statistics; ActNorm must have its first values, from
   * `start`. Throws ShapeError for pictures that are too small, and EaselError for an ActNorm
   * without values in training.
   */
  judge(pictures: tf.Tensor4D, training: boolean): tf.Tensor4D {
    return tf.tidy(() => {
      let h = pictures;
      for (const n of this.convolutions.keys()) {
        h = this.convolve(n, h, pictures.shape);
        h = this.norms[n]?.normalize(h, training) ?? h;
        if (n < this.convolutions.length - 1) h = tf.leakyRelu(h, LEAK);
      }
      return h;
    });
  }

  /**
   * Gives first values to each ActNorm that has none. They come from the pictures [B, H, W, C] of
   * the first batch in training, as they arrive at that ActNorm. Await it before `judge` in
   * training. With batch norm, or after the first batch, `pictures` is not called and nothing is
   * read.
   */
  async start(pictures: () => tf.Tensor4D): Promise<void> {
    let isStarted = true;
    for (const norm of this.norms)
      if (norm instanceof ActNorm && !(await norm.isStarted())) isStarted = false;
    if (isStarted) return;
    let h = tf.tidy(() => tf.clone(pictures()));
    const { shape } = h;
    for (const n of this.convolutions.keys()) {
      const norm = this.norms[n];
      const convolved = tf.tidy(() => this.convolve(n, h, shape));
      h.dispose();
      h = convolved;
      if (norm instanceof ActNorm && !(await norm.isStarted())) await norm.start(h);
      h = tf.tidy(() => tf.leakyRelu(norm?.normalize(convolved, norm instanceof ActNorm) ?? convolved, LEAK));
      convolved.dispose();
    }
    h.dispose();
  }

  /** Applies convolution n to its input. `shape` is the shape of the pictures, for the error. */
  private convolve(n: number, h: tf.Tensor4D, shape: number[]): tf.Tensor4D {
    if (Math.min(h.shape[1], h.shape[2]) < 2) {
      throw new ShapeError(
        `PatchDiscriminator: pictures [${shape}] are too small for ${this.convolutions.length} convolutions; take larger ones or fewer layers.`,
      );
    }
    return (this.convolutions[n] as Conv2d).call(h);
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: { training?: boolean } = {}): tf.Tensor4D {
    return this.judge(singleInput(inputs, this) as tf.Tensor4D, kwargs.training ?? false);
  }

  /** Returns the weights that gradients move. The statistics that norms gather are left out. */
  parameters(): Map<string, tf.Variable> {
    return new Map([...this.namedWeights()].filter(([name]) => !isStatistic(name)));
  }
}

/** Whether a weight of a PatchDiscriminator is a gathered statistic, which no gradient moves. */
export function isStatistic(name: string): boolean {
  return /\.(running_mean|running_var|initialized)$/.test(name);
}

/**
 * Draws a discriminator's weights: kernels from N(0, 0.02²), batch norm's scales from N(1, 0.02²),
 * and the biases of convolutions from U(±1/√fan_in). Batch norm's biases stay 0. ActNorm waits for
 * its first batch. Each weight has its own key, folded from its path. Source: taming
 * `modules/discriminator/model.py`, weights_init; PyTorch's Conv2d for the biases.
 */
export function initializeDiscriminator(model: PatchDiscriminator, key: Key): void {
  const weights = model.namedWeights();
  for (const [name, variable] of weights) {
    const { shape } = variable;
    const own = foldInNames(key, name.split('.'));
    const around = (mean: number): Float32Array => normal(own, shape).map((x) => mean + 0.02 * x);
    const fresh = (): Float32Array | undefined => {
      if (name.endsWith('.kernel')) return around(0);
      const isBatchNorm = weights.has(name.replace(/\.scale$/, '.running_mean'));
      if (name.endsWith('.scale') && isBatchNorm) return around(1);
      if (!/^conv\d+\.bias$/.test(name)) return undefined;
      const kernel = weights.get(name.replace('bias', 'kernel')) as tf.Variable;
      const bound = 1 / Math.sqrt(kernel.size / (kernel.shape[3] as number));
      return uniform(own, shape, { minval: -bound, maxval: bound });
    };
    const values = fresh();
    if (values !== undefined) tf.tidy(() => variable.assign(tf.tensor(values, shape)));
  }
}

const BATCH_NORM_EPSILON = 1e-5;
const BATCH_NORM_MOMENTUM = 0.1;

/**
 * y = scale·(x − mean)/√(variance + 1e-5) + bias for each channel. Training uses mean and biased
 * variance over batch and space; otherwise the running statistics are used. Training moves these
 * with momentum 0.1 towards the mean and the unbiased variance. Source: PyTorch's BatchNorm2d.
 */
class BatchNorm extends CompositeLayer {
  private readonly scale: ReturnType<BatchNorm['addWeight']>;
  private readonly bias: ReturnType<BatchNorm['addWeight']>;
  private readonly runningMean: ReturnType<BatchNorm['addWeight']>;
  private readonly runningVariance: ReturnType<BatchNorm['addWeight']>;

  constructor(channels: number) {
    super();
    const weight = (name: string, one: boolean, trainable: boolean) =>
      this.addWeight(
        name,
        [channels],
        'float32',
        one ? tf.initializers.ones() : tf.initializers.zeros(),
        undefined,
        trainable,
      );
    this.scale = weight('scale', true, true);
    this.bias = weight('bias', false, true);
    this.runningMean = weight('running_mean', false, false);
    this.runningVariance = weight('running_var', true, false);
  }

  normalize(x: tf.Tensor4D, training: boolean): tf.Tensor4D {
    if (!training) return this.affine(tf.sub(x, this.runningMean.read()), this.runningVariance.read());
    const mean = tf.mean(x, [0, 1, 2]);
    const centred = tf.sub(x, mean);
    const variance = tf.mean(tf.square(centred), [0, 1, 2]);
    const count = x.size / x.shape[3];
    this.follow(this.runningMean, mean, 1);
    this.follow(this.runningVariance, variance, count / Math.max(1, count - 1));
    return this.affine(centred, variance);
  }

  private affine(centred: tf.Tensor, variance: tf.Tensor): tf.Tensor4D {
    const factor = tf.mul(this.scale.read(), tf.rsqrt(tf.add(variance, BATCH_NORM_EPSILON)));
    return tf.add(tf.mul(centred, factor), this.bias.read());
  }

  private follow(statistic: ReturnType<BatchNorm['addWeight']>, fresh: tf.Tensor, factor: number): void {
    const old = statistic.read();
    const next = tf.add(tf.mul(old, 1 - BATCH_NORM_MOMENTUM), tf.mul(fresh, BATCH_NORM_MOMENTUM * factor));
    statistic.write(next);
  }
}

/**
 * y = scale·(x + loc) for each channel. From the first batch in training, `start` sets loc = −mean
 * and scale = 1/(deviation + 1e-6), with the unbiased deviation. Source: Kingma and Dhariwal 2018,
 * arXiv:1807.03039; taming `modules/util.py`, ActNorm.
 */
class ActNorm extends CompositeLayer {
  private readonly loc: ReturnType<ActNorm['addWeight']>;
  private readonly scale: ReturnType<ActNorm['addWeight']>;
  private readonly initialized: ReturnType<ActNorm['addWeight']>;
  /**
   * The data id of `initialized` when it was last seen to be set. If a checkpoint replaces the
   * data, the value is read again.
   */
  private seenStarted: object | undefined;

  constructor(channels: number) {
    super();
    this.loc = this.addWeight('loc', [1, 1, 1, channels], 'float32', tf.initializers.zeros());
    this.scale = this.addWeight('scale', [1, 1, 1, channels], 'float32', tf.initializers.ones());
    this.initialized = this.addWeight(
      'initialized',
      [],
      'float32',
      tf.initializers.zeros(),
      undefined,
      false,
    );
  }

  normalize(x: tf.Tensor4D, training: boolean): tf.Tensor4D {
    if (training && this.seenStarted !== this.initialized.read().dataId)
      throw new EaselError(
        'PatchDiscriminator: its ActNorm has no first values yet; await start(pictures) before it judges in training.',
      );
    return tf.mul(tf.add(x, this.loc.read()), this.scale.read());
  }

  /** Whether a batch or a checkpoint has set the values. */
  async isStarted(): Promise<boolean> {
    const initialized = this.initialized.read();
    if (this.seenStarted === initialized.dataId) return true;
    if ((await initialized.data())[0] === 0) return false;
    this.seenStarted = initialized.dataId;
    return true;
  }

  /** Sets the values from x [B, h, w, C]. */
  async start(x: tf.Tensor4D): Promise<void> {
    const rows = await x.data();
    const channels = x.shape[3];
    const count = rows.length / channels;
    const loc = new Float32Array(channels);
    const scale = new Float32Array(channels);
    for (let c = 0; c < channels; c++) {
      let mean = 0;
      for (let i = c; i < rows.length; i += channels) mean += (rows[i] as number) / count;
      let squares = 0;
      for (let i = c; i < rows.length; i += channels) squares += ((rows[i] as number) - mean) ** 2;
      loc[c] = -mean;
      scale[c] = 1 / (Math.sqrt(squares / (count - 1)) + 1e-6);
    }
    tf.tidy(() => {
      this.loc.write(tf.tensor4d(loc, [1, 1, 1, channels]));
      this.scale.write(tf.tensor4d(scale, [1, 1, 1, channels]));
      this.initialized.write(tf.scalar(1));
    });
    this.seenStarted = this.initialized.read().dataId;
  }
}
