import { ConfigError, didYouMean } from '@easel/core';

/** The pixel values that a network was trained on: [0, 1], or [−1, 1] (taming's recipe). */
export type PixelRange = 'unit' | 'signed';

/** What happens to a latent before it is compared with the codes: nothing, or scaling to length 1 (codes have length 1, too). */
export type CodebookNorm = 'none' | 'l2';

/** Sizes of a VQGAN. Defaults are those of vqgan-jax's VQGANConfig; the last three fields are Easel's own. */
export interface VqganConfig {
  /** Width of the first level; level i is ch · chMult[i] wide. */
  readonly ch: number;
  /** One factor a level; each level but the last halves height and width. */
  readonly chMult: readonly number[];
  /** Channels of the input picture. */
  readonly inChannels: number;
  /** Channels of the drawn picture. */
  readonly outCh: number;
  /** Residual blocks a level in the encoder; the decoder has one more. */
  readonly numResBlocks: number;
  /** Levels with attention, by their side at `resolution`. */
  readonly attnResolutions: readonly number[];
  /** Side in pixels that decides which levels have attention. Pictures may have another size. */
  readonly resolution: number;
  /** Channels between encoder and codebook, and between codebook and decoder. */
  readonly zChannels: number;
  /** Width of a code. */
  readonly embedDim: number;
  /** Number of codes. */
  readonly nEmbed: number;
  /** The encoder ends with 2 · zChannels channels. */
  readonly doubleZ: boolean;
  /** Convolve where height and width change; else the encoder averages 2×2 pixels and the decoder only repeats them. */
  readonly resampWithConv: boolean;
  /** The decoder stops before its last norm: pictures have ch · chMult[0] channels. */
  readonly givePreEnd: boolean;
  /** Groups of every GroupNorm; 32 in the original. With as many groups as channels it is instance norm, which loses colour. */
  readonly normGroups: number;
  readonly pixelRange: PixelRange;
  readonly codebookNorm: CodebookNorm;
}

/** The defaults of vqgan-jax, with Easel's fields at what the original does. */
export const DEFAULT_VQGAN_CONFIG: VqganConfig = {
  ch: 128,
  chMult: [1, 1, 2, 2, 4],
  inChannels: 3,
  outCh: 3,
  numResBlocks: 2,
  attnResolutions: [16],
  resolution: 256,
  zChannels: 256,
  embedDim: 256,
  nEmbed: 1024,
  doubleZ: false,
  resampWithConv: true,
  givePreEnd: false,
  normGroups: 32,
  pixelRange: 'unit',
  codebookNorm: 'none',
};

/** The tokenizer of DALL·E mini: 256 px, 16×16 tokens, 16,384 codes. */
export const VQGAN_F16_16384: VqganConfig = { ...DEFAULT_VQGAN_CONFIG, nEmbed: 16384 };

/** Our field of each key of config.json. */
const FIELDS = {
  ch: 'ch',
  ch_mult: 'chMult',
  in_channels: 'inChannels',
  out_ch: 'outCh',
  num_res_blocks: 'numResBlocks',
  attn_resolutions: 'attnResolutions',
  resolution: 'resolution',
  z_channels: 'zChannels',
  embed_dim: 'embedDim',
  n_embed: 'nEmbed',
  double_z: 'doubleZ',
  resamp_with_conv: 'resampWithConv',
  give_pre_end: 'givePreEnd',
  norm_groups: 'normGroups',
  pixel_range: 'pixelRange',
  codebook_norm: 'codebookNorm',
} as const satisfies Record<string, keyof VqganConfig>;

/** Written by transformers' save_pretrained; they say nothing about the network. */
const IGNORED = [
  'architectures',
  'transformers_version',
  'model_type',
  '_name_or_path',
  'torch_dtype',
  'dtype',
];

/**
 * Reads the content of a config.json. Missing keys have the defaults of vqgan-jax.
 *
 * Throws ConfigError for an unknown key (with the nearest known one), a value of the wrong type or range, and widths that the
 * norm groups do not divide. `file` is named in messages.
 */
