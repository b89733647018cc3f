import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseDalleBartConfig } from '@easel/bart';
import { originalPartitions } from '@easel/train/internals';
import { elementCount } from 'safetensors-ts';
import { readJson } from '../golden.js';
import type { Case, GoldenFolder, Kind } from '../kind.js';

interface RecordedModel {
  readonly config: {
    readonly file: string;
    readonly changes: Record<string, unknown>;
    readonly use_scan: boolean;
  };
  readonly num_params: number;
  readonly groups: Record<string, number>;
  readonly params: Record<string, [shape: number[], spec: ('mp' | null)[] | null]>;
}

/** Compares how the original divides models among devices. */
export const kind: Kind = {
  cases(folder: GoldenFolder): Case[] {
    if (!folder.has('partitions.json')) return [];
    const models = readJson<Record<string, RecordedModel>>(folder.file('partitions.json'));
    return Object.entries(models).map(([name, model]) => ({
      name,
      run(checks) {
        const { file, changes, use_scan } = model.config;
        const path = fileURLToPath(
          new URL(`../../../../configs/models/${file.replace(/\/.*/, '')}.json`, import.meta.url),
        );
        if (!existsSync(path)) throw new Error(`no config of Easel's is the original's ${file}`);
        const config = parseDalleBartConfig({ ...readJson<object>(path), ...changes, use_scan }, file);
        const ours = originalPartitions(config);
        const shown = [...ours].map(([weight, { shape, partition }]) => [
          weight,
          [shape, partition ? partition.map((cut) => (cut ? 'mp' : null)) : null],
        ]);
        const sorted = (list: unknown[]) => list.map((entry) => JSON.stringify(entry)).sort();
        checks.equal('partitions', name, sorted(shown), sorted(Object.entries(model.params)));
        const sizes = [...ours.values()].map(({ shape }) => elementCount(shape));
        checks.equal(
          'number of parameters',
          name,
          sizes.reduce((a, b) => a + b, 0),
          model.num_params,
        );
        const groups: Record<string, number> = {};
        for (const weight of ours.keys()) {
          const group = /FlaxBart(En|De)coderLayers\//.exec(weight);
          const key = group ? `scanned_${group[1]?.toLowerCase()}coder` : 'standard';
          groups[key] = (groups[key] ?? 0) + 1;
        }
        checks.equal(
          'optimizer groups',
          name,
          Object.entries(groups).sort(),
          Object.entries(model.groups).sort(),
        );
      },
    }));
  },
};
