import type { DalleBartConfig } from '@easel/bart';

/** The size of an update. */
export interface StepSize {
  /** Number of rows of all micro-batches. */
  readonly rows: number;
  /** Number of text tokens of a row, padding included. */
  readonly textLength: number;
  /** Whether layers are computed again for the gradient. */
  readonly rematerialize: boolean;
  /** The weights that are trained. */
  readonly trainable: 'all' | 'embeddings';
}

/**
 * Counts the floating-point operations of the products of an update, forwards and backwards, with
 * two for each multiply-add. Norms, activations and the optimizer (1 % or less) are not counted,
 * nor are products that attention's gradient computes again. Of causal attention only the half that
 * is computed counts.
 *
 * A product has two gradients, each of the product's own cost. If only the image side is trained,
 * the decoder passes gradients on but takes none of its kernels, and the encoder has no gradients.
 */
export function stepFlop(
  config: DalleBartConfig,
  { rows, textLength, rematerialize, trainable }: StepSize,
): number {
  const { dModel: width, imageLength, encoderLayers, decoderLayers } = config;
  const dense = (length: number, inputs: number, outputs: number) => 2 * length * inputs * outputs;
  const feedForward = (length: number, inner: number) =>
    (config.useGlu ? 3 : 2) * dense(length, width, inner);
  const attended = (pairs: number) => 4 * pairs * width; // q·k, then probabilities times v

  const encoderLayer =
    4 * dense(textLength, width, width) +
    attended(textLength * textLength) +
    feedForward(textLength, config.encoderFfnDim);
  const textKeys = 2 * dense(textLength, width, width);
  const decoderPass =
    6 * dense(imageLength, width, width) +
    attended((imageLength * (imageLength + 1)) / 2) +
    attended(imageLength * textLength) +
    feedForward(imageLength, config.decoderFfnDim);
  const head = dense(imageLength, width, config.imageVocabSize + 1);
  const products = encoderLayers * encoderLayer + decoderLayers * (decoderPass + textKeys);
  const again = rematerialize ? 1 : 0;
  if (trainable === 'all') return rows * ((3 + again) * products + 3 * head);
  // Attention always has the gradients of q, k and v. A kernel's product then has only the gradient
  // of its input.
  const attention = attended((imageLength * (imageLength + 1)) / 2) + attended(imageLength * textLength);
  const passedOn = decoderLayers * (decoderPass + attention);
  return rows * (products + passedOn + again * decoderLayers * (decoderPass + textKeys) + 3 * head);
}