export function parseVqganConfig(json: unknown, file = 'config.json'): VqganConfig {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new ConfigError(`${file}: expected an object of settings, got ${show(json)}.`);
  }
  const config: Record<string, unknown> = { ...DEFAULT_VQGAN_CONFIG };
  for (const [key, value] of Object.entries(json)) {
    const field = Object.hasOwn(FIELDS, key) ? FIELDS[key as keyof typeof FIELDS] : undefined;
    if (field !== undefined) {
      const rule = RULES[field];
      if (!rule.holds(value)) {
        throw new ConfigError(`${file}: expected ${key} to be ${rule.expected}, got ${show(value)}.`);
      }
      config[field] = value;
    } else if (key === 'dropout') {
      if (value !== 0) {
        throw new ConfigError(
          `${file}: expected dropout to be 0, got ${show(value)}. Every published VQGAN has 0 and no other is implemented; it would change training only.`,
        );
      }
    } else if (key !== 'num_resolutions' && !IGNORED.includes(key)) {
      throw new ConfigError(`${file}: unknown key "${key}".${didYouMean(key, Object.keys(FIELDS))}`);
    }
  }
  const parsed = config as unknown as VqganConfig;
  const { num_resolutions: levels } = json as { num_resolutions?: unknown };
  if (levels !== undefined && levels !== parsed.chMult.length) {
    throw new ConfigError(
      `${file}: expected num_resolutions to be the length of ch_mult, ${parsed.chMult.length}, got ${show(levels)}.`,
    );
  }
  checkVqganConfig(parsed, file);
  return parsed;
}

/** Throws ConfigError if the widths of a config do not fit together. `where` begins the message. */
export function checkVqganConfig(config: VqganConfig, where: string): void {
  for (const width of [config.ch, ...config.chMult.map((factor) => config.ch * factor)]) {
    if (width % config.normGroups !== 0) {
      throw new ConfigError(
        `${where}: expected every level's width to be a multiple of norm_groups ${config.normGroups}, got ${width} (ch ${config.ch}, ch_mult ${show(config.chMult)}). Try norm_groups 8.`,
      );
    }
  }
}

/** The content of a config.json that parseVqganConfig reads back to an equal config. Easel's own keys are left out at their defaults. */
export function vqganConfigToJson(config: VqganConfig): Record<string, unknown> {
  const own: readonly string[] = ['normGroups', 'pixelRange', 'codebookNorm'] satisfies (keyof VqganConfig)[];
  return Object.fromEntries(
    Object.entries(FIELDS)
      .filter(([, field]) => !(own.includes(field) && config[field] === DEFAULT_VQGAN_CONFIG[field]))
      .map(([key, field]) => [key, config[field]]),
  );
}

/** How much smaller a token map is than its picture, in each direction: 16 for DALL·E mini's. */
export function downsamplingFactor(config: VqganConfig): number {
  return 2 ** (config.chMult.length - 1);
}

interface Rule {
  readonly expected: string;
  readonly holds: (value: unknown) => boolean;
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 1;
const count: Rule = { expected: 'an integer from 1', holds: isCount };
const flag: Rule = { expected: 'true or false', holds: (value) => typeof value === 'boolean' };
const counts = (least: number): Rule => ({
  expected: `a list of ${least === 0 ? '' : `at least ${least} `}integers from 1`,
  holds: (value) => Array.isArray(value) && value.length >= least && value.every(isCount),
});
const oneOf = (...values: string[]): Rule => ({
  expected: values.map((value) => `"${value}"`).join(' or '),
  holds: (value) => values.includes(value as string),
});

const RULES: Readonly<Record<keyof VqganConfig, Rule>> = {
  ch: count,
  chMult: counts(1),
  inChannels: count,
  outCh: count,
  numResBlocks: count,
  attnResolutions: counts(0),
  resolution: count,
  zChannels: count,
  embedDim: count,
  nEmbed: count,
  doubleZ: flag,
  resampWithConv: flag,
  givePreEnd: flag,
  normGroups: count,
  pixelRange: oneOf('unit', 'signed'),
  codebookNorm: oneOf('none', 'l2'),
};

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
