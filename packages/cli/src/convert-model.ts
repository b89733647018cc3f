import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  bartNaming,
  dalleBartConfigToJson,
  parameters,
  parseDalleBartConfig,
  rulesForSource,
} from '@easel/bart';
import { CheckpointError, ConfigError, type TensorSource, type WeightRule } from '@easel/core';
import { convertCheckpoint, openCheckpoint, writeFileAtomic } from '@easel/core/node';
import {
  parseVqganConfig,
  VQGAN_F16_16384,
  Vqgan,
  type VqganConfig,
  vqganConfigToJson,
  vqganReading,
} from '@easel/vqgan';
import { generationFile, generationSettingsToJson } from './generation-settings.js';

/** Number formats of a converted checkpoint, by the names that the command line has for them. */
export const convertDtypes = { f32: 'F32', f16: 'F16', bf16: 'BF16' } as const;

/** How `convertModel` works. */
export interface ConvertModelOptions {
  /** Storage of the weights (default f32). */
  readonly dtype?: keyof typeof convertDtypes;
  /** config.json, where it is not beside the checkpoint. */
  readonly config?: string | undefined;
  /** VQGAN (folder or file) that is converted into `out/vqgan` with a text model. */
  readonly vqgan?: string | undefined;
  /** Stops between two weights; the checkpoint in work leaves no file. */
  readonly signal?: AbortSignal;
  readonly onWeight?: (name: string, done: number, total: number) => void;
}

/** What came of a conversion. */
export interface ConvertedModel {
  readonly folder: string;
  readonly kind: 'text' | 'vqgan';
  readonly tensors: number;
  readonly bytes: number;
}

/** Files of a model folder beside its config and weights that are copied if they are there. */
const companions = [
  'vocab.json',
  'merges.txt',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'enwiki-words-frequency.txt',
  generationFile,
];

/** What the original's notebook draws with. */
const originalGeneration = { conditionScale: 10 };

/** A model in memory that is ready to be written under our names. */
interface Plan {
  readonly kind: ConvertedModel['kind'];
  readonly json: Record<string, unknown>;
  readonly source: TensorSource;
  readonly rules: ReadonlyMap<string, WeightRule>;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Tensors that the model has no use for. */
  readonly ignore?: (name: string) => boolean;
}

async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    throw new ConfigError(
      `${path}: there is no such file. A checkpoint needs its config.json: put it beside it, or give --config FILE.`,
    );
  });
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ConfigError(`${path}: not valid JSON (${(error as Error).message}).`);
  }
}

/** Whose config.json this is, by keys that only one of the two models has. */
function kindOf(json: unknown, file: string): ConvertedModel['kind'] {
  const has = (key: string) => typeof json === 'object' && json !== null && Object.hasOwn(json, key);
  if (has('image_vocab_size') || has('d_model')) return 'text';
  if (has('n_embed') || has('ch_mult')) return 'vqgan';
  throw new ConfigError(
    `${file}: expected the config of a DALL·E BART (with image_vocab_size, d_model) or of a VQGAN (with n_embed, ch_mult); it is neither.`,
  );
}

function planText(json: unknown, file: string, source: TensorSource): Plan {
  const config = parseDalleBartConfig(json, file);
  const rules = rulesForSource(config, source);
  const shapes = new Map(parameters(config).map(({ name, shape }) => [name, shape]));
  return { kind: 'text', json: dalleBartConfigToJson(config), source, rules, shapes };
}

function planVqgan(config: VqganConfig, source: TensorSource): Plan {
  const reading = vqganReading(source.entries.keys());
  const model = new Vqgan(config, { decoderOnly: !reading.canEncode });
  const shapes = new Map([...model.namedWeights()].map(([name, weight]) => [name, weight.shape]));
  model.dispose();
  return {
    kind: 'vqgan',
    json: vqganConfigToJson(config),
    source,
    rules: reading.rules(shapes.keys()),
    shapes,
    ignore: reading.ignore,
  };
}

/**
 * What is to be done with a checkpoint, by its names where they tell, else by its config. min-dalle keeps no config for its detoker.pt, which lies
 * beside the text model's: unless one is given, it is the published f16-16384 model.
 */
