import { CompositeLayer, type Key, rematerialize, updateRows } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import { type AttendOptions, Attention, type KeysAndValues } from './attention.js';
import { FeedForward, type FeedForwardBlock, Glu } from './feed-forward.js';
import { lastNorm, makeNorm, NORM_PLACEMENTS } from './norm-placement.js';
import { Residual, residualGain } from './residual.js';
import { type PassOptions, Stack } from './stack.js';
import type { LayerConfig } from './version.js';

/** What a layer's self-attention looks at, and how: all of a row at once, or a cache while drawing. */
interface SelfContext extends AttendOptions {
  keysAndValues(normed: tf.Tensor3D, selfAttention: Attention): KeysAndValues;
}

/** Self-attention, cross-attention, feed-forward. Source: dalle-mini `modeling.py`, FlaxBartDecoderLayer. */
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

  /** x and result: float32 [B, T, D]; `cross` as crossAttention.project made it; crossBias: [B, 1, 1, S]. */
  forward(
    x: tf.Tensor3D,
    self: SelfContext,
    cross: KeysAndValues,
    crossBias: tf.Tensor4D,
    dropoutKey?: Key,
  ): tf.Tensor3D {
    const { firstQuery = 0 } = self;
    return tf.tidy(() => {
      const attended = this.aroundSelf.around(x, dropoutKey, (n) =>
        this.selfAttention.forward(n, self.keysAndValues(n, this.selfAttention), self),
      );
      const crossed = this.aroundCross.around(attended, dropoutKey, (n) =>
        this.crossAttention.forward(n, cross, { bias: crossBias, firstQuery }),
      );
      return this.aroundFeedForward.around(crossed, dropoutKey, (n) =>
        this.feedForward.forward(n, dropoutKey),
      );
    });
  }
}

/** What one layer keeps while drawing: float32 [B, T, D] of its own rows, [B, S, D] of the text. */
interface LayerCache {
  self: KeysAndValues;
  readonly cross: KeysAndValues;
}

/** A picture being drawn: `position` tokens of each row are in. Made by startDecoding; dispose it when done. */
export class DecodeState {
  position = 0;
  readonly caches: LayerCache[];
  readonly crossBias: tf.Tensor4D;

  constructor(caches: LayerCache[], crossBias: tf.Tensor4D) {
    this.caches = caches;
    this.crossBias = crossBias;
  }

  /** Saves the state from the tf.tidy around it. */
  keep(): this {
    tf.keep(this.crossBias);
    for (const { self, cross } of this.caches) {
      for (const tensor of [self.keys, self.values, cross.keys, cross.values]) tf.keep(tensor);
    }
    return this;
  }

  /**
   * Row i goes on from what row rows[i] has drawn so far; texts stay where they are, so rows must only move between copies of
   * one text. rows: [B].
   */
  reorder(rows: Int32Array): void {
    if (rows.every((from, row) => from === row)) return;
    const order = tf.tensor1d(rows, 'int32');
    for (const cache of this.caches) {
      const { keys, values } = cache.self;
      cache.self = { keys: tf.gather(keys, order), values: tf.gather(values, order) };
      tf.dispose([keys, values]);
    }
    order.dispose();
  }

  /** Frees the caches. */
  dispose(): void {
    this.crossBias.dispose();
    for (const { self, cross } of this.caches) tf.dispose([self.keys, self.values, cross.keys, cross.values]);
  }
}

/** Image ids and the encoded text → states, from which the head makes logits. */
export class Decoder extends Stack {
  static className = 'EaselBartDecoder';

  private readonly layers: DecoderLayer[];
  private readonly dModel: number;
  private readonly imageLength: number;

  constructor(config: LayerConfig) {
    super(config, 'decoder', {
      vocabulary: config.imageVocabSize + 1,
      positions: config.imageLength,
    });
    this.dModel = config.dModel;
    this.imageLength = config.imageLength;
    this.layers = Array.from({ length: config.decoderLayers }, (_, i) =>
      this.child(`layers.${i}`, new DecoderLayer(config, i)),
    );
    this.addFinalNorm(config, config.useFinalLnDecoder);
  }

  /**
   * ids: int32 [B, T]; encoded: float32 [B, S, D]; paddingBias: [B, 1, 1, T], MASKED at tokens that nobody may look at (a token never
   * looks ahead anyway); crossBias: [B, 1, 1, S]; result [B, T, D]. `onHidden` as in the encoder.
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
          return layer.forward(y, self, layer.crossAttention.project(text), textMask, dropoutKey);
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

  /** Projects the text once for all steps and makes room for imageLength tokens a row. Takes over crossBias. */
  start(encoded: tf.Tensor3D, crossBias: tf.Tensor4D): DecodeState {
    const rows = encoded.shape[0];
    const room = (): tf.Tensor3D => tf.zeros([rows, this.imageLength, this.dModel]);
    const caches = this.layers.map((layer) => ({
      self: { keys: room(), values: room() },
      cross: layer.crossAttention.project(encoded),
    }));
    return new DecodeState(caches, crossBias);
  }

  /** One token a row: ids int32 [B, 1] at the state's position, which moves on; result float32 [B, 1, D]. */
  step(state: DecodeState, ids: tf.Tensor2D): tf.Tensor3D {
    const { position } = state;
    const updated: KeysAndValues[] = [];
    const result = tf.tidy(() => {
      let x = this.embed(ids, position, undefined);
      for (const [i, layer] of this.layers.entries()) {
        const cache = state.caches[i] as LayerCache;
        const self: SelfContext = {
          keyLength: position + 1,
          firstQuery: position,
          keysAndValues: (n, attention) => {
            const now = attention.project(n); // [B, 1, D]
            const grown = {
              keys: tf.keep(updateRows(cache.self.keys, now.keys, position)),
              values: tf.keep(updateRows(cache.self.values, now.values, position)),
            };
            updated.push(grown);
            return grown;
          },
        };
        x = layer.forward(x, self, cache.cross, state.crossBias);
      }
      return this.finish(x);
    });
    for (const [i, grown] of updated.entries()) {
      const cache = state.caches[i] as LayerCache;
      tf.dispose([cache.self.keys, cache.self.values]);
      cache.self = grown;
    }
    state.position = position + 1;
    return result;
  }
}
