import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  bartNaming,
  type DalleBartConfig,
  dalleBartConfigToJson,
  flaxLayout,
  parameters,
  parseDalleBartConfig,
  rulesForSource,
} from '@easel/bart';
import { type ClipConfig, clipConfigToJson, clipParameters, clipReading, parseClipConfig } from '@easel/clip';
import { CheckpointError, ConfigError, type TensorSource } from '@easel/core';
import {
  CHECKPOINT_NAMES,
  convertCheckpoint,
  convertToFlax,
  type FlaxTensor,
  openCheckpoint,
  writeFileAtomic,
} from '@easel/core/node';
import {
  parseVqganConfig,
  VQGAN_F16_16384,
  Vqgan,
  type VqganConfig,
  vqganConfigToJson,
  vqganReading,
} from '@easel/vqgan';
import { generationFile, generationSettingsToJson } from './generation-settings.js';
import {
  compareOutputs,
  type OutputDifference,
  type ReadableCheckpoint,
  type VerifiedModel,
} from './verify-conversion.js';

/** Number formats of a converted checkpoint, by the names that the command line has for them. */
export const convertDtypes = { f32: 'F32', f16: 'F16', bf16: 'BF16' } as const;

/** Forms that a model is written in. */
export const conversionTargets = ['easel', 'flax'] as const;
export type ConversionTarget = (typeof conversionTargets)[number];

/** How `convertModel` works. */
export interface ConvertModelOptions {
  /** Storage of the weights (default f32). */
  readonly dtype?: keyof typeof convertDtypes;
  /** config.json, where it is not beside the checkpoint. */
  readonly config?: string | undefined;
  /** What is written: model.safetensors under our names (default), or flax_model.msgpack for the original programs. */
  readonly to?: ConversionTarget;
  /** Whether a Flax text model has its layers stacked; default: as its config says. */
  readonly stacked?: boolean | undefined;
  /** Compare what the model computes before and after, on the backend that is started. */
  readonly verify?: boolean | undefined;
  /** VQGAN (folder or file) that is converted into `out/vqgan` with a text model. */
  readonly vqgan?: string | undefined;
  /** Stops between two weights; the checkpoint in work leaves no file. */
  readonly signal?: AbortSignal;
  readonly onWeight?: (name: string, done: number, total: number) => void;
}