async function planConversion(
  source: TensorSource,
  folder: string,
  config: string | undefined,
): Promise<Plan> {
  const { naming } = vqganReading(source.entries.keys());
  if (naming === 'min-dalle' && config === undefined) return planVqgan(VQGAN_F16_16384, source);
  const file = config ?? join(folder, 'config.json');
  const json = await readJson(file);
  const kind = naming === 'flax' ? kindOf(json, file) : 'vqgan';
  return kind === 'text' ? planText(json, file, source) : planVqgan(parseVqganConfig(json, file), source);
}

/** The VQGAN that belongs to a text model: the one asked for, else one in its folder. */
function innerVqgan(asked: string | undefined, folder: string, source: TensorSource): string | undefined {
  if (asked !== undefined) return asked;
  if (existsSync(join(folder, 'vqgan', 'config.json'))) return join(folder, 'vqgan');
  const detoker = join(folder, 'detoker.pt');
  return bartNaming(source) === 'min-dalle' && existsSync(detoker) ? detoker : undefined;
}

/**
 * Rewrites a model as a folder that Easel opens fastest: config.json, model.safetensors under our names, and the tokenizer's files if there
 * are any. Reads Flax's, taming's, min-dalle's and Easel's own checkpoints, one tensor at a time.
 *
 * Throws CheckpointError or ConfigError if the checkpoint, its config or the two together are not a model; nothing is written then.
 */
export async function convertModel(
  input: string,
  out: string,
  { dtype = 'f32', config, vqgan, signal, onWeight }: ConvertModelOptions = {},
): Promise<ConvertedModel[]> {
  const isFolder = (await stat(input).catch(() => undefined))?.isDirectory() ?? false;
  const opened = await openCheckpoint(input);
  try {
    const folder = isFolder ? input : dirname(input);
    const plan = await planConversion(opened, folder, config);
    const { kind } = plan;
    if (kind === 'vqgan' && vqgan !== undefined) {
      throw new ConfigError(`${input}: this is a VQGAN itself; --vqgan goes with a text model.`);
    }
    const weights = join(out, 'model.safetensors');
    if (existsSync(weights) && (await sameFile(weights, opened.description))) {
      throw new CheckpointError(`${out}: input and output are the same folder. Give another one.`);
    }
    await mkdir(out, { recursive: true });
    const bytes = await convertCheckpoint(plan.source, plan.rules, weights, convertDtypes[dtype], {
      shapes: plan.shapes,
      ...(plan.ignore === undefined ? {} : { ignore: plan.ignore }),
      ...(signal === undefined ? {} : { signal }),
      ...(onWeight === undefined ? {} : { onWeight }),
    });
    await writeFileAtomic(join(out, 'config.json'), `${JSON.stringify(plan.json, null, 2)}\n`);
    if (kind === 'text') await copyCompanions(folder, out, bartNaming(opened) !== 'easel');
    const done: ConvertedModel[] = [{ folder: out, kind, tensors: plan.rules.size, bytes }];
    const inner = kind === 'text' ? innerVqgan(vqgan, folder, opened) : undefined;
    if (inner !== undefined)
      done.push(
        ...(await convertModel(inner, join(out, 'vqgan'), {
          dtype,
          ...(signal ? { signal } : {}),
          ...(onWeight ? { onWeight } : {}),
        })),
      );
    return done;
  } finally {
    await opened.close();
  }
}

async function sameFile(a: string, b: string): Promise<boolean> {
  const [first, second] = await Promise.all([a, b].map((path) => stat(path).catch(() => undefined)));
  return first !== undefined && first.ino === second?.ino && first.dev === second.dev;
}

/** Copies the tokenizer's files; a model of the original gets the original's super conditioning where nothing else is said. */
async function copyCompanions(from: string, to: string, isOriginal: boolean): Promise<void> {
  for (const name of companions) {
    if (existsSync(join(from, name))) await copyFile(join(from, name), join(to, name));
  }
  if (isOriginal && !existsSync(join(to, generationFile))) {
    const json = JSON.stringify(generationSettingsToJson(originalGeneration), null, 2);
    await writeFileAtomic(join(to, generationFile), `${json}\n`);
  }
}
