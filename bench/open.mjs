// node bench/open.mjs [--python PATH] [--rounds N] [--folder DIR] [--dtype f32|f16|bf16] Opens a file
// of DALL·E mini's weights (437.8 million random numbers), which is in the page cache, in a process of
// its own each time: Easel beside Python's safetensors with PyTorch. Rounds alternate. `open` is the
// time until every weight is a tensor of the model, `read` the time of summing all of them up for the
// first time, `peak` the most memory of the process that is its own, the page cache not counted. The
// time that programs take to start is not counted.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, open as openFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { median } from './median.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    python: { type: 'string', default: process.env.EASEL_BENCH_PYTHON ?? 'python3' },
    rounds: { type: 'string', default: '3' },
    folder: { type: 'string', default: tmpdir() },
    dtype: { type: 'string', default: 'f32' },
  },
});
const SIZES = {
  encoder_vocab_size: 50264,
  image_vocab_size: 16384,
  image_length: 256,
  max_text_length: 64,
  d_model: 1024,
  encoder_layers: 12,
  decoder_layers: 12,
  encoder_ffn_dim: 2730,
  decoder_ffn_dim: 2730,
  encoder_attention_heads: 16,
  decoder_attention_heads: 16,
};

async function build() {
  const tf = await import('@tensorflow/tfjs');
  await import('tfjs-backend-native');
  if (!(await tf.setBackend('native')))
    throw new Error('the native backend did not start: run `npx easel doctor`');
  const { DalleBart, parseDalleBartConfig } = await import('@easel/bart');
  return { tf, make: () => new DalleBart(parseDalleBartConfig(SIZES)) };
}

/** Memory of this process that is no file's, in MB: the most so far is not kept by Linux. */
function ownMemory() {
  const status = readFileSync('/proc/self/status', 'utf8');
  return Number(/RssAnon:\s+(\d+)/.exec(status)[1]) / 1024;
}

async function openWithEasel(path) {
  const { tf, make } = await build();
  const { loadWeights } = await import('@easel/core');
  const { openCheckpoint } = await import('@easel/core/node');
  const begin = performance.now();
  const model = make();
  const source = await openCheckpoint(path);
  const weights = model.namedWeights();
  const rules = new Map([...weights.keys()].map((name) => [name, { source: name }]));
  await loadWeights(weights, source, rules);
  await source.close();
  const opened = performance.now();
  for (const weight of weights.values()) tf.tidy(() => tf.sum(weight).dataSync());
  const read = performance.now();
  console.log(JSON.stringify({ open: opened - begin, read: read - opened, memory: ownMemory() }));
}

/** Writes the model's weights with random numbers between −0.05 and 0.05. */
async function writeRandom(path) {
  const { make } = await build();
  const { writeSafetensors } = await import('safetensors-ts/node');
  const dtype = options.dtype.toUpperCase();
  const noise = new Uint32Array(2 ** 22);
  let state = 1;
  for (let i = 0; i < noise.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    noise[i] = state;
  }
  // Exponents of small numbers: float32 in words, the halves in pairs.
  const mask = {
    F32: [0x81ffffff, 0x3c000000],
    F16: [0x83ff83ff, 0x28002800],
    BF16: [0x81ff81ff, 0x3c003c00],
  };
  const [keep, set] = mask[dtype];
  for (let i = 0; i < noise.length; i++) noise[i] = (noise[i] & keep) | set;
  const entries = [...make().namedWeights()].map(([name, { shape }]) => ({ name, dtype, shape }));
  await writeSafetensors(path, entries, (name) => {
    const { shape } = entries.find((entry) => entry.name === name);
    const bytes = shape.reduce((product, extent) => product * extent, dtype === 'F32' ? 4 : 2);
    return (async function* () {
      for (let left = bytes; left > 0; left -= noise.byteLength)
        yield new Uint8Array(noise.buffer, 0, Math.min(left, noise.byteLength));
    })();
  });
}

/** Reads the whole file, so that it is in the page cache. */
async function fetch(path) {
  const file = await openFile(path);
  const piece = new Uint8Array(2 ** 24);
  while ((await file.read(piece)).bytesRead > 0);
  await file.close();
}

if (positionals[0] !== undefined) {
  await openWithEasel(positionals[0]);
  process.exit(0);
}
const folder = await mkdtemp(join(options.folder, 'easel-bench-'));
const path = join(folder, 'model.safetensors');
const peer = fileURLToPath(new URL('peers/open.py', import.meta.url));
const contestants = {
  easel: [process.execPath, ['--no-warnings', fileURLToPath(import.meta.url), path]],
  'torch, mapped': [options.python, [peer, path, 'mapped']],
  'torch, copied into a model': [options.python, [peer, path, 'copied']],
};
const found = new Map(Object.keys(contestants).map((name) => [name, []]));
try {
  await writeRandom(path);
  await fetch(path);
  for (let round = 0; round < Number(options.rounds); round++)
    for (const [name, [command, args]] of Object.entries(contestants)) {
      try {
        const line = execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
        found.get(name).push(JSON.parse(line));
      } catch (error) {
        console.error(`${name}: left out (${`${error.stderr ?? error.message}`.trim().split('\n').pop()})`);
      }
    }
} finally {
  await rm(folder, { recursive: true, force: true });
}
console.log(`| ${options.dtype} | open, ms | read, ms | together | own memory, MB |`);
console.log('|---|--:|--:|--:|--:|');
for (const [name, runs] of found) {
  if (runs.length === 0) continue;
  const of = (what) => median(runs.map(what)).toFixed(0);
  console.log(
    `| ${name} | ${of((run) => run.open)} | ${of((run) => run.read)} | ${of((run) => run.open + run.read)} | ${of((run) => run.memory)} |`,
  );
}
