import { bernoulli, CompositeLayer, ConfigError, conv2d, foldIn, type Key, ShapeError } from '@easel/core';
import * as tf from '@tensorflow/tfjs';

/** Widths of VGG16's five levels. */
export const VGG16_WIDTHS = [64, 128, 256, 512, 512] as const;

/** Number of convolutions of each level. */
const CONVOLUTIONS = [2, 2, 3, 3, 3] as const;

/**
 * Colour statistics of LPIPS, for pictures in [−1, 1]. Source: taming `modules/losses/lpips.py`,
 * ScalingLayer.
 */
const SHIFT = [-0.03, -0.088, -0.188];
const SCALE = [0.458, 0.448, 0.45];

/** Number added to the length of a place's features. */
const LENGTH_EPSILON = 1e-10;
/**
 * Least squared length, so that the root has a gradient where all features are 0. The original
 * gives NaN there.
 */
const LEAST_SQUARE = 1e-30;

/** Settings of `Lpips.distance`. */
export interface LpipsOptions {
  /**
   * Masks of the features that count, float32 of 0 and 1: [B, h, w, C] for each of the five levels.
   * Features that count are doubled. This is the Dropout(0.5) that is switched on in the original's
   * training.
   */
  readonly keep?: readonly tf.Tensor4D[];
}

/**
 * LPIPS on VGG16: a measure of how different two pictures look.
 *
 *     d(x, y) = Σ over levels: mean over places of Σ_c w_c · (x̂_c − ŷ_c)²,  x̂ = features of x, each place divided by its length
 *
 * The features are those after relu1_2, relu2_2, relu3_3, relu4_3 and relu5_3, of the picture with
 * normalised colours. The weights are `conv<level>_<n>.kernel` [3, 3, I, O] and `.bias` [O], and
 * `lin<k>.kernel` [1, 1, C, 1]. They are zeros until they are loaded. Source: Zhang et al. 2018,
 * arXiv:1801.03924; taming `modules/losses/lpips.py`.
 */
export class Lpips extends CompositeLayer {
  static className = 'EaselLpips';
  private readonly levels: readonly (readonly Convolution[])[];
  private readonly linear: readonly Convolution[];

  /** `widths` holds the widths of the five levels (default VGG16's). */
  constructor(widths: readonly number[] = VGG16_WIDTHS) {
    super();
    if (widths.length !== CONVOLUTIONS.length || !widths.every((width) => width >= 1)) {
      throw new ConfigError(`Lpips: expected ${CONVOLUTIONS.length} positive widths, got [${widths}].`);
    }
    let input = 3;
    this.levels = widths.map((width, level) =>
      Array.from({ length: CONVOLUTIONS[level] as number }, (_, i) => {
        const layer = this.child(`conv${level + 1}_${i + 1}`, new Convolution(3, input, width));
        input = width;
        return layer;
      }),
    );
    this.linear = widths.map((width, k) =>
      this.child(`lin${k}`, new Convolution(1, width, 1, { linear: true })),
    );
  }

  /**
   * Computes the features of the five levels for pictures [B, H, W, 3] in [−1, 1]. Level k is [B,
   * ⌊H/2^k⌋, ⌊W/2^k⌋, C].
   */
  features(pictures: tf.Tensor4D): tf.Tensor4D[] {
    if (
      pictures.rank !== 4 ||
      pictures.shape[3] !== 3 ||
      Math.min(pictures.shape[1], pictures.shape[2]) < 16
    ) {
      throw new ShapeError(
        `Lpips: expected pictures [B, H, W, 3] of at least 16×16 pixels, got [${pictures.shape}].`,
      );
    }
    return tf.tidy(() => {
      let h = tf.div(tf.sub(pictures, tf.tensor1d(SHIFT)), tf.tensor1d(SCALE)) as tf.Tensor4D;
      return this.levels.map((convolutions, level) => {
        if (level > 0) h = tf.maxPool(h, 2, 2, 'valid');
        for (const convolution of convolutions) h = convolution.call(h);
        return h;
      });
    });
  }

