import * as tf from '@tensorflow/tfjs';
import type { FusableActivation } from '../ops/activation.js';
import { type LinearOptions, linear } from '../ops/linear.js';
import { CompositeLayer, singleInput } from './composite-layer.js';
import { defaultKernelInitializer, type InitializerOption, resolveInitializer } from './initializer.js';

/** Sizes of a Dense layer. */
export interface DenseConfig {
  readonly inputSize: number;
  readonly outputSize: number;
  /** Default true. */
  readonly useBias?: boolean;
  /** Default none. */
  readonly activation?: FusableActivation;
  /** Default N(0, 0.02²). */
  readonly kernelInitializer?: InitializerOption;
  readonly name?: string;
}

/**
 * y = activation(x·kernel + bias) over the last axis: [.., inputSize] → [.., outputSize]. Weights:
 * kernel [inputSize, outputSize], bias [outputSize].
 */
export class Dense extends CompositeLayer {
  static className = 'EaselDense';
  private readonly config: DenseConfig;
  private readonly after: LinearOptions;
  private readonly kernel: ReturnType<Dense['addWeight']>;
  private readonly bias: ReturnType<Dense['addWeight']> | undefined;

  constructor(config: DenseConfig) {
    super(config.name === undefined ? {} : { name: config.name });
    this.config = config;
    const { inputSize, outputSize, useBias = true, activation } = config;
    this.after = activation === undefined ? {} : { activation };
    const initializer = resolveInitializer(config.kernelInitializer, defaultKernelInitializer);
    this.kernel = this.addWeight('kernel', [inputSize, outputSize], 'float32', initializer);
    if (useBias) this.bias = this.addWeight('bias', [outputSize], 'float32', tf.initializers.zeros());
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return linear(singleInput(inputs, this), this.kernel.read(), this.bias?.read(), this.after);
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return [...(inputShape as tf.Shape).slice(0, -1), this.config.outputSize];
  }

  override getConfig(): tf.serialization.ConfigDict {
    const { inputSize, outputSize, useBias = true, activation } = this.config;
    return {
      ...super.getConfig(),
      inputSize,
      outputSize,
      useBias,
      ...(activation === undefined ? {} : { activation }),
    };
  }
}
tf.serialization.registerClass(Dense);
