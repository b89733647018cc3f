import { readdirSync, readFileSync } from 'node:fs';
import { ConfigError } from '@easel/core';
import { describe, expect, test } from '@jest/globals';
import { goldenPath } from '../testing/golden-case.js';
import {
  DEFAULT_VQGAN_CONFIG,
  downsamplingFactor,
  parseVqganConfig,
  VQGAN_F16_16384,
  vqganConfigToJson,
} from './config.js';

describe('parseVqganConfig', () => {
  test('an empty config has the defaults of vqgan-jax', () => {
    expect(parseVqganConfig({})).toEqual(DEFAULT_VQGAN_CONFIG);
    expect(parseVqganConfig({ n_embed: 16384 })).toEqual(VQGAN_F16_16384);
    expect(downsamplingFactor(VQGAN_F16_16384)).toBe(16);
  });

  test('configs that the original wrote, and their way back', () => {
    const cases = readdirSync(goldenPath('.')).filter((name) => !/README|quantizers/.test(name));
    expect(cases.length).toBe(6);
    for (const name of cases) {
      const json = JSON.parse(readFileSync(goldenPath(`${name}/config.json`), 'utf8'));
      const config = parseVqganConfig(json);
      expect([config.ch, config.embedDim, [...config.chMult]]).toEqual([
        json.ch,
        json.embed_dim,
        json.ch_mult,
      ]);
      const written = vqganConfigToJson(config);
      expect(written).not.toHaveProperty('norm_groups');
      expect(json).toMatchObject(written);
      expect(parseVqganConfig(written)).toEqual(config);
    }
  });

  test('our own settings are written where they differ', () => {
    const json = { ch: 32, norm_groups: 8, pixel_range: 'signed', codebook_norm: 'l2' };
    const config = parseVqganConfig(json);
    expect(config).toMatchObject({ normGroups: 8, pixelRange: 'signed', codebookNorm: 'l2' });
    expect(vqganConfigToJson(config)).toMatchObject(json);
  });

  test.each([
    [{ ch_mutl: [1] }, /ch_mutl: there is no such setting. Did you mean "ch_mult"\?/],
    [{ n_embed: 0 }, /n_embed: expected a whole number from 1, got 0/],
    [{ n_embed: '1024' }, /n_embed: .* got "1024"/],
    [{ ch_mult: [] }, /ch_mult: expected a list of at least 1 entry, got \[\]/],
    [{ ch_mult: [1, 1.5] }, /ch_mult\[1\]: expected a whole number from 1, got 1.5/],
    [{ double_z: 1 }, /double_z: expected true or false/],
    [{ pixel_range: 'byte' }, /pixel_range: expected "unit" or "signed"/],
    [{ dropout: 0.1 }, /dropout: expected 0, got 0.1/],
    [{ ch: 48 }, /multiple of norm_groups 32, got 48/],
    [{ num_resolutions: 4 }, /num_resolutions: expected the length of ch_mult, 5, got 4/],
    [{ constructor: 1 }, /constructor: there is no such setting/],
    [[], /expected an object/],
    [null, /expected an object/],
  ])('refuses %j', (json, message) => {
    expect(() => parseVqganConfig(json, 'vqgan/config.json')).toThrow(ConfigError);
    expect(() => parseVqganConfig(json, 'vqgan/config.json')).toThrow(message);
    expect(() => parseVqganConfig(json, 'vqgan/config.json')).toThrow(/^vqgan\/config.json: /);
  });
});
