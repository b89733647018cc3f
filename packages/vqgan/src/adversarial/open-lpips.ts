import {
  CheckpointError,
  loadWeights,
  type SourceEntry,
  type TensorSource,
  type WeightRule,
} from '@easel/core';
import { openCheckpoint } from '@easel/core/node';
import { Lpips, lpipsParameters } from '../lpips.js';
import { type LpipsNaming, lpipsRules } from './weights.js';

/**
 * Opens LPIPS from one file, or from several that complete each other. A file may be Easel's
 * safetensors, taming's state_dict of LPIPS (whole, or its `lin` weights alone), or torchvision's
 * VGG16, whose classifier is not read. PyTorch's files are read without running code from them.
 *
 * The weights tell the widths. Throws CheckpointError if no file is named, if a file cannot be
 * read, or if weights of LPIPS are missing (with their names). The caller disposes the model.
 */
export async function openLpips(files: readonly string[]): Promise<Lpips> {
  const source = await openTogether(files);
  try {
    const { widths, rules, ignore } = lpipsReading(source.entries, source.description);
    const lpips = new Lpips(widths);
    try {
      await loadWeights(lpips.namedWeights(), source, rules(lpips.namedWeights().keys()), { ignore });
      return lpips;
    } catch (error) {
      lpips.dispose();
      throw error;
    }
  } finally {
    await source.close();
  }
}

/**
 * Opens checkpoints that complete each other as one. Of equal names the first counts. Throws
 * CheckpointError if no file is named, and as `openCheckpoint` does.
 */
export async function openTogether(files: readonly string[]): Promise<TensorSource> {
  if (files.length === 0) {
    throw new CheckpointError('LPIPS: expected the name of at least one file, got none.');
  }
  const sources: TensorSource[] = [];
  try {
    for (const file of files) sources.push(await openCheckpoint(file));
  } catch (error) {
    for (const source of sources) await source.close();
    throw error;
  }
  return mergeSources(sources);
}

/** The way to read LPIPS from a checkpoint. */
export interface LpipsReading {
  /** Widths of the five levels. */
  readonly widths: readonly number[];
  rules(names: Iterable<string>): Map<string, WeightRule>;
  /** Whether a tensor is not part of LPIPS, as VGG16's classifier. */
  ignore(name: string): boolean;
}

/** Throws CheckpointError if there are no convolutions of VGG16. */
export function lpipsReading(entries: ReadonlyMap<string, SourceEntry>, description: string): LpipsReading {
  const naming = namingOf(entries);
  const probe = lpipsRules(
    [1, 2, 3, 4, 5].map((level) => `conv${level}_1.bias`),
    naming,
  );
  const widths = [...probe.values()].map((rule) => entries.get(rule.source)?.shape[0]);
  if (widths.includes(undefined)) {
    throw new CheckpointError(
      `${description}: expected the convolutions of VGG16 (conv1_1, features.0 or net.slice1.0 …), found ${sample(entries)}. Name torchvision's VGG16 file beside LPIPS' own.`,
    );
  }
  const rules = lpipsRules(lpipsParameters(widths as number[]).keys(), naming);
  const used = new Set([...rules.values()].map((rule) => rule.source));
  return {
    widths: widths as number[],
    rules: (names) => lpipsRules(names, naming),
    ignore: (name) => !used.has(name),
  };
}

function namingOf(entries: ReadonlyMap<string, SourceEntry>): LpipsNaming {
  if (entries.has('features.0.weight')) return 'torchvision';
  return entries.has('net.slice1.0.weight') ? 'taming' : 'easel';
}

function sample(entries: ReadonlyMap<string, SourceEntry>): string {
  const names = [...entries.keys()];
  return `${names.slice(0, 4).join(', ')}${names.length > 4 ? ` and ${names.length - 4} more` : ''}`;
}

/** Merges several checkpoints under their own names. Of equal names the first counts. */
function mergeSources(sources: readonly TensorSource[]): TensorSource {
  const owners = new Map<string, TensorSource>();
  const entries = new Map<string, SourceEntry>();
  for (const source of sources) {
    for (const [name, entry] of source.entries) {
      if (owners.has(name)) continue;
      owners.set(name, source);
      entries.set(name, entry);
    }
  }
  return {
    description: sources.map((source) => source.description).join(' and '),
    entries,
    metadata: new Map(),
    leftOut: new Map(sources.flatMap((source) => [...(source.leftOut ?? [])])),
    read: (name, slice) => (owners.get(name) ?? (sources[0] as TensorSource)).read(name, slice),
    close: async () => {
      for (const source of sources) await source.close();
    },
  };
}
