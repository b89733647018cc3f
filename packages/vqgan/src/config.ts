import { ConfigError } from '@easel/core';
import {
  fixed,
  flag,
  integer,
  list,
  mismatch,
  oneOf,
  optional,
  readSettings,
  section,
  showValue,
  snakeCase,
} from '@easel/core/config';

/** The pixel values that a network was trained on: [0, 1], or [−1, 1] (taming's recipe). */
export type PixelRange = 'unit' | 'signed';

/**
 * The treatment of a latent before it is compared with the codes: none, or scaling to length 1
 * (codes have length 1, too).
 */
export type CodebookNorm = 'none' | 'l2';

/**
 * Sizes of a VQGAN. Defaults are those of vqgan-jax's VQGANConfig; the last three fields are
 * Easel's own.
 */
export interface VqganConfig {
  /** Width of the first level. Level i is ch · chMult[i] wide. */
  readonly ch: number;
  /** One factor for each level. Each level but the last halves height and width. */
  readonly chMult: readonly number[];
  /** Channels of the input picture. */
  readonly inChannels: number;
  /** Channels of the drawn picture. */
  readonly outCh: number;
  /** Number of residual blocks of a level in the encoder. A level of the decoder has one more. */
  readonly numResBlocks: number;
  /** The levels with attention, given by their side in pixels at `resolution`. */
  readonly attnResolutions: readonly number[];
  /** Side in pixels that decides which levels have attention. Pictures may have another size. */
  readonly resolution: number;
  /** Channels between encoder and codebook, and between codebook and decoder. */
  readonly zChannels: number;
  /** Width of a code. */
  readonly embedDim: number;
  /** Number of codes. */
  readonly nEmbed: number;
  /** Whether the encoder ends with 2 · zChannels channels. */
  readonly doubleZ: boolean;
  /**
   * Whether a convolution stands where height and width change. Otherwise the encoder averages 2×2
   * pixels and the decoder only repeats pixels.
   */
  readonly resampWithConv: boolean;
  /**
   * Whether the decoder stops before its last norm, so that pictures have ch · chMult[0] channels.
   */
  readonly givePreEnd: boolean;
  /**
   * Number of groups of every GroupNorm; 32 in the original. With as many groups as channels it is
   * instance norm, which loses colour.
   */
  readonly normGroups: number;
  readonly pixelRange: PixelRange;
  readonly codebookNorm: CodebookNorm;
}

/** The defaults of vqgan-jax. Easel's own fields have the values of the original. */
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

/** Keys that transformers' save_pretrained writes and that say nothing about the network. */
const IGNORED: ReadonlySet<string> = new Set(
  'architectures transformers_version model_type _name_or_path torch_dtype dtype'.split(' '),
);

const count = (name: NumberField) => integer({ min: 1, default: DEFAULT_VQGAN_CONFIG[name] });
type NumberField = {
  [K in keyof VqganConfig]: VqganConfig[K] extends number ? K : never;
}[keyof VqganConfig];

/** The settings of a config.json, where they are in snake_case. */
const configFields = {
  ch: count('ch'),
  chMult: list(integer({ min: 1 }), DEFAULT_VQGAN_CONFIG.chMult, 1),
  inChannels: count('inChannels'),
  outCh: count('outCh'),
  numResBlocks: count('numResBlocks'),
  attnResolutions: list(integer({ min: 1 }), DEFAULT_VQGAN_CONFIG.attnResolutions),
  resolution: count('resolution'),
  zChannels: count('zChannels'),
  embedDim: count('embedDim'),
  nEmbed: count('nEmbed'),
  doubleZ: flag(DEFAULT_VQGAN_CONFIG.doubleZ),
  resampWithConv: flag(DEFAULT_VQGAN_CONFIG.resampWithConv),
  givePreEnd: flag(DEFAULT_VQGAN_CONFIG.givePreEnd),
  normGroups: count('normGroups'),
  pixelRange: oneOf(['unit', 'signed'], DEFAULT_VQGAN_CONFIG.pixelRange),
  codebookNorm: oneOf(['none', 'l2'], DEFAULT_VQGAN_CONFIG.codebookNorm),
};

/** All settings of a file: those of the network, and two that must agree with them. */
const read = section(
  {
    ...configFields,
    dropout: fixed(
      0,
      'Every published VQGAN has 0 and no other is implemented; it would change training only.',
    ),
    numResolutions: optional(integer({ min: 1 })),
  },
  { nameOf: snakeCase, ignored: IGNORED },
);

/**
 * Parses the content of a config.json. Missing keys have the defaults of vqgan-jax.
 *
 * Throws ConfigError for an unknown key (with the nearest known one), a value of the wrong type or
 * range, and widths that the norm groups do not divide. `file` is named in messages.
 */
export function parseVqganConfig(json: unknown, file = 'config.json'): VqganConfig {
  const { dropout, numResolutions, ...config } = readSettings(read, json, file);
  const levels = config.chMult.length;
  if (numResolutions !== null && numResolutions !== levels)
    throw mismatch(`${file}: num_resolutions`, `the length of ch_mult, ${levels}`, numResolutions);
  checkVqganConfig(config, file);
  return config;
}

/** Throws ConfigError if the widths of a config do not fit together. `where` begins the message. */
export function checkVqganConfig(config: VqganConfig, where: string): void {
  for (const width of [config.ch, ...config.chMult.map((factor) => config.ch * factor)]) {
    if (width % config.normGroups !== 0) {
      throw new ConfigError(
        `${where}: expected every level's width to be a multiple of norm_groups ${config.normGroups}, got ${width} (ch ${config.ch}, ch_mult ${showValue(config.chMult)}). Try norm_groups 8.`,
      );
    }
  }
}

/**
 * Returns the content of a config.json that parseVqganConfig reads back to an equal config. Easel's
 * own keys are left out at their defaults.
 */
export function vqganConfigToJson(config: VqganConfig): Record<string, unknown> {
  const own: readonly (keyof VqganConfig)[] = ['normGroups', 'pixelRange', 'codebookNorm'];
  return Object.fromEntries(
    (Object.keys(configFields) as (keyof VqganConfig)[])
      .filter((field) => !(own.includes(field) && config[field] === DEFAULT_VQGAN_CONFIG[field]))
      .map((field) => [snakeCase(field), config[field]]),
  );
}

/**
 * Returns how many times smaller a token map is than its picture in each direction: 16 for DALL·E
 * mini's VQGAN.
 */
export function downsamplingFactor(config: VqganConfig): number {
  return 2 ** (config.chMult.length - 1);
}
