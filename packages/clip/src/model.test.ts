import { valueAndGrads } from '@easel/core';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { TEST_BACKENDS } from '../testing/backends.js';
import { goldenClip, largestDifference, readGolden, toTensor } from '../testing/golden.js';
import { parseClipConfig } from './config.js';
import { Clip } from './model.js';

/**
 * Float32 against float64 runs of the original differ by 3e-7 in embeddings, 4e-6 in scores, 3e-6
 * in states; another order of sums, as between Flax and PyTorch, by as much.
 */
const TOLERANCE = 2e-5;
const SCORE_TOLERANCE = 5e-5;

const CASES = [
  ['quick_gelu', 'flax_model.msgpack'],
  ['quick_gelu', 'model.safetensors'],
  ['gelu', 'flax_model.msgpack'],
] as const;

describe.each(TEST_BACKENDS)('on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  describe.each(CASES)('%s, weights of %s', (name, file) => {
    const golden = readGolden(`clip/${name}/io.safetensors`);
    let clip: Clip;
    let text: { inputIds: tf.Tensor2D; attentionMask: tf.Tensor2D };
    let pixels: tf.Tensor4D;
    beforeAll(async () => {
      clip = await goldenClip(name, file);
      text = {
        inputIds: toTensor(golden.get('input_ids')) as tf.Tensor2D,
        attentionMask: toTensor(golden.get('attention_mask')) as tf.Tensor2D,
      };
      pixels = tf.tidy(() => tf.transpose(toTensor(golden.get('pixel_values')) as tf.Tensor4D, [0, 2, 3, 1]));
    });
    afterAll(() => {
      clip.dispose();
      tf.dispose([text.inputIds, text.attentionMask, pixels]);
    });

    /** Compares what `compute` makes, by golden names, and checks that nothing else stays. */
    function compare(compute: () => Record<string, tf.Tensor>, tolerance: number): void {
      const before = tf.memory().numTensors;
      const made = tf.tidy(compute);
      expect(tf.memory().numTensors - before).toBe(Object.keys(made).length);
      for (const [key, tensor] of Object.entries(made)) {
        const expected = golden.get(key);
        expect([key, tensor.shape]).toEqual([key, expected.shape]);
        const difference = largestDifference(tensor.dataSync(), expected.data);
        expect({ key, within: difference <= tolerance, difference }).toMatchObject({ within: true });
      }
      tf.dispose(made);
    }

    test('states of the text tower', () => {
      compare(() => {
        const hidden: tf.Tensor[] = [];
        const { states, pooled } = clip.textStates(text, (state) => hidden.push(tf.keep(state.clone())));
        return {
          ...Object.fromEntries(hidden.map((state, i) => [`text_hidden_${i}`, state])),
          text_last_hidden_state: states,
          text_pooled: pooled,
        };
      }, TOLERANCE);
    });

    test('states of the image tower', () => {
      compare(() => {
        const hidden: tf.Tensor[] = [];
        const { states, pooled } = clip.imageStates(pixels, (state) => hidden.push(tf.keep(state.clone())));
        return {
          ...Object.fromEntries(hidden.map((state, i) => [`vision_hidden_${i}`, state])),
          vision_last_hidden_state: states,
          vision_pooled: pooled,
        };
      }, TOLERANCE);
    });

    test('features and embeddings', () => {
      compare(
        () => ({
          text_features: clip.textFeatures(text),
          image_features: clip.imageFeatures(pixels),
          text_embeds: clip.embedTexts(text),
          image_embeds: clip.embedImages(pixels),
          text_embeds_no_mask: clip.embedTexts({ inputIds: text.inputIds }),
        }),
        TOLERANCE,
      );
    });

    test('scores', () => {
      compare(() => {
        const scores = clip.call([pixels, text.inputIds, text.attentionMask]);
        return {
          logits_per_image: scores,
          logits_per_text: tf.transpose(scores),
          logits_per_image_no_mask: clip.call([pixels, text.inputIds]),
        };
      }, SCORE_TOLERANCE);
    });

    const once = file === 'flax_model.msgpack' ? test : test.skip; // the same weights again
    once('gradients of the scores reach every weight and agree with differences', () => {
      const weights = clip.namedWeights();
      const loss = (): tf.Scalar => {
        const scores = clip.call([pixels, text.inputIds, text.attentionMask]);
        return tf.sum(tf.square(tf.sub(scores, 3))) as tf.Scalar;
      };
      const { value, grads } = valueAndGrads(loss, weights);
      value.dispose();
      for (const [name, grad] of grads) {
        const size = tf.tidy(() => tf.max(tf.abs(grad)).dataSync()[0] as number);
        // A key's bias shifts all scores of a row alike: softmax does not see it.
        if (!name.endsWith('k_proj.bias')) expect([name, size > 1e-4]).toEqual([name, true]);
      }
      // The two numbers of each step are that far apart that float32 rounding of the loss counts
      // for a hundredth.
      for (const [name, step] of [
        ['logit_scale', 1e-2],
        ['vision_model.embeddings.class_embedding', 1e-2],
        ['text_model.encoder.layers.1.layer_norm2.scale', 1e-2],
        ['visual_projection.kernel', 1e-2],
      ] as const) {
        const weight = weights.get(name) as tf.Variable;
        const kept = weight.clone();
        const grad = grads.get(name) as tf.Tensor;
        const at = tf.tidy(() => tf.argMax(tf.reshape(tf.abs(grad), [-1])).dataSync()[0] as number);
        const along = (distance: number): number =>
          tf.tidy(() => {
            const values = Float32Array.from(kept.dataSync());
            values[at] = (values[at] as number) + distance;
            weight.assign(tf.tensor(values, kept.shape));
            return loss().dataSync()[0] as number;
          });
        const slope = (along(step) - along(-step)) / (2 * step);
        weight.assign(kept);
        kept.dispose();
        const expected = grad.dataSync()[at] as number;
        expect([name, Math.abs(slope - expected) <= 0.03 * Math.abs(expected)]).toEqual([name, true]);
      }
      tf.dispose([...grads.values()]);
    });
  });
});