/** What came of a conversion. */
export interface ConvertedModel {
  readonly folder: string;
  readonly kind: 'text' | 'vqgan' | 'clip';
  readonly tensors: number;
  readonly bytes: number;
  /** With `verify`: how far outputs for a fixed input are apart. */
  readonly outputs?: OutputDifference;
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

/** The same of a CLIP. */
const clipCompanions = [
  'vocab.json',
  'merges.txt',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'preprocessor_config.json',
];

/** What the original's notebook draws with. */
const originalGeneration = { conditionScale: 10 };

/** A model that is ready to be written. */
interface Plan extends ReadableCheckpoint {
  readonly model: VerifiedModel;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
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

/** Whose config.json this is, by keys that only one of the models has. */
function kindOf(json: unknown, file: string): ConvertedModel['kind'] {
  const has = (key: string) => typeof json === 'object' && json !== null && Object.hasOwn(json, key);
  if (has('image_vocab_size') || has('d_model')) return 'text';
  if (has('n_embed') || has('ch_mult')) return 'vqgan';
  if (has('text_config') || has('vision_config')) return 'clip';
  throw new ConfigError(
    `${file}: expected the config of a DALL·E BART (with image_vocab_size, d_model), of a VQGAN (with n_embed, ch_mult) or of a CLIP (with text_config, vision_config); it is none.`,
  );
}

function planText(config: DalleBartConfig, source: TensorSource): Plan {
  const shapes = new Map(parameters(config).map(({ name, shape }) => [name, shape]));
  return { model: { kind: 'text', config }, source, rules: rulesForSource(config, source), shapes };
}

function planVqgan(config: VqganConfig, source: TensorSource): Plan {
  const reading = vqganReading(source.entries.keys());
  const decoderOnly = !reading.canEncode;
  const model = new Vqgan(config, { decoderOnly });
  const shapes = new Map([...model.namedWeights()].map(([name, weight]) => [name, weight.shape]));
  model.dispose();
  return {
    model: { kind: 'vqgan', config, decoderOnly },
    source,
    rules: reading.rules(shapes.keys()),
    shapes,
    ignore: reading.ignore,
  };
}

function planClip(config: ClipConfig, source: TensorSource): Plan {
  const reading = clipReading(source.entries.keys());
  const shapes = clipParameters(config);
  return {
    model: { kind: 'clip', config },
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
  if (kind === 'clip') return planClip(parseClipConfig(json, file), source);
  return kind === 'text'
    ? planText(parseDalleBartConfig(json, file), source)
    : planVqgan(parseVqganConfig(json, file), source);
}

/** The VQGAN that belongs to a text model: the one asked for, else one in its folder. */
function innerVqgan(asked: string | undefined, folder: string, source: TensorSource): string | undefined {
  if (asked !== undefined) return asked;
  if (existsSync(join(folder, 'vqgan', 'config.json'))) return join(folder, 'vqgan');
  const detoker = join(folder, 'detoker.pt');
  return bartNaming(source) === 'min-dalle' && existsSync(detoker) ? detoker : undefined;
}

/** The model as it is called in the written folder, its config.json and its file of weights. */
interface Target {
  readonly model: VerifiedModel;
  readonly json: Record<string, unknown>;
  readonly file: string;
  /** Tensors of a Flax file; undefined for our own names. */
  readonly layout: readonly FlaxTensor[] | undefined;
}

/** Throws ConfigError for a model that the original programs cannot compute. */
function targetOf({ model, shapes }: Plan, to: ConversionTarget, stacked: boolean | undefined): Target {
  const file = to === 'flax' ? 'flax_model.msgpack' : 'model.safetensors';
  if (model.kind === 'text') {
    if (to === 'easel') {
      return { model, json: dalleBartConfigToJson(model.config), file, layout: undefined };
    }
    const useScan = stacked ?? model.config.useScan;
    const layout = flaxLayout(model.config, useScan);
    const config = { ...model.config, useScan };
    return { model: { kind: 'text', config }, json: dalleBartConfigToJson(config), file, layout };
  }
  const alone = [...shapes.keys()].map((name) => ({ name, weights: [name], stacked: false }));
  if (model.kind === 'clip') {
    const layout = to === 'flax' ? alone : undefined;
    return { model, json: clipConfigToJson(model.config), file, layout };
  }
  const json = vqganConfigToJson(model.config);
  if (to === 'easel') return { model, json, file, layout: undefined };
  const { normGroups, codebookNorm } = model.config;
  if (normGroups !== 32 || codebookNorm !== 'none') {
    throw new ConfigError(
      `Flax checkpoint: vqgan-jax computes with norm_groups 32 and codebook_norm "none" only; this VQGAN has ${normGroups} and "${codebookNorm}". It can be written as an Easel folder.`,
    );
  }
  return { model, json, file, layout: alone };
}

/**
 * Rewrites a model as a folder: config.json, its weights, and the tokenizer's files if there are any. Weights are model.safetensors under our
 * names, which Easel opens fastest, or flax_model.msgpack, which the original programs open. Reads Flax's, PyTorch's (taming, min-dalle, CLIP) and
 * Easel's own checkpoints, one tensor at a time.
 *
 * Throws CheckpointError or ConfigError if the checkpoint, its config or the two together are not a model; nothing is written then. Throws
 * CheckpointError if `verify` finds other outputs than float32 rounding makes (with dtype f32).
 */
export async function convertModel(
  input: string,
  out: string,
  options: ConvertModelOptions = {},
): Promise<ConvertedModel[]> {
  const { dtype = 'f32', config, vqgan, to = 'easel', stacked, verify = false, signal, onWeight } = options;
  const isFolder = (await stat(input).catch(() => undefined))?.isDirectory() ?? false;
  const opened = await openCheckpoint(input);
  try {
    const folder = isFolder ? input : dirname(input);
    const plan = await planConversion(opened, folder, config);
    const { kind } = plan.model;
    if (kind !== 'text' && vqgan !== undefined) {
      const what = kind === 'clip' ? 'a CLIP' : 'a VQGAN itself';
      throw new ConfigError(`${input}: this is ${what}; --vqgan goes with a text model.`);
    }
    const target = targetOf(plan, to, stacked);
    const weights = join(out, target.file);
    if (existsSync(weights) && (await sameFile(weights, opened.description))) {
      throw new CheckpointError(`${out}: input and output are the same folder. Give another one.`);
    }
    const other = CHECKPOINT_NAMES.find((name) => name !== target.file && existsSync(join(out, name)));
    if (other !== undefined) {
      throw new CheckpointError(
        `${out}: it holds ${other}, and two checkpoints in one folder would be taken for each other. Give another folder.`,
      );
    }
    await mkdir(out, { recursive: true });
    const converting = {
      shapes: plan.shapes,
      ...(plan.ignore === undefined ? {} : { ignore: plan.ignore }),
      ...(signal === undefined ? {} : { signal }),
      ...(onWeight === undefined ? {} : { onWeight }),
    };
    const storage = convertDtypes[dtype];
    const bytes =
      target.layout === undefined
        ? await convertCheckpoint(opened, plan.rules, weights, storage, converting)
        : await convertToFlax(opened, plan.rules, target.layout, weights, storage, converting);
    await writeFileAtomic(join(out, 'config.json'), `${JSON.stringify(target.json, null, 2)}\n`);
    if (kind === 'text') await copyCompanions(folder, out, bartNaming(opened) !== 'easel');
    if (kind === 'clip') await copyFiles(folder, out, clipCompanions);
    const outputs = verify ? await verifyWritten(plan, target.model, weights, dtype) : undefined;
    const done: ConvertedModel[] = [
      { folder: out, kind, tensors: plan.rules.size, bytes, ...(outputs === undefined ? {} : { outputs }) },
    ];
    const inner = kind === 'text' ? innerVqgan(vqgan, folder, opened) : undefined;
    if (inner !== undefined) {
      const { config: _config, vqgan: _vqgan, ...same } = options;
      done.push(...(await convertModel(inner, join(out, 'vqgan'), same)));
    }
    return done;
  } finally {
    await opened.close();
  }
}

/** With f32 nothing is rounded, so that the outputs differ by the order of sums at most, if a backend does not keep to one. */
const MAX_RELATIVE_DIFFERENCE = 1e-5;

async function verifyWritten(
  plan: Plan,
  model: VerifiedModel,
  weights: string,
  dtype: keyof typeof convertDtypes,
): Promise<OutputDifference> {
  const source = await openCheckpoint(weights);
  try {
    const written = planWritten(model, source);
    const outputs = await compareOutputs(plan.model, plan, written);
    const { difference, largest } = outputs;
    if (dtype === 'f32' && difference > MAX_RELATIVE_DIFFERENCE * largest) {
      throw new CheckpointError(
        `${weights}: outputs for a fixed input differ by up to ${difference} (of at most ${largest}) from those before, though nothing was rounded. This is a fault of Easel: please report it.`,
      );
    }
    return outputs;
  } finally {
    await source.close();
  }
}

function planWritten(model: VerifiedModel, source: TensorSource): Plan {
  if (model.kind === 'clip') return planClip(model.config, source);
  return model.kind === 'text' ? planText(model.config, source) : planVqgan(model.config, source);
}

async function sameFile(a: string, b: string): Promise<boolean> {
  const [first, second] = await Promise.all([a, b].map((path) => stat(path).catch(() => undefined)));
  return first !== undefined && first.ino === second?.ino && first.dev === second.dev;
}

/** Copies the tokenizer's files; a model of the original gets the original's super conditioning where nothing else is said. */
async function copyCompanions(from: string, to: string, isOriginal: boolean): Promise<void> {
  await copyFiles(from, to, companions);
  if (isOriginal && !existsSync(join(to, generationFile))) {
    const json = JSON.stringify(generationSettingsToJson(originalGeneration), null, 2);
    await writeFileAtomic(join(to, generationFile), `${json}\n`);
  }
}

/** Copies those of the files that are there. */
async function copyFiles(from: string, to: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    if (existsSync(join(from, name))) await copyFile(join(from, name), join(to, name));
  }
}
