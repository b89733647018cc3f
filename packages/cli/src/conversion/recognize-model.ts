import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseDalleBartConfig, parseFirstVersionConfig } from '@easel/bart';
import { parseClipConfig } from '@easel/clip';
import { ConfigError, type TensorSource } from '@easel/core';
import { readJsonFile } from '@easel/core/node';
import { parseVqganConfig, VQGAN_F16_16384 } from '@easel/vqgan';
import { vqganReading } from '@easel/vqgan/internals';
import { clipModel } from './clip-model.js';
import type { ConvertibleModel } from './convertible-model.js';
import { lpipsModel } from './lpips-model.js';
import { dalleBart, firstVersion } from './text-models.js';
import { vqganModel } from './vqgan-model.js';

/** The models that can be told apart. */
const MODELS = {
  second: 'DALL·E mini',
  first: "DALL·E mini's first version",
  vqgan: 'a VQGAN',
  clip: 'a CLIP',
} as const;
type Model = keyof typeof MODELS;

/** Tensors that only checkpoints of one model have, under any program's names. */
const TENSORS: readonly (readonly [string, Model])[] = [
  ['logit_scale', 'clip'],
  ['decoder.conv_in.kernel', 'vqgan'],
  ['decoder.conv_in.weight', 'vqgan'],
  ['state_dict.decoder.conv_in.weight', 'vqgan'],
  ['model.shared.embedding', 'first'],
  ['final_logits_bias', 'first'],
  ['model.encoder.embed_tokens.embedding', 'second'],
  ['encoder.embed_tokens.embedding', 'second'],
  ['encoder.embed_tokens.weight', 'second'],
];

/**
 * Tensors of LPIPS or of VGG16, by our names, taming's and torchvision's. Their shapes tell the
 * sizes, since there is no config.
 */
const LPIPS_TENSORS = ['conv1_1.kernel', 'net.slice1.0.weight', 'features.0.weight', 'lin0.model.1.weight'];

/** Settings that only the config.json of one model has. */
const SETTINGS: readonly (readonly [string, Model])[] = [
  ['text_config', 'clip'],
  ['text_config_dict', 'clip'],
  ['vision_config', 'clip'],
  ['vision_config_dict', 'clip'],
  ['n_embed', 'vqgan'],
  ['ch_mult', 'vqgan'],
  ['vocab_size_output', 'first'],
  ['image_vocab_size', 'second'],
  ['encoder_vocab_size', 'second'],
];

const TYPES: Readonly<Record<string, Model>> = { clip: 'clip', bart: 'first', dallebart: 'second' };

/** Tells which model a config.json belongs to. Returns undefined if it may belong to several. */
function modelOfConfig(json: unknown): Model | undefined {
  if (typeof json !== 'object' || json === null) return undefined;
  const type = (json as Record<string, unknown>).model_type;
  const byType = typeof type === 'string' ? TYPES[type] : undefined;
  return byType ?? SETTINGS.find(([key]) => Object.hasOwn(json, key))?.[1];
}

const NEEDS_CONFIG = 'A checkpoint needs its config.json: put it beside it, or give --config FILE.';

/**
 * Tells which model a checkpoint belongs to. The names of its tensors tell the model, and its
 * config the sizes. `config` is the config's file (default config.json in `folder`). min-dalle
 * keeps no config for its detoker.pt, which lies beside the text model's config. Unless one is
 * given, detoker.pt counts as the published f16-16384 model.
 *
 * Throws ConfigError if neither tells the model, if the two tell different models, and as the
 * models' own parsers do.
 */
export async function recognizeModel(
  source: TensorSource,
  folder: string,
  config: string | undefined,
): Promise<ConvertibleModel> {
  const names = vqganReading(source.entries.keys());
  if (LPIPS_TENSORS.some((name) => source.entries.has(name))) return lpipsModel(source);
  if (names.naming === 'min-dalle' && config === undefined) return vqganModel(VQGAN_F16_16384, true);
  const file = config ?? join(folder, 'config.json');
  const json = await readJsonFile(file, NEEDS_CONFIG);
  const [tensor, held] = TENSORS.find(([name]) => source.entries.has(name)) ?? [];
  const described = modelOfConfig(json);
  if (held !== undefined && described !== undefined && held !== described) {
    throw new ConfigError(
      `${source.description}: it holds ${MODELS[held]} (its tensor ${tensor} says so), but ${file} is of ${MODELS[described]}. Give the config that belongs to it with --config.`,
    );
  }
  switch (held ?? described) {
    case 'clip':
      return clipModel(parseClipConfig(json, file));
    case 'vqgan':
      return vqganModel(parseVqganConfig(json, file), !names.canEncode);
    case 'first': {
      const decoderFile = join(folder, 'decoder_config.json');
      const decoder = existsSync(decoderFile) ? await readJsonFile(decoderFile) : undefined;
      return firstVersion(parseFirstVersionConfig(json, file, decoder));
    }
    case 'second':
      return dalleBart(parseDalleBartConfig(json, file));
    case undefined:
      throw new ConfigError(
        `${file}: neither it nor the names of the tensors in ${source.description} tell whether this is ${Object.values(MODELS).join(', ')}. Is it a config of one of them?`,
      );
  }
}
