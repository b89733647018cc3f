import { CompositeLayer, type Key, rematerialize } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import { Attention } from './attention.js';
import { FeedForward, type FeedForwardBlock, Glu } from './feed-forward.js';
import { lastNorm, makeNorm, NORM_PLACEMENTS } from './norm-placement.js';
import { Residual, residualGain } from './residual.js';
import { type PassOptions, Stack } from './stack.js';
import type { LayerConfig } from './version.js';

/**
 * One encoder layer: self-attention, then feed-forward, each inside a residual. Source: dalle-mini
 * `modeling.py`, FlaxBartEncoderLayer.
 */
class EncoderLayer extends CompositeLayer {
  static className = 'EaselBartEncoderLayer';

  private readonly selfAttention: Attention;
  private readonly aroundAttention: Residual;
  private readonly feedForward: FeedForwardBlock;
  private readonly aroundFeedForward: Residual;

  constructor(config: LayerConfig, index: number) {
    super();
    const dropouts = config.version.layerDropouts(config, 'encoder', index);
    const gain = residualGain(config, 'encoder');
    const norms = NORM_PLACEMENTS[config.lnPositions].attention;
    const width = config.dModel;

    const pre = norms.preEncoderSelf;
    this.aroundAttention = new Residual({
      pre: pre && this.child('pre_attention_norm', makeNorm(config, width, pre)),
      post: norms.post && this.child('post_attention_norm', makeNorm(config, width, norms.post)),
      end: norms.end && this.child('attention_end_norm', makeNorm(config, width, norms.end)),
      dropout: dropouts.self,
      gain,
    });
    this.selfAttention = this.child(
      'self_attn',
      new Attention(config, {
        heads: config.encoderAttentionHeads,
        midNorm: norms.mid,
        sinkhornIters: config.sinkhornIters,
        queryLength: config.maxTextLength,
        keyLength: config.maxTextLength,
      }),
    );
    this.feedForward = config.useGlu
      ? this.child('glu', new Glu(config, config.encoderFfnDim, dropouts))
      : this.child('ffn', new FeedForward(config, config.encoderFfnDim, dropouts));
    const last = lastNorm(config, index, config.encoderLayers);
    this.aroundFeedForward = new Residual({
      end: last && this.child('end_norm', makeNorm(config, width, last)),
      gain,
    });
  }

  /** x and result: float32 [B, S, D]; bias: [B, 1, 1, S]. */
  forward(x: tf.Tensor3D, bias: tf.Tensor4D, dropoutKey: Key | undefined): tf.Tensor3D {
    return tf.tidy(() => {
      const attended = this.aroundAttention.around(x, dropoutKey, (n) =>
        this.selfAttention.forward(n, this.selfAttention.project(n), { bias }),
      );
      return this.aroundFeedForward.around(attended, dropoutKey, (n) =>
        this.feedForward.forward(n, dropoutKey),
      );
    });
  }
}

/** The encoder: text ids → states [B, S, D] that the decoder looks at. */
export class Encoder extends Stack {
  static className = 'EaselBartEncoder';

  private readonly layers: EncoderLayer[];

  constructor(config: LayerConfig) {
    super(config, 'encoder', {
      vocabulary: config.encoderVocabSize,
      positions: config.maxTextLength,
    });
    this.layers = Array.from({ length: config.encoderLayers }, (_, i) =>
      this.child(`layers.${i}`, new EncoderLayer(config, i)),
    );
    this.addFinalNorm(config, config.useFinalLnEncoder);
  }

  /**
   * Runs all layers. ids: int32 [B, S]; bias: float32 [B, 1, 1, S], MASKED at padding; result [B,
   * S, D]. Padded places of the result hold values too.
   *
   * `onHidden` is called with the state before the first layer and after each layer, for
   * inspection.
   */
  forward(
    ids: tf.Tensor2D,
    bias: tf.Tensor4D,
    { dropoutKey, onHidden, rematerialize: recompute = false }: PassOptions,
  ): tf.Tensor3D {
    return tf.tidy(() => {
      let x = this.embed(ids, 0, dropoutKey);
      onHidden?.(x);
      for (const layer of this.layers) {
        const forward = (y: tf.Tensor3D, mask: tf.Tensor4D): tf.Tensor3D =>
          layer.forward(y, mask, dropoutKey);
        x = recompute
          ? rematerialize(forward, [x], [...layer.namedWeights().values()], [bias])
          : forward(x, bias);
        onHidden?.(x);
      }
      return this.finish(x);
    });
  }
}
