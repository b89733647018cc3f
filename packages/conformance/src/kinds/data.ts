import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BpeTokenizer, Processor, TextNormalizer } from '@easel/bart';
import { parseWordFrequencies } from '@easel/bart/internals';
import { Pcg64 } from '@easel/core';
import {
  epochGenerator,
  evaluationBatches,
  fileRows,
  type LoadedRow,
  type LoaderSettings,
  NO_FILTER,
  permutedEpochs,
  type RowFilter,
  type ShuffleSettings,
  shuffleBuffer,
  trainingBatches,
} from '@easel/train/internals';
import type { Checks } from '../checks.js';
import { GoldenArrays, readJson } from '../golden.js';
import type { Case, GoldenFolder, Kind } from '../kind.js';

interface Document {
  readonly config: {
    readonly max_text_length: number;
    readonly image_length: number;
    readonly image_vocab_size: number;
    readonly decoder_start_token_id: number;
  };
  readonly seeds: readonly number[];
  readonly filters: Record<string, Record<string, number | string>>;
  readonly length_max_samples: readonly [number, number];
  readonly host_files: Record<string, readonly string[]>;
  readonly pcg64: Record<
    string,
    Record<'raw' | 'random' | 'integers_0_5000' | 'shuffle_list', (string | number)[]> & {
      integers_0_2to63: string;
    }
  >;
}

/** Compares order and content of batches, and the random generators behind them. */
export const kind: Kind = {
  cases(folder: GoldenFolder): Case[] {
    if (!folder.has('batches.safetensors', 'cases.json')) return [];
    const recorded = new Recorded(folder);
    const cases = recorded
      .names()
      .map((name): Case => ({ name, run: (checks) => recorded.compare(checks, name) }));
    return [...cases, { name: 'pcg64', run: (checks) => recorded.compareGenerator(checks) }];
  },
  besides:
    /^(words\.txt|.*\.(parquet|jsonl)|vocab\.json|merges\.txt|tokenizer.*\.json|special_tokens_map\.json)$/,
};

class Recorded {
  private readonly folder: GoldenFolder;
  private readonly arrays: GoldenArrays;
  private readonly document: Document;

  constructor(folder: GoldenFolder) {
    this.folder = folder;
    this.arrays = new GoldenArrays(folder.file('batches.safetensors'));
    this.document = readJson(folder.file('cases.json'));
  }

  /** Returns the names of the cases, without the name of the array. */
  names(): string[] {
    const names = this.arrays.names.map((name) =>
      name.replace(/\/(input_ids|attention_mask|labels|decoder_input_ids|permutation)$/, ''),
    );
    return [...new Set(names)].sort();
  }

  async compare(checks: Checks, name: string): Promise<void> {
    if (name.startsWith('shuffle_order_')) return this.compareOrder(checks, name);
    const batchShape = this.arrays.has(`${name}/labels`) ? this.arrays.shape(`${name}/labels`) : [0, 1];
    const [count, batchSize] = batchShape as [number, number];
    const batches = await this.batches(name, count, batchSize, checks);
    const processor = new Processor({
      tokenizer: this.tokenizer(),
      maxTextLength: this.document.config.max_text_length,
    });
    checks.equal('batches', 'number', batches.length, count);
    const rows = batches.flat();
    const texts = processor.process(rows.map((row) => row.caption));
    const labels = rows.flatMap((row) => [...row.encoding]);
    const start = this.document.config.decoder_start_token_id;
    const shifted = rows.flatMap((row) => [start, ...row.encoding.slice(0, -1)]);
    checks.equal('ids', 'input_ids', texts.inputIds, this.arrays.ints(`${name}/input_ids`));
    checks.equal('ids', 'attention_mask', texts.attentionMask, this.arrays.ints(`${name}/attention_mask`));
    checks.equal('ids', 'labels', Int32Array.from(labels), this.arrays.ints(`${name}/labels`));
    const decoderIds = Int32Array.from(this.arrays.floats(`${name}/decoder_input_ids`));
    checks.equal('ids', 'decoder_input_ids', Int32Array.from(shifted), decoderIds);
  }

  compareGenerator(checks: Checks): void {
    for (const [name, recorded] of Object.entries(this.document.pcg64)) {
      const make = (): Pcg64 => new Pcg64(Number(name.slice('seed'.length)));
      const draw = <T>(list: readonly unknown[], next: (generator: Pcg64) => T): T[] => {
        const generator = make();
        return list.map(() => next(generator));
      };
      checks.equal(
        'generator',
        `${name} raw`,
        draw(recorded.raw, (g) => `${g.next64()}`),
        recorded.raw,
      );
      checks.equal(
        'generator',
        `${name} random`,
        draw(recorded.random, (g) => g.random()),
        recorded.random,
      );
      const integers = draw(recorded.integers_0_5000, (g) => g.integer(5000));
      checks.equal('generator', `${name} integers`, integers, recorded.integers_0_5000);
      const list = recorded.shuffle_list.map((_, i) => i);
      make().shuffle(list);
      checks.equal('generator', `${name} shuffle`, list, recorded.shuffle_list);
      checks.equal('generator', `${name} 63 bits`, `${make().integer(2n ** 63n)}`, recorded.integers_0_2to63);
    }
  }

  private async compareOrder(checks: Checks, name: string): Promise<void> {
    const expected = this.arrays.ints(name);
    const rows = Array.from(expected, (_, i) => i);
    const found: number[] = [];
    for await (const row of shuffleBuffer(rows, epochGenerator(this.seed(name), epochOf(name))))
      found.push(row);
    checks.equal('order', name, Int32Array.from(found), expected);
  }

