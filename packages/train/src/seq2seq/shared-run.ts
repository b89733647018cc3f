import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DalleBartConfig, dalleBartConfigToJson, parseDalleBartConfig } from '@easel/bart';
import { tokenizerFiles } from '@easel/bart/internals';
import { openTokenizer } from '@easel/bart/node';
import { ConfigError, memoryFiles, type Optimizer } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import type { Seq2SeqConfig } from '../config/seq2seq-config.js';
import type { DataPosition } from '../encoded/epoch-order.js';
import { differences, type Ranks } from '../ranks/ranks.js';
import type { Own } from '../run/releasing.js';
import { thisSitting } from '../run/sitting.js';
import type { CaptionParts } from './seq2seq-data.js';

// What the ranks of a run tell each other before its first update. Each function is called by all of
// them.

/** Where a run goes on, as rank 0 finds it in the run's folder. */
export interface SharedStart extends CaptionParts {
  readonly resumed: { readonly step: number; readonly position: DataPosition } | undefined;
}

/** Throws ConfigError if there are more ranks than micro-batches. */
export function requireMicroBatches({ accumulate }: Pick<Seq2SeqConfig, 'accumulate'>, ranks: number): void {
  if (ranks > accumulate)
    throw new ConfigError(
      `Training: ${ranks} ranks share an update's micro-batches, but there ${accumulate === 1 ? 'is 1' : `are ${accumulate}`} (accumulate). Raise accumulate to a multiple of ${ranks}, with a smaller batchSize for updates of the same size, or start fewer ranks.`,
    );
}

/**
 * Throws ConfigError if there are more ranks than micro-batches, and EaselError unless all ranks
 * have the same settings, versions and backend.
 */
export async function requireSharedRun(config: Seq2SeqConfig, ranks: Ranks): Promise<void> {
  requireMicroBatches(config, ranks.size);
  const { easel, tfjs, backend } = thisSitting(0);
  await ranks.requireSame({ easel, tfjs, backend, ...config }, differences);
}

/** Gives the others what rank 0 has read of model, tokenizer and run folder. */
export async function giveStart(
  { modelConfig, tokenizer, wordList, resumed }: SharedStart,
  ranks: Ranks,
): Promise<void> {
  if (ranks.size === 1) return;
  await ranks.lead({
    model: dalleBartConfigToJson(modelConfig),
    tokenizer: [...tokenizerFiles(tokenizer)],
    words: wordList === null ? null : await readFile(wordList, 'utf8'),
    resumed: resumed === undefined ? null : { step: resumed.step, position: resumed.position },
  });
}

/** Takes what `giveStart` gives on rank 0. A file that it writes goes with `own`. */
export async function takeStart(ranks: Ranks, own: Own): Promise<SharedStart> {
  const { model, tokenizer, words, resumed } = await ranks.lead({
    model: {} as Record<string, unknown>,
    tokenizer: [] as [name: string, text: string][],
    words: null as string | null,
    resumed: null as { step: number; position: DataPosition } | null,
  });
  const modelConfig: DalleBartConfig = parseDalleBartConfig(model, "rank 0's model");
  const contents = Object.fromEntries(tokenizer.map(([name, text]) => [name, Buffer.from(text)]));
  return {
    modelConfig,
    tokenizer: await openTokenizer(memoryFiles(contents, "rank 0's tokenizer")),
    wordList: words === null ? null : await wordFile(words, own),
    resumed: resumed ?? undefined,
  };
}

async function wordFile(words: string, own: Own): Promise<string> {
  const folder = own(await mkdtemp(join(tmpdir(), 'easel-rank-')), (path) => rm(path, { recursive: true }));
  const path = join(folder, 'words');
  await writeFile(path, words);
  return path;
}

/** Throws EaselError unless all ranks have the same data and as many updates to make. */
export function requireSameData(
  ranks: Ranks,
  facts: { readonly data: string; readonly steps: number },
): Promise<void> {
  return ranks.requireSame(facts, (first, other) => [
    ...(first.data === other.data
      ? []
      : [`the training data has the digest ${first.data} and ${other.data}`]),
    ...(first.steps === other.steps ? [] : [`the run has ${first.steps} and ${other.steps} updates`]),
  ]);
}

/** Gives all ranks rank 0's weights and optimizer, as it has made or read them. */
export async function shareState(
  ranks: Ranks,
  weights: ReadonlyMap<string, tf.Variable>,
  optimizer: Optimizer,
): Promise<void> {
  if (ranks.size === 1) return;
  await ranks.broadcastWeights(weights);
  const state = await ranks.broadcastTensors(optimizer.state());
  if (ranks.rank === 0) return;
  try {
    await optimizer.loadState(state);
  } finally {
    tf.dispose([...state.values()]);
  }
}
