// node bench/train-memory.mjs [NAME …] [--json FILE] Compares the memory that `easel train
// --dry-run` predicts for a run with the memory that the run takes. Each prediction, and each run
// of four updates with a checkpoint, has a process of its own. It prints predicted and measured
// peak of resident memory in MiB and their ratio, a row for each configuration.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BpeTokenizer, trainBpe } from '@easel/bart';
import { saveTokenizer } from '@easel/bart/node';
import { writeShard } from '@easel/train';

const { values: options, positionals: names } = parseArgs({
  options: { json: { type: 'string' } },
  allowPositionals: true,
});

const model = (width, inner, layers, vocabulary) => ({
  model_type: 'dallebart',
  encoder_vocab_size: 2000,
  image_vocab_size: vocabulary,
  image_length: 256,
  max_text_length: 64,
  encoder_layers: layers,
  decoder_layers: layers,
  encoder_ffn_dim: inner,
  decoder_ffn_dim: inner,
  encoder_attention_heads: 8,
  decoder_attention_heads: 8,
  d_model: width,
  dropout: 0,
  use_scan: false,
  gradient_checkpointing: false,
});
const small = { model: model(256, 684, 4, 1024), optimizer: { name: 'adamw' } };
const middle = { model: model(512, 1368, 4, 4096), optimizer: { name: 'adamw' } };
const configurations = {
  'd 256, batch 2': { ...small, batchSize: 2 },
  'd 256, batch 8': { ...small, batchSize: 8 },
  'd 256, batch 8, remat': { ...small, batchSize: 8, gradientCheckpointing: true },
  'd 256, batch 4 × 3 accumulated': { ...small, batchSize: 4, accumulate: 3 },
  'd 512, batch 4, adamw': { ...middle, batchSize: 4 },
  'd 512, batch 4, adafactor': { ...middle, batchSize: 4, optimizer: { name: 'adafactor' } },
  'd 512, batch 2, shampoo': { ...middle, batchSize: 2, optimizer: { name: 'shampoo' } },
  'd 512, batch 8, remat, adafactor': {
    ...middle,
    batchSize: 8,
    gradientCheckpointing: true,
    optimizer: { name: 'adafactor' },
  },
  'd 512, batch 8, adafactor': { ...middle, batchSize: 8, optimizer: { name: 'adafactor' } },
  'd 512, batch 8, adafactor, bfloat16': {
    ...middle,
    batchSize: 8,
    optimizer: { name: 'adafactor' },
    savedActivations: 'bfloat16',
    weights: 'bfloat16',
  },
  'd 512, batch 4, embeddings only': { ...middle, batchSize: 4, trainable: 'embeddings' },
};

const folder = mkdtempSync(join(tmpdir(), 'easel-train-memory-'));
try {
  await writeSet(folder);
  const rows = [];
  console.log('| configuration | predicted MiB | measured MiB | ratio |\n|---|--:|--:|--:|');
  for (const [name, settings] of Object.entries(configurations)) {
    if (names.length > 0 && !names.some((part) => name.includes(part))) continue;
    const config = join(folder, 'config.json');
    writeFileSync(config, JSON.stringify({ ...common(folder), ...settings }));
    const predicted = inProcess('predict', config, folder) / 2 ** 20;
    const measured = inProcess('run', config, folder) / 2 ** 20;
    rows.push({ name, predicted, measured, ratio: predicted / measured });
    console.log(
      `| ${name} | ${predicted.toFixed(0)} | ${measured.toFixed(0)} | ${(predicted / measured).toFixed(3)} |`,
    );
  }
  const worst = Math.max(...rows.map(({ ratio }) => Math.abs(ratio - 1)));
  console.log(`\nfarthest from 1: ${(100 * worst).toFixed(1)} %`);
  if (options.json) writeFileSync(options.json, `${JSON.stringify(rows, null, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true });
}

/** Runs bench/train-memory-process.mjs and returns the bytes that it prints. */
function inProcess(what, config, folder) {
  const program = join(import.meta.dirname, 'train-memory-process.mjs');
  const out = join(folder, 'run');
  rmSync(out, { recursive: true, force: true });
  return Number(execFileSync(process.execPath, [program, what, config, out], { encoding: 'utf8' }));
}

function common(folder) {
  return {
    tokenizer: join(folder, 'tokenizer'),
    data: { train: join(folder, 'set'), trimText: false },
    steps: 4,
    schedule: { learningRate: 1e-3 },
    evaluation: { every: 0 },
    checkpoint: { every: 0 },
    log: { every: 1, tensorboard: false },
  };
}

/** Writes a set of 64 rows of 256 tokens below 1024. */
async function writeSet(folder) {
  const rows = Array.from({ length: 64 }, (_, i) => ({
    caption: `a picture of thing number ${i}`,
    encoding: Array.from({ length: 256 }, (_, t) => (i * 31 + t * 7) % 1024),
    source: `${i}`,
  }));
  mkdirSync(join(folder, 'set'));
  await writeShard(join(folder, 'set', 'shard-00000.parquet'), rows);
  const bpe = trainBpe(
    rows.map(({ caption }) => caption),
    { vocabSize: 320 },
  );
  await saveTokenizer(join(folder, 'tokenizer'), new BpeTokenizer(bpe));
}
