import { CheckpointError, loadWeights, type SourceEntry, type TensorSource } from '@easel/core';
import { openCheckpoint } from '@easel/core/node';
import { Lpips } from './lpips.js';
import { type LpipsNaming, lpipsRules } from './weights.js';

/**
 * Opens LPIPS from one file or several that complete each other: Easel's safetensors; taming's state_dict of LPIPS, whole or its `lin` weights
 * alone; torchvision's VGG16, whose classifier is not read. PyTorch's files are read without running anything of them.
 *
 * Widths are told by the weights. Throws CheckpointError: no file named, unreadable, weights of LPIPS missing (with the names).
 * The caller disposes the model.
 */
export async function openLpips(files: readonly string[]): Promise<Lpips> {
  if (files.length === 0) {
    throw new CheckpointError('LPIPS: expected the name of at least one file, got none.');
  }
  const sources: TensorSource[] = [];
  try {
    for (const file of files) sources.push(await openCheckpoint(file));
    const source = mergeSources(sources);
    const naming = namingOf(source.entries);
    const probe = lpipsRules(
      [1, 2, 3, 4, 5].map((level) => `conv${level}_1.bias`),
      naming,
    );
    const widths = [...probe.values()].map((rule) => source.entries.get(rule.source)?.shape[0]);
    if (widths.includes(undefined)) {
      throw new CheckpointError(
        `${source.description}: expected the convolutions of VGG16 (conv1_1, features.0 or net.slice1.0 …), found ${sample(source)}. Name torchvision's VGG16 file beside LPIPS' own.`,
      );
    }
    const lpips = new Lpips(widths as number[]);
    try {
      const weights = lpips.namedWeights();
      const rules = lpipsRules(weights.keys(), naming);
      const used = new Set([...rules.values()].map((rule) => rule.source));
      await loadWeights(weights, source, rules, { ignore: (name) => !used.has(name) });
      return lpips;
    } catch (error) {
      lpips.dispose();
      throw error;
    }
  } finally {
    for (const source of sources) await source.close();
  }
}

function namingOf(entries: ReadonlyMap<string, SourceEntry>): LpipsNaming {
  if (entries.has('features.0.weight')) return 'torchvision';
  return entries.has('net.slice1.0.weight') ? 'taming' : 'easel';
}

function sample(source: TensorSource): string {
  const names = [...source.entries.keys()];
  return `${names.slice(0, 4).join(', ')}${names.length > 4 ? ` and ${names.length - 4} more` : ''}`;
}

/** Several checkpoints under their own names; of equal names the first counts. */
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
    read: (name, slice) => (owners.get(name) ?? (sources[0] as TensorSource)).read(name, slice),
    close: async () => {},
  };
}
