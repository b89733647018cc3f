import { CompositeLayer, type Key, rematerialize, updateRows } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import { type AttendOptions, Attention, type KeysAndValues } from './attention.js';
import type { DecodeState, StepRows } from './decode-state.js';
import { FeedForward, type FeedForwardBlock, Glu } from './feed-forward.js';
import { lastNorm, makeNorm, NORM_PLACEMENTS } from './norm-placement.js';
import { Residual, residualGain } from './residual.js';
import { type PassOptions, Stack } from './stack.js';
import type { LayerConfig } from './version.js';

/**
 * Options and source of a layer's self-attention. `keysAndValues` gives all of a row at once in
 * training, and a cache while drawing.
 */
interface SelfContext extends AttendOptions {
  keysAndValues(normed: tf.Tensor3D, selfAttention: Attention): KeysAndValues;
}

/**
 * Options and source of a layer's cross-attention. `keysAndValues` are those that
 * crossAttention.project made of the text.
 */
interface CrossContext extends AttendOptions {
  readonly keysAndValues: KeysAndValues;
}

/**
 * One decoder layer: self-attention, cross-attention, feed-forward. Source: dalle-mini
 * `modeling.py`, FlaxBartDecoderLayer.
 */
class DecoderLayer extends CompositeLayer {
  static className = 'EaselBartDecoderLayer';

  readonly crossAttention: Attention;
  private readonly selfAttention: Attention;
  private readonly aroundSelf: Residual;
  private readonly aroundCross: Residual;
  private readonly feedForward: FeedForwardBlock;
  private readonly aroundFeedForward: Residual;

  constructor(config: LayerConfig, index: number) {
    super();
    const dropouts = config.version.layerDropouts(config, 'decoder', index);
    const gain = residualGain(config, 'decoder');
    const norms = NORM_PLACEMENTS[config.lnPositions].attention;
    const width = config.dModel;
    const shared = { heads: config.decoderAttentionHeads, queryLength: config.imageLength, sinkhornIters: 1 };

    const preSelf = norms.preDecoderSelf;
    this.aroundSelf = new Residual({
      pre: preSelf && this.child('pre_attention_norm', makeNorm(config, width, preSelf)),
      post: norms.post && this.child('post_attention_norm', makeNorm(config, width, norms.post)),
      end: norms.end && this.child('attention_end_norm', makeNorm(config, width, norms.end)),
      dropout: dropouts.self,
      gain,
    });
    this.selfAttention = this.child(
      'self_attn',
      new Attention(config, { ...shared, midNorm: norms.mid, keyLength: config.imageLength }),
    );

    const preCross = norms.preCross;
    this.aroundCross = new Residual({
      pre: preCross && this.child('pre_cross_norm', makeNorm(config, width, preCross)),
      post: norms.post && this.child('post_cross_norm', makeNorm(config, width, norms.post)),
      end: norms.end && this.child('cross_end_norm', makeNorm(config, width, norms.end)),
      dropout: dropouts.cross,
      gain,
    });
    this.crossAttention = this.child(
      'cross_attn',
      new Attention(config, { ...shared, keyLength: config.maxTextLength }),
    );

    this.feedForward = config.useGlu
      ? this.child('glu', new Glu(config, config.decoderFfnDim, dropouts))
      : this.child('ffn', new FeedForward(config, config.decoderFfnDim, dropouts));
    const last = lastNorm(config, index, config.decoderLayers);
    this.aroundFeedForward = new Residual({
      end: last && this.child('end_norm', makeNorm(config, width, last)),
      gain,
    });
  }

  /** x and result: float32 [B, T, D]. The bias of `cross` is [B, 1, 1, S]. */
  forward(x: tf.Tensor3D, self: SelfContext, cross: CrossContext, dropoutKey?: Key): tf.Tensor3D {
    const { firstQuery } = self;
    return tf.tidy(() => {
      const attended = this.aroundSelf.around(x, dropoutKey, (n) =>
        this.selfAttention.forward(n, self.keysAndValues(n, this.selfAttention), self),
      );
      const crossed = this.aroundCross.around(attended, dropoutKey, (n) =>
        this.crossAttention.forward(n, cross.keysAndValues, { ...cross, firstQuery }),
      );
      return this.aroundFeedForward.around(crossed, dropoutKey, (n) =>
        this.feedForward.forward(n, dropoutKey),
      );
    });
  }
}

/**
 * The decoder: image ids and the encoded text → states [B, T, D], from which the head makes logits.
 */
export class Decoder extends Stack {
  static className = 'EaselBartDecoder';

