import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { FAST_BACKEND } from '../testing/backends.js';
import { goldenClip, goldenPath, readJson } from '../testing/golden.js';
import { parseClipConfig } from './config.js';
import { clipParameters } from './parameters.js';
import { clipReading, clipRulesForTorch } from './weights.js';

interface FullSize {
  readonly total: number;
  readonly tensors: Readonly<Record<string, readonly [readonly number[], string]>>;
}

const fullSize = (name: string): FullSize =>
  JSON.parse(readFileSync(goldenPath(`full_size_parameters/${name}.json`), 'utf8')) as FullSize;

/** What differs from the defaults, which are those of ViT-B/32. */
const PUBLISHED = {
  clip_vit_base_patch32: {},
  clip_vit_large_patch14: {
    projection_dim: 768,
    text_config: { hidden_size: 768, intermediate_size: 3072, num_attention_heads: 12 },
    vision_config: {
      hidden_size: 1024,
      intermediate_size: 4096,
      num_attention_heads: 16,
      num_hidden_layers: 24,
      patch_size: 14,
    },
  },
};

describe.each(Object.entries(PUBLISHED))('%s', (name, json) => {
  test('names and shapes of every weight, in Flax and in PyTorch', () => {
    const weights = clipParameters(parseClipConfig(json));

    const flax = fullSize(`${name}.flax`);
    expect(new Map([...weights].map(([key, shape]) => [key.replaceAll('.', '/'), shape]))).toEqual(
      new Map(Object.entries(flax.tensors).map(([key, [shape]]) => [key, shape])),
    );
    const count = [...weights.values()].reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);
    expect(count).toBe(flax.total);

    const torch = fullSize(`${name}.torch`);
    const reading = clipReading(Object.keys(torch.tensors));
    expect(reading.naming).toBe('torch');
    const wanted = new Map(
      [...reading.rules(weights.keys())].map(([key, { source, transpose }]) => {
        const ours = weights.get(key) as number[];
        const theirs = [...ours];
        // Axis i of ours is axis transpose[i] of theirs.
        for (const [i, axis] of (transpose ?? ours.map((_, i) => i)).entries())
          theirs[axis] = ours[i] as number;
        return [source, theirs];
      }),
    );
    const found = Object.entries(torch.tensors).filter(([key]) => !reading.ignore(key));
    expect(wanted).toEqual(new Map(found.map(([key, [shape]]) => [key, shape])));
  });
});

describe('PyTorch names', () => {
  test('the table that transformers agrees with', () => {
    const names = readJson('clip/quick_gelu/names.json') as Record<
      string,
      { flax: string; to_flax: number[] | null }
    >;
    const rules = clipRulesForTorch(Object.values(names).map(({ flax }) => flax.replaceAll('/', '.')));
    for (const [source, { flax, to_flax: transpose }] of Object.entries(names)) {
      expect(rules.get(flax.replaceAll('/', '.'))).toEqual(transpose ? { source, transpose } : { source });
    }
  });

  test('both files of a model give the same weights', async () => {
    await tf.setBackend(FAST_BACKEND);
    const [flax, torch] = [
      await goldenClip('quick_gelu', 'flax_model.msgpack'),
      await goldenClip('quick_gelu', 'model.safetensors'),
    ];
    for (const [name, weight] of flax.namedWeights()) {
      expect([name, torch.namedWeights().get(name)?.dataSync()]).toEqual([name, weight.dataSync()]);
    }
    flax.dispose();
    torch.dispose();
  });
});
