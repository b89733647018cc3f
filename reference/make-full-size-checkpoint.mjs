// Makes a model of DALL·E mini's full size with random weights, in the form in which the original
// was published:
//
//   node reference/make-full-size-checkpoint.mjs OUT [--seed 1]
//
// OUT/flax_model.msgpack        437,833,712 parameters, float32, layers stacked (1.75 GB)
// OUT/config.json, vocab.json, merges.txt, tokenizer_config.json (a token for each byte, no merges)
// OUT/vqgan/flax_model.msgpack  76,073,859 parameters, float32 (0.30 GB), and config.json
//
// The model draws noise, but at the real cost. It serves to measure conversion, memory and speed.
// Names and shapes are the original programs' own (reference/golden); a value depends on seed, name
// and position alone, so the same command gives the same bytes everywhere. Kernels, embeddings and
// biases have mean 0 and standard deviation 0.02, norm scales are 1. Bytes are written as
// flax.serialization does, 4 MB at a time.
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const STANDARD_DEVIATION = 0.02;
const PIECE_VALUES = 2 ** 20;

const DALLE_MINI_CONFIG = {
  activation_dropout: 0.0,
  activation_function: 'gelu',
  architectures: ['eBart'],
  attention_dropout: 0.0,
  bos_token_id: 16384,
  d_model: 1024,
  decoder_attention_heads: 16,
  decoder_ffn_dim: 2730,
  decoder_layers: 12,
  decoder_start_token_id: 16384,
  do_sample: true,
  dropout: 0.0,
  encoder_attention_heads: 16,
  encoder_ffn_dim: 2730,
  encoder_layers: 12,
  encoder_vocab_size: 50264,
  eos_token_id: 16384,
  force_ln_scale: false,
  gradient_checkpointing: true,
  image_length: 256,
  image_vocab_size: 16384,
  init_std: 0.02,
  is_encoder_decoder: true,
  ln_positions: 'normformer',
  ln_type: 'layernorm',
  max_length: 257,
  max_text_length: 64,
  min_length: 257,
  model_type: 'dallebart',
  normalize_text: true,
  pad_token_id: 16384,
  scale_embedding: false,
  tie_word_embeddings: false,
  use_absolute_position_embeddings: true,
  use_alibi: false,
  use_bias: false,
  use_cache: true,
  use_cosine_attention: false,
  use_final_ln_decoder: true,
  use_final_ln_encoder: true,
  use_glu: true,
  use_head_scale: false,
  use_scan: true,
};

const VQGAN_CONFIG = {
  architectures: ['del'],
  attn_resolutions: [16],
  ch: 128,
  ch_mult: [1, 1, 2, 2, 4],
  double_z: false,
  dropout: 0.0,
  embed_dim: 256,
  give_pre_end: false,
  in_channels: 3,
  n_embed: 16384,
  num_res_blocks: 2,
  num_resolutions: 5,
  out_ch: 3,
  resamp_with_conv: true,
  resolution: 256,
  z_channels: 256,
};

/**
 * Reads the shapes of a golden file as a nested map with the keys in the file's order, and the
 * number of parameters.
 */
function readTree(name) {
  const file = JSON.parse(readFileSync(new URL(`./golden/${name}.json`, import.meta.url), 'utf8'));
  const tree = new Map();
  for (const [path, [shape]] of Object.entries(file.parameters ?? file.tensors)) {
    const keys = path.split('/');
    const leaf = keys.pop();
    let node = tree;
    for (const key of keys) {
      if (!node.has(key)) node.set(key, new Map());
      node = node.get(key);
    }
    node.set(leaf, { path, shape });
  }
  return { tree, total: file.total };
}

/**
 * `forms`: a code for the length in the first byte, then codes for lengths of 1, 2 and 4 bytes
 * (undefined: no such form).
 */
function header(length, [fixed, fixedLimit], forms) {
  if (length < fixedLimit) return Buffer.from([fixed | length]);
  const size = [1, 2, 4].findIndex((bytes, i) => forms[i] !== undefined && length < 2 ** (8 * bytes));
  const bytes = Buffer.alloc(1 + [1, 2, 4][size]);
  bytes[0] = forms[size];
  bytes.writeUIntBE(length, 1, bytes.length - 1);
  return bytes;
}
const mapHeader = (length) => header(length, [0x80, 16], [undefined, 0xde, 0xdf]);
const arrayHeader = (length) => header(length, [0x90, 16], [undefined, 0xdc, 0xdd]);
const binHeader = (length) => header(length, [0, 0], [0xc4, 0xc5, 0xc6]);
const text = (value) => {
  const bytes = Buffer.from(value);
  return Buffer.concat([header(bytes.length, [0xa0, 32], [0xd9, 0xda, 0xdb]), bytes]);
};
const integer = (value) => header(value, [0, 128], [0xcc, 0xcd, 0xce]);

