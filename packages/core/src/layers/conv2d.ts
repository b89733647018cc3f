import * as tf from '@tensorflow/tfjs';
import { type Conv2dPadding, conv2d } from '../ops/conv2d.js';
import { CompositeLayer, singleInput } from './composite-layer.js';
import { defaultKernelInitializer, type InitializerOption, resolveInitializer } from './initializer.js';

/** Sizes of a Conv2d layer. */
export interface Conv2dConfig {
  readonly inputChannels: number;
  readonly outputChannels: number;
  /** The side of the square kernel, or [height, width]. */
  readonly kernelSize: number | readonly [number, number];
  /** Default 1. */
  readonly stride?: number;
  /** Default 'same'. */
  readonly padding?: Conv2dPadding;
  /** Default true. */
  readonly useBias?: boolean;
  /** Default N(0, 0.02²). */
  readonly kernelInitializer?: InitializerOption;
  readonly name?: string;
}

/**
 * Convolution [B, H, W, inputChannels] → [B, H', W', outputChannels]. Weights: kernel
 * [h, w, in, out], bias [out].
 */
export class Conv2d extends CompositeLayer {
  static className = 'EaselConv2d';
  private readonly config: Required<Omit<Conv2dConfig, 'name' | 'kernelInitializer'>>;
  private readonly kernel: ReturnType<Conv2d['addWeight']>;
  private readonly bias: ReturnType<Conv2d['addWeight']> | undefined;

  constructor(config: Conv2dConfig) {
    super(config.name === undefined ? {} : { name: config.name });
    const {
      inputChannels,
      outputChannels,
      kernelSize,
      stride = 1,
      padding = 'same',
      useBias = true,
    } = config;
    this.config = { inputChannels, outputChannels, kernelSize, stride, padding, useBias };
    const [height, width] = kernelSides(kernelSize);
    const initializer = resolveInitializer(config.kernelInitializer, defaultKernelInitializer);
    this.kernel = this.addWeight(
      'kernel',
      [height, width, inputChannels, outputChannels],
      'float32',
      initializer,
    );
    if (useBias) this.bias = this.addWeight('bias', [outputChannels], 'float32', tf.initializers.zeros());
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor4D {
    const x = singleInput(inputs, this) as tf.Tensor4D;
    return conv2d(x, this.kernel.read() as tf.Tensor4D, this.bias?.read(), this.config);
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    const [batch, height, width] = inputShape as [number | null, number | null, number | null];
    const { kernelSize, outputChannels } = this.config;
    const [kernelHeight, kernelWidth] = kernelSides(kernelSize);
    return [
      batch,
      this.outputSide(height, kernelHeight, 0),
      this.outputSide(width, kernelWidth, 1),
      outputChannels,
    ];
  }

  private outputSide(side: number | null, kernel: number, axis: 0 | 1): number | null {
    if (side === null) return null;
    const { stride, padding } = this.config;
    if (padding === 'same') return Math.ceil(side / stride);
    const padded = padding === 'valid' ? side : side + padding[axis][0] + padding[axis][1];
    return Math.floor((padded - kernel) / stride) + 1;
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), ...this.config } as unknown as tf.serialization.ConfigDict;
  }
}
tf.serialization.registerClass(Conv2d);

function kernelSides(kernelSize: number | readonly [number, number]): readonly [number, number] {
  return typeof kernelSize === 'number' ? [kernelSize, kernelSize] : kernelSize;
}
