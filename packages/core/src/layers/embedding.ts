import * as tf from '@tensorflow/tfjs';
import { embedding } from '../ops/embedding.js';
import { CompositeLayer, singleInput } from './composite-layer.js';
import { defaultKernelInitializer, type InitializerOption, resolveInitializer } from './initializer.js';

/** Sizes of an Embedding layer. */
export interface EmbeddingConfig {
  /** V, the number of rows. */
  readonly entries: number;
  /** D, the width of a row. */
  readonly size: number;
  /** Default N(0, 0.02²). */
  readonly kernelInitializer?: InitializerOption;
  readonly name?: string;
}

/** Looks up rows: int32 ids [..] → float32 [.., size]. Weight: embedding [entries, size]. */
export class Embedding extends CompositeLayer {
  static className = 'EaselEmbedding';
  private readonly config: EmbeddingConfig;
  private readonly table: ReturnType<Embedding['addWeight']>;

  constructor(config: EmbeddingConfig) {
    super(config.name === undefined ? {} : { name: config.name });
    this.config = config;
    const initializer = resolveInitializer(config.kernelInitializer, defaultKernelInitializer);
    this.table = this.addWeight('embedding', [config.entries, config.size], 'float32', initializer);
  }

  /** The weight itself, for a model that ties its output layer to it. */
  get weight(): tf.Variable {
    return this.table.read() as tf.Variable;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const ids = singleInput(inputs, this);
    // tf.model passes float32 where no dtype was asked for.
    return tf.tidy(() => embedding(this.table.read(), ids.dtype === 'int32' ? ids : tf.cast(ids, 'int32')));
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return [...(inputShape as tf.Shape), this.config.size];
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), entries: this.config.entries, size: this.config.size };
  }
}
tf.serialization.registerClass(Embedding);
