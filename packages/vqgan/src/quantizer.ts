import { CompositeLayer, Embedding, embedding } from '@easel/core';
import { singleInput } from '@easel/core/internals';
import * as tf from '@tensorflow/tfjs';

/**
 * Returns the index of the code nearest to each row by Euclidean distance; of equally near codes
 * the first.
 *
 * rows: float32 [R, E]; codes: float32 [n, E]; result: int32 [R]. There is no gradient.
 * ‖z − e‖² is smallest where z·e − ½‖e‖² is largest, so ‖z‖² is never computed and the bias goes
 * into the product.
 */
export function nearestCodes(rows: tf.Tensor2D, codes: tf.Tensor2D): tf.Tensor1D {
  return tf.tidy(() => {
    const halfSquares = tf.mul(tf.sum(tf.square(codes), 1), -0.5); // [n]
    // transposeB is not used, because tfjs's wasm backend (4.22) then leaves the bias out.
    const scores = tf.fused.matMul({ a: rows, b: tf.transpose(codes), bias: halfSquares }); // [R, n]
    return tf.argMax(scores, 1) as tf.Tensor1D;
  });
}

/**
 * The codebook, [nEmbed, embedDim].
 *
 * `call` replaces each latent of [B, h, w, E] by its nearest code. Tokens are read row by row: t =
 * w·y + x. Source: taming `modules/vqvae/quantize.py`, VectorQuantizer2.
 */
export class Quantizer extends CompositeLayer {
  private readonly table: Embedding;

  constructor(nEmbed: number, embedDim: number) {
    super();
    this.table = this.child(
      'embedding',
      new Embedding({ entries: nEmbed, size: embedDim, kernelInitializer: 'zeros' }),
    );
  }

  /** The codes, [nEmbed, embedDim]. The caller must not dispose them. */
  get codes(): tf.Variable<tf.Rank.R2> {
    return this.table.weight as tf.Variable<tf.Rank.R2>;
  }

  /** Chooses codes for latents [B, h, w, E]: indices int32 [B, h·w]. */
  indices(latents: tf.Tensor4D): tf.Tensor2D {
    const [batch, height, width, size] = latents.shape;
    return tf.tidy(() => {
      const rows = tf.reshape(latents, [batch * height * width, size]) as tf.Tensor2D;
      return tf.reshape(nearestCodes(rows, this.codes), [batch, height * width]) as tf.Tensor2D;
    });
  }

  /**
   * Looks up the codes of indices, which may have any shape: int32 [..] → [.., E]. The codes'
   * gradient adds up over equal indices.
   */
  lookUp(indices: tf.Tensor): tf.Tensor {
    return embedding(this.codes, indices);
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor4D {
    return tf.tidy(() => {
      const latents = singleInput(inputs, this) as tf.Tensor4D;
      return tf.reshape(this.lookUp(this.indices(latents)), latents.shape) as tf.Tensor4D;
    });
  }
}
