import { existsSync } from 'node:fs';
import { copyFile, mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { bartNaming } from '@easel/bart/internals';
import { CheckpointError, ConfigError, type TensorSource } from '@easel/core';
import { writeJson } from '@easel/core/internals/node';
import {
  CHECKPOINT_NAMES,
  type ConvertDtype,
  convertCheckpoint,
  convertToFlax,
  type FloatConversion,
  openCheckpoint,
  type WrittenCheckpoint,
} from '@easel/core/node';
import { generationSettingsToJson } from '@easel/draw';
import { openTogether } from '@easel/vqgan/internals/node';
import { compareOutputs, type OutputDifference } from './compare-outputs.js';
import type { ConvertibleModel, ModelKind } from './convertible-model.js';
import { recognizeModel } from './recognize-model.js';

/**
 * Number formats of a converted checkpoint, by their names on the command line. `keep` leaves each
 * weight in its own format.
 */
export const convertDtypes = {
  keep: 'keep',
  f32: 'F32',
  f16: 'F16',
  bf16: 'BF16',
  int8: 'INT8',
  int4: 'INT4',
  'int4-64': 'INT4_64',
} as const;

/**
 * The number format of a model's weights. Throws ConfigError for one that the model, or the form that
 * is written, cannot have.
 */
function storageOf(
  dtype: keyof typeof convertDtypes,
  input: string,
  { description, matrixAxis }: ConvertibleModel,
): ConvertDtype {
  const storage = convertDtypes[dtype];
  if (matrixAxis === undefined && isQuantized(storage)) {
    throw new ConfigError(
      `${input}: --dtype: expected f32, f16, bf16 or keep for a ${description}, got ${dtype}. 8 and 4 bits are for the matrices of a text model; f16 is the narrowest here.`,
    );
  }
  return storage;
}

/** The number format of a Flax checkpoint. Throws ConfigError for one that Flax does not have. */
function flaxStorage(dtype: keyof typeof convertDtypes, input: string): FloatConversion {
  const storage = convertDtypes[dtype];
  if (!isQuantized(storage)) return storage;
  throw new ConfigError(
    `${input}: --dtype: expected f32, f16, bf16 or keep with --to flax, got ${dtype}. The original programs have no such weights; leave --to out to write an Easel folder.`,
  );
}

function isQuantized(storage: ConvertDtype): storage is 'INT8' | 'INT4' | 'INT4_64' {
  return storage === 'INT8' || storage === 'INT4' || storage === 'INT4_64';
}

/** Forms that a model is written in. */
export const CONVERSION_TARGETS = ['easel', 'flax'] as const;
export type ConversionTarget = (typeof CONVERSION_TARGETS)[number];

/** Options of `convertModel`. */
export interface ConvertModelOptions {
  /** Number format of the weights (default keep). */
  readonly dtype?: keyof typeof convertDtypes;
  /** Path of the config.json, if it is not beside the checkpoint. */
  readonly config?: string | undefined;
  /**
   * The form that is written: model.safetensors under our names (default), or flax_model.msgpack
   * for the original programs.
   */
  readonly to?: ConversionTarget;
  /** Whether a Flax text model has its layers stacked (default: as its config says). */
  readonly stacked?: boolean | undefined;
  /**
   * Most bytes of weights in a file (default: no limit). Larger checkpoints are written as several
   * files and an index.
   */
  readonly maxShardBytes?: number | undefined;
  /** Whether the model's outputs before and after are compared, on the current backend. */
  readonly verify?: boolean | undefined;
  /** The file with the linear weights of LPIPS, if the input is VGG16. */
  readonly lpips?: string | undefined;
  /** A VQGAN (folder or file) that is converted into `out/vqgan` together with a text model. */
  readonly vqgan?: string | undefined;
  /** Stops the conversion between two weights. The unfinished checkpoint leaves no file. */
  readonly signal?: AbortSignal;
  readonly onWeight?: (name: string, done: number, total: number, share: number) => void;
}

/** The result of a conversion. */
export interface ConvertedModel {
  readonly folder: string;
  readonly kind: ModelKind;
  /** The kind in words. */
  readonly description: string;
  readonly tensors: number;
  readonly bytes: number;
  /** Names of the source's entries that cannot be read, with what each is. */
  readonly leftOut: Readonly<Record<string, string>>;
  /** With `verify`: the difference of outputs for a fixed input. */
  readonly outputs?: OutputDifference;
}

/** Returns the VQGAN of a text model: the one asked for, else the one in its folder. */
function innerVqgan(asked: string | undefined, folder: string, source: TensorSource): string | undefined {
  if (asked !== undefined) return asked;
  if (existsSync(join(folder, 'vqgan', 'config.json'))) return join(folder, 'vqgan');
  const detoker = join(folder, 'detoker.pt');
  return bartNaming(source) === 'min-dalle' && existsSync(detoker) ? detoker : undefined;
}

/**
 * Throws CheckpointError if `out` holds a checkpoint that would not be replaced, because two in one
 * folder could be confused. The file names of a checkpoint in parts are known only later, so it
 * needs a folder without any checkpoint.
 */
async function refuseSecondCheckpoint(
  out: string,
  file: string,
  inParts: boolean,
  source: TensorSource,
): Promise<void> {
  if (existsSync(join(out, file)) && (await sameFile(join(out, file), source.description))) {
    throw new CheckpointError(`${out}: input and output are the same folder. Give another one.`);
  }
  const other = CHECKPOINT_NAMES.find((name) => (inParts || name !== file) && existsSync(join(out, name)));
  if (other !== undefined) {
    throw new CheckpointError(
      `${out}: it holds ${other}, and two checkpoints in one folder would be taken for each other. Give another folder.`,
    );
  }
}

/**
 * Rewrites a model as a folder with its config, its weights, and the tokenizer's files if there are
 * any. The weights become model.safetensors under our names, which Easel opens fastest, or
 * flax_model.msgpack, which the original programs open. The model may be either version of DALL·E
 * mini, a VQGAN, a CLIP or LPIPS. Checkpoints of Flax, taming, min-dalle, transformers and Easel
 * are read, whole or in parts, one tensor at a time.
 *
 * Throws CheckpointError or ConfigError if the checkpoint, its config or the two together are not a
 * model. Nothing is written then. Throws CheckpointError if no weight was rounded and `verify`
 * finds a difference that float32 rounding does not explain.
 */
export async function convertModel(
  input: string,
  out: string,
  options: ConvertModelOptions = {},
): Promise<ConvertedModel[]> {
  const {
    dtype = 'keep',
    config,
    vqgan,
    lpips,
    to = 'easel',
    stacked,
    maxShardBytes,
    verify = false,
  } = options;
  const { signal, onWeight } = options;
  const isFolder = (await stat(input).catch(() => undefined))?.isDirectory() ?? false;
  const opened = lpips === undefined ? await openCheckpoint(input) : await openTogether([input, lpips]);
  try {
    const folder = isFolder ? input : dirname(input);
    const model = await recognizeModel(opened, folder, config);
    const { kind, description, shapes } = model;
    if (kind !== 'text' && vqgan !== undefined) {
      const what = kind === 'vqgan' ? 'a VQGAN itself' : `a ${description}`;
      throw new ConfigError(`${input}: this is ${what}; --vqgan goes with a text model.`);
    }
    if (kind !== 'lpips' && lpips !== undefined)
      throw new ConfigError(`${input}: this is a ${description}; --lpips goes with VGG16 of torchvision.`);
    const storage = storageOf(dtype, input, model);
    const floats = to === 'flax' ? flaxStorage(dtype, input) : 'keep';
    const flax = to === 'flax' ? model.flax(stacked) : undefined;
    const file = flax === undefined ? 'model.safetensors' : 'flax_model.msgpack';
    await refuseSecondCheckpoint(out, file, maxShardBytes !== undefined, opened);
    await mkdir(out, { recursive: true });
    const { rules, ignore } = model.reading(opened);
    const converting = {
      shapes,
      ...(ignore === undefined ? {} : { ignore }),
      ...(maxShardBytes === undefined ? {} : { maxShardBytes }),
      ...(signal === undefined ? {} : { signal }),
      ...(onWeight === undefined ? {} : { onWeight }),
    };
    const path = join(out, file);
    const written =
      flax === undefined
        ? await convertCheckpoint(opened, rules, path, storage, { ...converting, axisOf: model.matrixAxis })
        : await convertToFlax(opened, rules, flax.layout, path, floats, converting);
    const after = flax?.model ?? model;
    for (const [name, json] of after.configs) await writeJson(join(out, name), json);
    await copyCompanions(model, opened, folder, out, flax !== undefined);
    const outputs = verify ? await verifyWritten(model, opened, after, written) : undefined;
    const done: ConvertedModel[] = [
      {
        ...{ folder: out, kind, description, tensors: rules.size, bytes: written.bytes },
        leftOut: Object.fromEntries(opened.leftOut ?? []),
        ...(outputs === undefined ? {} : { outputs }),
      },
    ];
    const inner = kind === 'text' ? innerVqgan(vqgan, folder, opened) : undefined;
    if (inner !== undefined) {
      const { config: _config, vqgan: _vqgan, lpips: _lpips, stacked: _stacked, ...same } = options;
      // Convolutions have no form in 8 and 4 bits.
      const narrowest = isQuantized(storage) ? ({ dtype: 'f16' } as const) : {};
      done.push(...(await convertModel(inner, join(out, 'vqgan'), { ...same, ...narrowest })));
    }
    return done;
  } finally {
    await opened.close();
  }
}

/**
 * If no weight is rounded, the outputs differ at most by the order of sums, on backends that do not
 * keep to one order.
 */
const MAX_RELATIVE_DIFFERENCE = 1e-5;

async function verifyWritten(
  model: ConvertibleModel,
  opened: TensorSource,
  after: ConvertibleModel,
  { path, rounded }: WrittenCheckpoint,
): Promise<OutputDifference> {
  const source = await openCheckpoint(path);
  try {
    const outputs = await compareOutputs({ source: opened, model }, { source, model: after });
    const { difference, largest } = outputs;
    if (!rounded && difference > MAX_RELATIVE_DIFFERENCE * largest) {
      throw new CheckpointError(
        `${path}: outputs for a fixed input differ by up to ${difference} (of at most ${largest}) from those before, though nothing was rounded. This is a fault of Easel: please report it.`,
      );
    }
    return outputs;
  } finally {
    await source.close();
  }
}

async function sameFile(a: string, b: string): Promise<boolean> {
  const [first, second] = await Promise.all([a, b].map((path) => stat(path).catch(() => undefined)));
  return first !== undefined && first.ino === second?.ino && first.dev === second.dev;
}

/**
 * Copies the tokenizer's files and generation.json. If generation.json is missing, one is written
 * with which the model draws as before: a model of the original gets the original's super
 * conditioning, and a model of Easel's own that is written under Flax's names gets none.
 */
async function copyCompanions(
  model: ConvertibleModel,
  source: TensorSource,
  from: string,
  to: string,
  underFlaxNames: boolean,
): Promise<void> {
  for (const name of model.companions) {
    if (existsSync(join(from, name))) await copyFile(join(from, name), join(to, name));
  }
  const ours = bartNaming(source) === 'easel';
  if (ours && !underFlaxNames) return;
  for (const [name, json] of model.additions) {
    if (!existsSync(join(to, name)))
      await writeJson(join(to, name), ours ? generationSettingsToJson({ conditionScale: 1 }) : json);
  }
}
