import { readdirSync, readFileSync } from 'node:fs';
import { planModel } from '@easel/bart/internals';
import { ConfigError } from '@easel/core';
import { expect, test } from '@jest/globals';
import { checkBelongTogether } from './belong-together.js';

const configs = new URL('../../../configs/models/', import.meta.url);
const text = { imageLength: 9, imageVocabSize: 14, decoderStartTokenId: 11 };

// Vocabularies of 16,384 (mini-1 and the first version), 16,391 (mini, micro), 16,400 (mini_glu)
// and 16,415 ids (mega).
test.each(readdirSync(configs))('the public VQGAN draws for %s, and one of 1,024 codes does not', (name) => {
  const { config } = planModel(JSON.parse(readFileSync(new URL(name, configs), 'utf8')), name);
  expect(() => checkBelongTogether(config, { nEmbed: 16_384 }, name)).not.toThrow();
  expect(() => checkBelongTogether(config, { nEmbed: 1024 }, name)).toThrow(
    `${name}: the text model draws the ids 0 to 16383 (those below its decoder_start_token_id), but the VQGAN has the codes 0 to 1023.`,
  );
});

test('the ids that are drawn count, and not the vocabulary', () => {
  for (const nEmbed of [11, 12, 14, 20])
    expect(() => checkBelongTogether(text, { nEmbed }, 'here')).not.toThrow();
  expect(() => checkBelongTogether(text, { nEmbed: 10 }, 'here')).toThrow(ConfigError);
});

test('a start token of 0 counts as not given, so the whole vocabulary is drawn', () => {
  const none = { ...text, decoderStartTokenId: 0 };
  expect(() => checkBelongTogether(none, { nEmbed: 14 }, 'here')).not.toThrow();
  expect(() => checkBelongTogether(none, { nEmbed: 13 }, 'here')).toThrow('the ids 0 to 13');
});

test('tokens that fill no square', () => {
  expect(() => checkBelongTogether({ ...text, imageLength: 10 }, { nEmbed: 20 }, 'here')).toThrow(
    'here: the text model draws 10 tokens a picture, but the VQGAN decodes a square of them.',
  );
});
