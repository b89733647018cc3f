import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { planModel } from '@easel/bart/internals';
import { parseClipConfig } from '@easel/clip';
import { clipParameters, clipRulesForTorch } from '@easel/clip/internals';
import { permutedShape } from '@easel/core/internals';
import { Lpips, PatchDiscriminator, VQGAN_F16_16384, Vqgan } from '@easel/vqgan';
import {
  discriminatorRules,
  lpipsRules,
  vqganRulesForFlax,
  vqganRulesForTaming,
} from '@easel/vqgan/internals';
import { elementCount } from 'safetensors-ts';
import type { Checks } from '../checks.js';
import { readJson } from '../golden.js';
import type { Case, GoldenFolder, Kind } from '../kind.js';
import { flaxShapes, table } from './bart/flax-names.js';

/**
 * A list of a model's parameters. The text model's are under `parameters`, the others' under
 * `tensors`.
 */
interface ParameterList {
  readonly total: number;
  readonly settings?: Record<string, unknown>;
  readonly parameters?: Record<string, [shape: number[], dtype: string]>;
  readonly tensors?: Record<string, [shape: number[], dtype: string]>;
  readonly buffers_not_counted?: readonly string[];
}

/** Names and shapes of every parameter of the published models. */
export const kind: Kind = {
  cases(folder: GoldenFolder): Case[] {
    return folder.files
      .filter((file) => file.endsWith('.json'))
      .map((file) => ({
        name: file.replace('.json', ''),
        run(checks: Checks) {
          const list = readJson<ParameterList>(folder.file(file));
          const ours = shapesOf(file, list);
          checks.equal('names and shapes', file, sorted(ours), sorted(trained(list)));
          const total = [...ours.values()].reduce((sum, shape) => sum + elementCount(shape), 0);
          checks.equal('number of parameters', file, total, list.total);
        },
      }));
  },
};

/** Returns the shapes of the list, without buffers. */
function trained(list: ParameterList): Map<string, number[]> {
  const buffers = new Set(list.buffers_not_counted);
  return new Map(
    Object.entries(list.parameters ?? list.tensors ?? {})
      .filter(([name]) => !buffers.has(name))
      .map(([name, [shape]]) => [name, shape]),
  );
}

/** Returns the shapes of Easel's weights under the original's names. */
function shapesOf(file: string, list: ParameterList): Map<string, number[]> {
  const { settings } = list;
  if (settings) return flaxShapes(table(planModel(configOf(settings), file)));
  const model = MODELS.find(({ files }) => files.test(file));
  if (!model) throw new Error(`no model of Easel's is known for ${file}`);
  return model.shapes(file);
}

/**
 * Returns a configuration. It is read from configs/models/<name>.json; the list's other settings
 * override it.
 */
function configOf({ config: name, base, ...change }: Record<string, unknown>): unknown {
  const file = base === undefined ? `${name}` : 'first-version';
  const path = fileURLToPath(new URL(`../../../../configs/models/${file}.json`, import.meta.url));
  if (!existsSync(path)) throw new Error(`no configs/models/${file}.json`);
  return { ...readJson<Record<string, unknown>>(path), ...change };
}

interface ListedModel {
  readonly files: RegExp;
  shapes(file: string): Map<string, number[]>;
}

const MODELS: readonly ListedModel[] = [
  {
    files: /^vqgan_f16_16384\.(flax|taming)\.json$/,
    shapes(file) {
      const model = new Vqgan(VQGAN_F16_16384);
      const weights = model.namedWeights();
      const taming = file.includes('.taming.');
      const rules = taming ? vqganRulesForTaming(weights.keys()) : vqganRulesForFlax(weights.keys());
      const shapes = new Map<string, number[]>();
      for (const [name, { source, transpose }] of rules) {
        const shape = weights.get(name)?.shape ?? [];
        const stored = transpose ? permutedShape(shape, inverse(transpose)) : shape;
        shapes.set(taming ? source : source.replaceAll('.', '/'), [...stored]);
      }
      model.dispose();
      return shapes;
    },
  },
  {
    files: /\.taming_loss\.json$/,
    shapes() {
      // taming's NLayerDiscriminator and its LPIPS, of full size.
      const lpips = new Lpips();
      const discriminator = new PatchDiscriminator();
      const prefixes = [
        [lpips, lpipsRules(lpips.namedWeights().keys(), 'taming'), 'loss.perceptual_loss.'],
        [discriminator, discriminatorRules(discriminator.namedWeights().keys()), 'loss.discriminator.'],
      ] as const;
      const shapes = new Map<string, number[]>();
      for (const [model, rules, prefix] of prefixes) {
        for (const [name, { source, transpose }] of rules) {
          if (/running_(mean|var)$/.test(source)) continue; // buffers are not counted
          const shape = model.namedWeights().get(name)?.shape ?? [];
          shapes.set(`${prefix}${source}`, transpose ? permutedShape(shape, inverse(transpose)) : [...shape]);
        }
        model.dispose();
      }
      return shapes;
    },
  },
  {
    files: /^clip_vit_(base_patch32|large_patch14)\.(flax|torch)\.json$/,
    shapes(file) {
      const weights = clipParameters(
        parseClipConfig(file.includes('large_patch14') ? VIT_LARGE_PATCH14 : {}),
      );
      const torch = file.includes('.torch.');
      const rules = torch ? clipRulesForTorch(weights.keys()) : vqganRulesForFlax(weights.keys());
      return new Map(
        [...rules].map(([name, { source, transpose }]) => {
          const shape = weights.get(name) ?? [];
          const stored = transpose ? permutedShape(shape, inverse(transpose)) : shape;
          return [torch ? source : source.replaceAll('.', '/'), [...stored]];
        }),
      );
    },
  },
];

/** Settings that differ from ViT-B/32, which is transformers' default. */
const VIT_LARGE_PATCH14 = {
  projection_dim: 768,
  text_config: { hidden_size: 768, intermediate_size: 3072, num_attention_heads: 12 },
  vision_config: {
    hidden_size: 1024,
    intermediate_size: 4096,
    num_attention_heads: 16,
    num_hidden_layers: 24,
    patch_size: 14,
  },
};

function inverse(permutation: readonly number[]): number[] {
  return permutation.map((_, axis) => permutation.indexOf(axis));
}

function sorted(shapes: ReadonlyMap<string, readonly number[]>): string[] {
  return [...shapes].map(([name, shape]) => `${name} [${shape}]`).sort();
}
