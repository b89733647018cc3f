import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BpeTokenizer, trainBpe } from '@easel/bart';
import { saveTokenizer } from '@easel/bart/node';
import { afterAll, afterEach, beforeAll, beforeEach, jest } from '@jest/globals';
import { parseSeq2SeqConfig } from '../src/config/seq2seq-config.js';
import type { EncodedRow } from '../src/encoded/shards.js';
import type { TrainingOptions, TrainingResult } from '../src/run/training-loop.js';
import { trainSeq2Seq } from '../src/seq2seq/train-seq2seq.js';
import { startTestBackend } from './backend.js';
import { type LoggedLine, readMetrics } from './runs.js';

/** Where the runs of a test file are: encoded sets and a tokenizer for all its tests, and a folder of runs for each. */
export class Seq2SeqRuns {
  /** Made once for the file, with the tokenizer in `tokenizer`. */
  shared = '';
  /** Empty at the start of each test. */
  root = '';

  train(name: string, settings: unknown, options: Partial<TrainingOptions> = {}): Promise<TrainingResult> {
    return trainSeq2Seq(parseSeq2SeqConfig(settings), { out: join(this.root, name), ...options });
  }

  /** Content of a file below `root`. */
  bytes(...path: string[]): Buffer {
    return readFileSync(join(this.root, ...path));
  }

  /** Whether two runs have the same file, byte for byte. */
  same(one: string, other: string, ...path: string[]): boolean {
    return this.bytes(one, ...path).equals(this.bytes(other, ...path));
  }

  /** Content of a JSON file below `root`. */
  settings(...path: string[]): Record<string, unknown> {
    return JSON.parse(this.bytes(...path).toString());
  }

  metrics(name: string): LoggedLine[] {
    return readMetrics(join(this.root, name));
  }

  /** Of each logged step. */
  trained(name: string, field: 'loss' | 'epoch'): number[] {
    return this.metrics(name).flatMap((line) => (line.kind === 'train' ? [line[field] as number] : []));
  }
}

/** Rows of an encoded set for `tinyDalleBartJson`: the picture of captions c shows tokens c, c + 1, …, so that they say everything. */
export function slidingRows(captions: readonly (readonly string[])[]): EncodedRow[] {
  return captions.flatMap((own, c) => {
    const encoding = Array.from({ length: 16 }, (_, t) => (c + t) % 16);
    return own.map((caption) => ({ caption, encoding, source: `${c}` }));
  });
}

/** To be called at the top of a test file. `writeSets` puts encoded sets into the folder and returns the captions that the tokenizer learns. */
export function seq2seqRuns(writeSets: (shared: string) => Promise<readonly string[]>): Seq2SeqRuns {
  // Seconds on native; on the portable backend, or a busy machine, many times that.
  jest.setTimeout(600_000);
  const runs = new Seq2SeqRuns();
  beforeAll(async () => {
    await startTestBackend();
    runs.shared = mkdtempSync(join(tmpdir(), 'easel-seq2seq-data-'));
    const captions = await writeSets(runs.shared);
    const bpe = trainBpe([...captions], { vocabSize: 280 });
    await saveTokenizer(join(runs.shared, 'tokenizer'), new BpeTokenizer(bpe));
  });
  afterAll(() => {
    rmSync(runs.shared, { recursive: true, force: true });
  });
  beforeEach(() => {
    runs.root = mkdtempSync(join(tmpdir(), 'easel-seq2seq-'));
  });
  afterEach(() => {
    rmSync(runs.root, { recursive: true, force: true });
  });
  return runs;
}