  /** Makes the batches of a case. Its name says how; the folder's README explains the names. */
  private async batches(
    name: string,
    count: number,
    batchSize: number,
    checks: Checks,
  ): Promise<(readonly LoadedRow[])[]> {
    const [setup, part] = name.split('/') as [string, string];
    const evaluates = part === 'eval' || part === 'other';
    const loader = this.loader(setup, part, evaluates);
    if (evaluates) return collect(evaluationBatches(loader, batchSize), Number.POSITIVE_INFINITY);
    if (setup.startsWith('not_streaming')) return this.permuted(name, loader, batchSize, checks);
    const blank = /^blank([\d.]+)_/.exec(setup);
    const carryOver = setup.startsWith('host');
    const shuffle: ShuffleSettings = {
      seed: this.seed(setup),
      carryOver,
      ...(blank && { blankCaptions: Number(blank[1]) }),
    };
    const epoch = epochOf(part);
    const batches: (readonly LoadedRow[])[] = [];
    for await (const { rows, after } of trainingBatches(loader, shuffle, batchSize)) {
      // Recorded endless streams were cut off. For the other streams the epoch's end is checked
      // too.
      if (carryOver ? batches.length === count : after.epoch > epoch) break;
      if (carryOver || after.epoch === epoch) batches.push(rows);
    }
    return batches;
  }

  private async permuted(
    name: string,
    loader: LoaderSettings,
    batchSize: number,
    checks: Checks,
  ): Promise<(readonly LoadedRow[])[]> {
    const rows: LoadedRow[] = [];
    for await (const row of fileRows(loader)) rows.push(row);
    const epochs = permutedEpochs(
      this.seed(name.startsWith('not_streaming_seed') ? name : 'first'),
      rows.length,
    );
    let order = new Int32Array();
    for (let epoch = 0; epoch <= epochOf(name); epoch++) order = epochs.next().value as typeof order;
    if (this.arrays.has(`${name}/permutation`))
      checks.equal('order', 'permutation', order, this.arrays.ints(`${name}/permutation`));
    const batches: LoadedRow[][] = [];
    for (let start = 0; start + batchSize <= rows.length; start += batchSize)
      batches.push([...order.subarray(start, start + batchSize)].map((row) => rows[row] as LoadedRow));
    return batches;
  }

  private loader(setup: string, part: string, evaluates: boolean): LoaderSettings {
    const { config } = this.document;
    const normalizes = setup.includes('normalized');
    const filter = this.filter(setup);
    const maxRows = this.maxRows(setup, evaluates);
    return {
      files: this.files(setup, part, evaluates),
      columns: { caption: 'caption', encoding: 'encoding' },
      shape: { imageLength: config.image_length, imageVocabSize: config.image_vocab_size },
      ...(filter && { filter }),
      ...(maxRows !== undefined && { maxRows }),
      ...(normalizes && { normalize: this.normalizer() }),
    };
  }

  private files(setup: string, part: string, evaluates: boolean): string[] {
    const file = (name: string): string => this.folder.file(join('files', name));
    if (setup === 'multi_eval')
      return [file(`multi/${{ train: 'train', eval: 'valid' }[part] ?? part}/0.parquet`)];
    if (evaluates) return [file('valid.parquet')];
    if (setup.startsWith('host'))
      return (this.document.host_files[setup] ?? []).map((name) => this.folder.file(name));
    if (setup.startsWith('shards')) return [0, 1, 2, 3].map((i) => file(`shard-${i}.parquet`));
    return [file(setup.startsWith('jsonl') ? 'train.jsonl' : 'train.parquet')];
  }

  private filter(setup: string): RowFilter | undefined {
    const named = setup.startsWith('filter_')
      ? this.document.filters[setup.slice('filter_'.length)]
      : undefined;
    const flags = setup === 'not_streaming_filtered' ? { min_clip_score: 0.2 } : named;
    if (flags === undefined) return undefined;
    const { min_clip_score, max_clip_score, filter_column, filter_value } = flags as Record<string, never>;
    return {
      ...NO_FILTER,
      minClipScore: min_clip_score ?? null,
      maxClipScore: max_clip_score ?? null,
      filterColumn: filter_column ?? null,
      filterValue: filter_value ?? null,
    };
  }

  private maxRows(setup: string, evaluates: boolean): number | undefined {
    if (setup === 'not_streaming_filtered') return 15;
    return setup === 'max_samples' ? this.document.length_max_samples[evaluates ? 1 : 0] : undefined;
  }

  /**
   * Returns the seed in a name, else the second recorded seed, which the generator used for names
   * without one.
   */
  private seed(name: string): number {
    if (name === 'first') return this.document.seeds[0] as number;
    return Number(/seed(\d+)/.exec(name)?.[1] ?? this.document.seeds[1]);
  }

  private tokenizer(): BpeTokenizer {
    const text = (file: string): string => readFileSync(this.folder.file(join('tokenizer', file)), 'utf8');
    return BpeTokenizer.fromFiles({
      vocab: text('vocab.json'),
      merges: text('merges.txt'),
      specialTokensMap: text('special_tokens_map.json'),
      tokenizerConfig: text('tokenizer_config.json'),
    });
  }

  private normalizer(): (caption: string) => string {
    const words = parseWordFrequencies(readFileSync(this.folder.file('files/words.txt'), 'utf8'));
    const normalizer = new TextNormalizer({ wordFrequencies: words, random: () => 0 });
    return (caption) => normalizer.normalize(caption);
  }
}

function epochOf(name: string): number {
  return Number(/epoch(\d+)/.exec(name)?.[1] ?? 0);
}

async function collect<T>(batches: AsyncIterable<T>, most: number): Promise<T[]> {
  const all: T[] = [];
  for await (const batch of batches) {
    all.push(batch);
    if (all.length === most) break;
  }
  return all;
}
