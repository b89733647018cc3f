import { describe, expect, test } from '@jest/globals';
import { readJson } from '../testing/golden.js';
import { clipConfigToJson, parseClipConfig } from './config.js';

describe('parseClipConfig', () => {
  test('a file of save_pretrained', () => {
    const config = parseClipConfig(readJson('clip/gelu/config.json'));
    expect(config.projectionWidth).toBe(24);
    expect(config.text).toEqual({
      width: 32,
      layers: 2,
      heads: 4,
      ffnWidth: 64,
      activation: 'gelu',
      normEpsilon: 1e-5,
      vocabSize: 64,
      maxTextLength: 12,
      eosTokenId: undefined,
    });
    expect(config.image).toMatchObject({ width: 48, heads: 3, imageSize: 32, patchSize: 8, channels: 3 });
  });

  test('an empty file is openai/clip-vit-base-patch32', () => {
    const config = parseClipConfig({});
    expect(config.text).toMatchObject({
      width: 512,
      heads: 8,
      layers: 12,
      vocabSize: 49408,
      maxTextLength: 77,
    });
    expect(config.image).toMatchObject({
      width: 768,
      heads: 12,
      ffnWidth: 3072,
      imageSize: 224,
      patchSize: 32,
    });
  });

  test('the older form with _dict wins, and null is not set', () => {
    const json = {
      text_config: { hidden_size: 64 },
      text_config_dict: { hidden_size: 128, num_attention_heads: 4 },
      vision_config_dict: null,
      vision_config: { image_size: 64 },
    };
    const config = parseClipConfig(json);
    expect([config.text.width, config.image.imageSize]).toEqual([128, 64]);
  });

  test('what is written is read back', () => {
    for (const eosTokenId of [undefined, 49407]) {
      const config = parseClipConfig(readJson('clip/quick_gelu/config.json'));
      const changed = { ...config, text: { ...config.text, eosTokenId } };
      expect(parseClipConfig(JSON.parse(JSON.stringify(clipConfigToJson(changed))))).toEqual(changed);
    }
  });

  test.each([
    [
      { projection_din: 3 },
      'config.json: projection_din: there is no such setting. Did you mean "projection_dim"?',
    ],
    [{ text_config: { hiden_size: 3 } }, 'config.json: text_config.hiden_size: there is no such setting'],
    [{ text_config: { image_size: 3 } }, 'image_size: there is no such setting'],
    [{ vision_config: { hidden_size: 10, num_attention_heads: 3 } }, 'a divisor of hidden_size, 10'],
    [
      { vision_config: { patch_size: 9, image_size: 8 } },
      'vision_config.patch_size: expected at most image_size, 8, got 9',
    ],
    [{ text_config: { hidden_act: 'quickgelu' } }, 'Did you mean "quick_gelu"?'],
    [{ text_config: { attention_dropout: 0.1 } }, 'attention_dropout: expected 0, got 0.1'],
    [{ text_config: { layer_norm_eps: 0 } }, 'layer_norm_eps: expected a number above 0'],
    [{ text_config: [] }, 'text_config: expected an object'],
    [{ model_type: 'clip_vision_model' }, 'with both towers'],
    [[], 'expected an object'],
  ])('%j is refused', (json, message) => {
    expect(() => parseClipConfig(json)).toThrow(message);
  });
});