  /**
   * Draws the masks of Dropout(0.5) for the features of pictures [B, H, W, 3], for `distance`. The
   * caller disposes them.
   */
  dropout(key: Key, [batch, height, width]: readonly [number, number, number, number]): tf.Tensor4D[] {
    return this.linear.map((linear, level) => {
      const side = (size: number): number => Math.floor(size / 2 ** level);
      const shape: [number, number, number, number] = [batch, side(height), side(width), linear.channels];
      return tf.tensor4d(Float32Array.from(bernoulli(foldIn(key, level), 0.5, shape)), shape);
    });
  }

  /** Computes the five levels' parts of the distance, [B] each. */
  parts(x: tf.Tensor4D, y: tf.Tensor4D, { keep }: LpipsOptions = {}): tf.Tensor1D[] {
    if (`${x.shape}` !== `${y.shape}`) {
      throw new ShapeError(`Lpips: expected two batches of one shape, got [${x.shape}] and [${y.shape}].`);
    }
    return tf.tidy(() => {
      const [left, right] = [this.features(x), this.features(y)];
      return left.map((features, k) => {
        const squares = tf.square(tf.sub(unitLength(features), unitLength(right[k] as tf.Tensor4D)));
        const mask = keep?.[k];
        const counted = mask === undefined ? squares : tf.mul(squares, tf.mul(mask, 2));
        const weighted = (this.linear[k] as Convolution).call(counted as tf.Tensor4D); // [B, h, w, 1]
        return tf.mean(weighted, [1, 2, 3]) as tf.Tensor1D;
      });
    });
  }

  /**
   * Computes the distance of each pair of pictures [B, H, W, 3] in [−1, 1]: [B]. Throws ShapeError
   * if the shapes differ.
   */
  distance(x: tf.Tensor4D, y: tf.Tensor4D, options: LpipsOptions = {}): tf.Tensor1D {
    return tf.tidy(() => tf.addN(this.parts(x, y, options)) as tf.Tensor1D);
  }

  /** Maps [pictures, pictures] to distances [B], as a layer of two inputs. */
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const [x, y] = (Array.isArray(inputs) ? inputs : []) as tf.Tensor4D[];
    if (x === undefined || y === undefined) {
      throw new ShapeError(`${this.name}: expected two inputs, the pictures to compare.`);
    }
    return this.distance(x, y);
  }
}

/** Returns names and shapes of the weights of an Lpips with these widths. */
export function lpipsParameters(widths: readonly number[] = VGG16_WIDTHS): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  let input = 3;
  for (const [level, width] of widths.entries()) {
    for (let i = 1; i <= (CONVOLUTIONS[level] as number); i++) {
      shapes.set(`conv${level + 1}_${i}.kernel`, [3, 3, input, width]);
      shapes.set(`conv${level + 1}_${i}.bias`, [width]);
      input = width;
    }
  }
  for (const [k, width] of widths.entries()) shapes.set(`lin${k}.kernel`, [1, 1, width, 1]);
  return shapes;
}

/** A convolution of stride 1 that keeps the size: with bias and relu, or linear with neither. */
class Convolution extends CompositeLayer {
  /** Number of input channels. */
  readonly channels: number;
  private readonly kernel: ReturnType<Convolution['addWeight']>;
  private readonly bias: ReturnType<Convolution['addWeight']> | undefined;

  constructor(side: number, input: number, output: number, { linear = false } = {}) {
    super();
    this.channels = input;
    this.kernel = this.addWeight('kernel', [side, side, input, output], 'float32', tf.initializers.zeros());
    if (!linear) this.bias = this.addWeight('bias', [output], 'float32', tf.initializers.zeros());
  }

  override call(x: tf.Tensor | tf.Tensor[]): tf.Tensor4D {
    const kernel = this.kernel.read() as tf.Tensor4D;
    return this.bias === undefined
      ? conv2d(x as tf.Tensor4D, kernel, undefined)
      : conv2d(x as tf.Tensor4D, kernel, this.bias.read(), { activation: 'relu' });
  }
}

/** Divides each place's features by their length. */
function unitLength(features: tf.Tensor4D): tf.Tensor4D {
  const squares = tf.sum(tf.square(features), 3, true);
  const length = tf.add(tf.sqrt(tf.maximum(squares, LEAST_SQUARE)), LENGTH_EPSILON);
  return tf.div(features, length);
}