describe('by hand', () => {
  const config = parseClipConfig({
    projection_dim: 3,
    text_config: {
      hidden_size: 2,
      num_attention_heads: 1,
      num_hidden_layers: 1,
      intermediate_size: 4,
      vocab_size: 9,
      max_position_embeddings: 5,
      eos_token_id: 6,
    },
    vision_config: {
      hidden_size: 4,
      num_attention_heads: 2,
      num_hidden_layers: 1,
      intermediate_size: 4,
      image_size: 5,
      patch_size: 2,
    },
  });

  test.each([
    ['its first end token', 6, [1, -1]],
    ['its highest id, where no end token is named', undefined, [-1, 1]],
  ])('a text is summed up at %s', (_where, eosTokenId, expected) => {
    const clip = new Clip({ ...config, text: { ...config.text, eosTokenId } });
    // With kernels of zero a state is its position's embedding; the final norm makes [1, 0] to
    // [1, −1] and [0, 1] to [−1, 1].
    clip
      .namedWeights()
      .get('text_model.embeddings.position_embedding.embedding')
      ?.assign(tf.tensor2d([0, 0, 1, 0, 0, 1, 0, 0, 0, 0], [5, 2]));
    const ids = tf.tensor2d([1, 6, 8, 6, 8, 6, 1, 1, 1, 1], [2, 5], 'int32');
    const found = tf.tidy(() => clip.textStates({ inputIds: ids }).pooled.dataSync());
    expect(largestDifference(found, [...expected, 0, 0])).toBeLessThan(1e-4); // epsilon, 1e-5 of a variance of ¼
    clip.dispose();
  });

  test('patches that do not fit are cut off: 5 pixels, patches of 2, 2×2 of them', () => {
    const clip = new Clip(config);
    const { states, pooled } = clip.imageStates(tf.ones([3, 5, 5, 3]));
    expect([states.shape, pooled.shape]).toEqual([
      [3, 5, 4],
      [3, 4],
    ]);
    clip.dispose();
  });

  test('errors name what was expected', () => {
    const clip = new Clip(config);
    expect(() => clip.imageFeatures(tf.ones([1, 5, 4, 3]))).toThrow(
      'ImageTower: expected pixels [B, 5, 5, 3]',
    );
    expect(() => clip.textFeatures({ inputIds: tf.ones([1, 6], 'int32') })).toThrow('T from 1 to 5');
    expect(() => clip.textFeatures({ inputIds: tf.ones([1, 5]) })).toThrow('got float32');
    expect(() =>
      clip.textFeatures({ inputIds: tf.ones([2, 3], 'int32'), attentionMask: tf.ones([2, 4], 'int32') }),
    ).toThrow('a mask [2,3]');
    expect(() => clip.call(tf.ones([1]))).toThrow('[pixels, ids]');
    clip.dispose();
  });
});