  /** D. */
  readonly width: number;
  private readonly layers: DecoderLayer[];

  constructor(config: LayerConfig) {
    super(config, 'decoder', {
      vocabulary: config.imageVocabSize + 1,
      positions: config.imageLength,
    });
    this.width = config.dModel;
    this.layers = Array.from({ length: config.decoderLayers }, (_, i) =>
      this.child(`layers.${i}`, new DecoderLayer(config, i)),
    );
    this.addFinalNorm(config, config.useFinalLnDecoder);
  }

  /** Number of layers. */
  get depth(): number {
    return this.layers.length;
  }

  /**
   * Runs all layers over whole rows. ids: int32 [B, T]; encoded: float32 [B, S, D]; crossBias: [B,
   * 1, 1, S]; result [B, T, D]. paddingBias is [B, 1, 1, T], with MASKED at tokens that no query
   * may look at; a token never looks ahead in any case. `onHidden` works as in the encoder.
   */
  forward(
    ids: tf.Tensor2D,
    encoded: tf.Tensor3D,
    paddingBias: tf.Tensor4D | undefined,
    crossBias: tf.Tensor4D,
    { dropoutKey, onHidden, rematerialize: recompute = false }: PassOptions,
  ): tf.Tensor3D {
    return tf.tidy(() => {
      let x = this.embed(ids, 0, dropoutKey);
      onHidden?.(x);
      for (const layer of this.layers) {
        const forward = (
          y: tf.Tensor3D,
          text: tf.Tensor3D,
          textMask: tf.Tensor4D,
          mask?: tf.Tensor4D,
        ): tf.Tensor3D => {
          const self: SelfContext = {
            bias: mask,
            causal: true,
            keysAndValues: (n, attention) => attention.project(n),
          };
          const cross = { keysAndValues: layer.crossAttention.project(text), bias: textMask };
          return layer.forward(y, self, cross, dropoutKey);
        };
        const masks: [tf.Tensor4D, tf.Tensor4D?] = paddingBias ? [crossBias, paddingBias] : [crossBias];
        const inputs: [tf.Tensor3D, tf.Tensor3D] = [x, encoded];
        x = recompute
          ? rematerialize(
              forward,
              inputs,
              [...layer.namedWeights().values()],
              masks as [tf.Tensor4D, tf.Tensor4D],
            )
          : forward(...inputs, ...masks);
        onHidden?.(x);
      }
      return this.finish(x);
    });
  }

  /**
   * Computes the keys and values of texts for each layer's cross-attention: encoded float32 [n, S,
   * D] → [n, S, D]. The caller disposes them.
   */
  projectTexts(encoded: tf.Tensor3D): KeysAndValues[] {
    return this.layers.map((layer) => layer.crossAttention.project(encoded));
  }

  /**
   * Runs all layers over one token of each of B rows of a state, and adds the tokens to the state's
   * caches. Each token has its own position. The result is float32 [B, 1, D]. If it throws, the
   * state is unchanged except at these positions.
   */
  step(state: DecodeState, rows: StepRows): tf.Tensor3D {
    const updated: KeysAndValues[] = [];
    const made: tf.Tensor3D[] = [];
    try {
      const result = tf.tidy(() => {
        const { positions, lengths, cacheRows, texts, textLengths, textBias } = state.numbersOf(rows);
        let x = this.embed(tf.tensor2d(rows.ids, [rows.ids.length, 1], 'int32'), positions, undefined);
        for (const [i, layer] of this.layers.entries()) {
          const cache = state.layerCache(i);
          const self: SelfContext = {
            keyLength: lengths,
            firstQuery: positions,
            keyRows: cacheRows,
            keysAndValues: (n, attention) => {
              const now = attention.project(n); // [B, 1, D]
              const written = (all: tf.Tensor3D, own: tf.Tensor3D): tf.Tensor3D => {
                const after = tf.keep(updateRows(all, own, positions, { cacheRows }));
                made.push(after);
                return after;
              };
              const grown = {
                keys: written(cache.self.keys, now.keys),
                values: written(cache.self.values, now.values),
              };
              updated.push(grown);
              return grown;
            },
          };
          const cross = {
            keysAndValues: cache.texts,
            bias: textBias,
            keyLength: textLengths,
            keyRows: texts,
          };
          x = layer.forward(x, self, cross);
        }
        return this.finish(x);
      });
      for (const [i, grown] of updated.entries()) state.replaceSelf(i, grown);
      return result;
    } catch (error) {
      tf.dispose(made);
      throw error;
    }
  }
}