/** Bytes before an array's data: extension type 1 holding [shape, dtype, data]. */
function arrayStart(shape, dataBytes) {
  const description = Buffer.concat([
    arrayHeader(3),
    arrayHeader(shape.length),
    ...shape.map(integer),
    text('float32'),
    binHeader(dataBytes),
  ]);
  // fixext forms (1, 2, 4, 8, 16 bytes) are never needed: the description of one number alone takes
  // 16 bytes and its data 4 more.
  return Buffer.concat([
    header(description.length + dataBytes, [0, 0], [0xc7, 0xc8, 0xc9]),
    Buffer.from([1]),
    description,
  ]);
}

/** FNV-1a, 32 bits. */
function hashText(value) {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(value)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

/** Standard deviation of the sum of four bytes drawn uniformly: sqrt(4 (256² − 1) / 12). */
const SUM_DEVIATION = Math.sqrt((4 * (256 ** 2 - 1)) / 12);

/**
 * Fills `out` with the values at `from`, `from` + 1, … The sum of the four bytes of an integer hash
 * is nearly normal.
 */
function fillNormal(out, length, from, key) {
  const factor = STANDARD_DEVIATION / SUM_DEVIATION;
  for (let i = 0; i < length; i++) {
    let x = key + Math.imul(from + i, 0x9e3779b1);
    x ^= x >>> 16;
    x = Math.imul(x, 0x7feb352d);
    x ^= x >>> 15;
    x = Math.imul(x, 0x846ca68b);
    x ^= x >>> 16;
    out[i] = ((x & 255) + ((x >>> 8) & 255) + ((x >>> 16) & 255) + (x >>> 24) - 510) * factor;
  }
}

/** Writes a tree, returns the number of parameters written. */
function writeCheckpoint(path, { tree, total }, seed) {
  const partial = `${path}.partial`;
  const file = openSync(partial, 'w');
  const values = new Float32Array(PIECE_VALUES);
  let written = 0;
  const writeNode = (node) => {
    if (node instanceof Map) {
      writeSync(file, mapHeader(node.size));
      for (const [key, child] of node) {
        writeSync(file, text(key));
        writeNode(child);
      }
      return;
    }
    const count = node.shape.reduce((product, dim) => product * dim, 1);
    writeSync(file, arrayStart(node.shape, count * 4));
    const isScale = node.path.endsWith('/scale');
    const key = hashText(`${seed}/${node.path}`);
    for (let from = 0; from < count; from += PIECE_VALUES) {
      const length = Math.min(PIECE_VALUES, count - from);
      if (isScale) values.fill(1, 0, length);
      else fillNormal(values, length, from, key);
      writeSync(file, new Uint8Array(values.buffer, 0, length * 4));
    }
    written += count;
  };
  try {
    writeNode(tree);
    if (written !== total) throw new Error(`${path}: expected ${total} parameters, wrote ${written}`);
    closeSync(file);
    renameSync(partial, path);
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
  return written;
}

/** The printable character that stands for each byte in a byte-level vocabulary (GPT-2's table). */
function byteCharacters() {
  const printable = (byte) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
}

const { values: options, positionals } = parseArgs({
  options: { seed: { type: 'string', default: '1' } },
  allowPositionals: true,
});
const [out] = positionals;
if (out === undefined || positionals.length > 1) {
  console.error('usage: node reference/make-full-size-checkpoint.mjs OUT [--seed 1]');
  process.exit(2);
}

mkdirSync(join(out, 'vqgan'), { recursive: true });
const json = (name, value) => writeFileSync(join(out, name), `${JSON.stringify(value, null, 2)}\n`);
json('config.json', DALLE_MINI_CONFIG);
json('vqgan/config.json', VQGAN_CONFIG);
const tokens = ['<s>', '<pad>', '</s>', '<unk>', '<mask>', ...byteCharacters()];
json('vocab.json', Object.fromEntries(tokens.map((token, id) => [token, id])));
writeFileSync(join(out, 'merges.txt'), '#version: 0.2\n');
json('tokenizer_config.json', { tokenizer_class: 'DalleBartTokenizer', model_max_length: 1024 });
for (const [name, path] of [
  ['bart/full_size_parameters/mini_published_scan', 'flax_model.msgpack'],
  ['full_size_parameters/vqgan_f16_16384.flax', 'vqgan/flax_model.msgpack'],
]) {
  const start = performance.now();
  const count = writeCheckpoint(join(out, path), readTree(name), options.seed);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${join(out, path)}: ${count.toLocaleString('en')} parameters in ${seconds} s`);
}
