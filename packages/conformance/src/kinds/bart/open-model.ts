import { readFileSync } from 'node:fs';
import type { DalleBart, FirstVersionBart, ModelPlan } from '@easel/bart';
import { planModel } from '@easel/bart/internals';
import { loadWeights } from '@easel/core';
import { fromMsgpack } from '@easel/core/node';
import { golden, readJson } from '../../golden.js';
import { GoldenFolder } from '../../kind.js';

export type AnyBart = DalleBart | FirstVersionBart;

/**
 * Reads the config of a folder that the original's save_pretrained wrote. `change` overrides
 * settings.
 */
export function planOf(folder: GoldenFolder, change: Record<string, unknown> = {}): ModelPlan {
  const config = { ...readJson<Record<string, unknown>>(folder.file('config.json')), ...change };
  const decoder = folder.has('decoder_config.json')
    ? readJson<unknown>(folder.file('decoder_config.json'))
    : undefined;
  return planModel(config, folder.file('config.json'), decoder);
}

/** Makes a model with the weights of the folder's flax_model.msgpack. The caller disposes it. */
export async function openModel(plan: ModelPlan, folder: GoldenFolder): Promise<AnyBart> {
  const model = plan.build();
  try {
    const file = folder.file('flax_model.msgpack');
    const source = fromMsgpack(readFileSync(file), file);
    await loadWeights(model.namedWeights(), source, plan.rules(source));
    return model;
  } catch (error) {
    model.dispose();
    throw error;
  }
}

/** Opens the model of a folder under reference/golden, for tests. The caller disposes it. */
export async function goldenBart(name: string): Promise<AnyBart> {
  const folder = new GoldenFolder(golden(name));
  return await openModel(planOf(folder), folder);
}
