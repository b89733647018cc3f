import { existsSync } from 'node:fs';
import { copyFile, mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { bartNaming } from '@easel/bart/internals';
import { CheckpointError, ConfigError, type TensorSource } from '@easel/core';
import { writeJson } from '@easel/core/internals/node';
import {
  CHECKPOINT_NAMES,
  convertCheckpoint,
  convertToFlax,
  openCheckpoint,
  type WrittenCheckpoint,
} from '@easel/core/node';
import { generationSettingsToJson } from '@easel/draw';
import { openTogether } from '@easel/vqgan/internals/node';
import { compareOutputs, type OutputDifference } from './compare-outputs.js';
import type { ConvertibleModel, ModelKind } from './convertible-model.js';
import { recognizeModel } from './recognize-model.js';

/** Number formats of a converted checkpoint, by the names that the command line has for them; keep: each weight's own. */
export const convertDtypes = { keep: 'keep', f32: 'F32', f16: 'F16', bf16: 'BF16' } as const;

/** Forms that a model is written in. */
export const CONVERSION_TARGETS = ['easel', 'flax'] as const;
export type ConversionTarget = (typeof CONVERSION_TARGETS)[number];

/** How `convertModel` works. */
export interface ConvertModelOptions {
  /** Storage of the weights (default keep). */
  readonly dtype?: keyof typeof convertDtypes;
  /** config.json, where it is not beside the checkpoint. */
  readonly config?: string | undefined;
  /** What is written: model.safetensors under our names (default), or flax_model.msgpack for the original programs. */
  readonly to?: ConversionTarget;
  /** Whether a Flax text model has its layers stacked; default: as its config says. */
  readonly stacked?: boolean | undefined;
  /** Most bytes of weights in a file; more go into several files and an index. Default: one file. */
  readonly maxShardBytes?: number | undefined;
  /** Compare what the model computes before and after, on the backend that is started. */
  readonly verify?: boolean | undefined;
  /** The file with the linear weights of LPIPS, where the input is VGG16. */
  readonly lpips?: string | undefined;
  /** VQGAN (folder or file) that is converted into `out/vqgan` with a text model. */
  readonly vqgan?: string | undefined;
  /** Stops between two weights; the checkpoint in work leaves no file. */
  readonly signal?: AbortSignal;
  readonly onWeight?: (name: string, done: number, total: number, share: number) => void;
}

/** What came of a conversion. */
export interface ConvertedModel {
  readonly folder: string;
  readonly kind: ModelKind;
  /** The kind in words. */
  readonly description: string;
  readonly tensors: number;
  readonly bytes: number;
  /** What the source holds and cannot be read: its name, and what it is. */
  readonly leftOut: Readonly<Record<string, string>>;
  /** With `verify`: how far outputs for a fixed input are apart. */
  readonly outputs?: OutputDifference;
}

/** The VQGAN that belongs to a text model: the one asked for, else one in its folder. */
function innerVqgan(asked: string | undefined, folder: string, source: TensorSource): string | undefined {
  if (asked !== undefined) return asked;
  if (existsSync(join(folder, 'vqgan', 'config.json'))) return join(folder, 'vqgan');
  const detoker = join(folder, 'detoker.pt');
  return bartNaming(source) === 'min-dalle' && existsSync(detoker) ? detoker : undefined;
}

/**
 * Throws CheckpointError if `out` holds a checkpoint that would not be replaced: two in one folder would be taken for each other. Which files
 * parts have is known only later, so they go into a folder without any.
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
 * Rewrites a model as a folder: its config, its weights, and the tokenizer's files if there are any. Weights are model.safetensors under our
 * names, which Easel opens fastest, or flax_model.msgpack, which the original programs open. Models: both versions of DALL·E mini, VQGANs, CLIP, LPIPS;
 * reads Flax's, taming's, min-dalle's, transformers' and Easel's own checkpoints, whole or in parts, one tensor at a time.
 *
 * Throws CheckpointError or ConfigError if the checkpoint, its config or the two together are not a model; nothing is written then. Throws
 * CheckpointError if `verify` finds other outputs than float32 rounding makes (where no weight was rounded).
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
    const storage = convertDtypes[dtype];
    const path = join(out, file);
    const written =
      flax === undefined
        ? await convertCheckpoint(opened, rules, path, storage, converting)
        : await convertToFlax(opened, rules, flax.layout, path, storage, converting);
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
      done.push(...(await convertModel(inner, join(out, 'vqgan'), same)));
    }
    return done;
  } finally {
    await opened.close();
  }
}

/** Where nothing is rounded the outputs differ by the order of sums at most, if a backend does not keep to one. */
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
 * Copies the tokenizer's files and generation.json. Where that is missing, one is written that keeps
 * the model drawing as before: a model of the original gets the original's super conditioning, and
 * one of Easel's own that is written under Flax's names none.
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
