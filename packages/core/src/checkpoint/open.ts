import type { ByteFile } from 'safetensors-ts';
import { CheckpointError } from '../errors.js';
import { type ModelFile, type ModelFiles, readWhole } from '../files/model-files.js';
import { openIndexedFile } from './indexed-format.js';
import { openSafetensors, openSafetensorsIndex } from './safetensors-file.js';
import { joinSources, type TensorSource } from './tensor-source.js';
import { isLegacyTorch } from './torch-magic.js';

/** The names under which a model folder holds its weights. The first one that exists counts. */
export const CHECKPOINT_NAMES = [
  'model.safetensors',
  'model.safetensors.index.json',
  'flax_model.msgpack',
  'flax_model.msgpack.index.json',
] as const;

/** Bytes that are enough to tell formats apart: a tar archive's mark ends at byte 262. */
const SNIFF_BYTES = 512;

/** Names that PyTorch's files have. */
const TORCH_NAME = /\.(?:bin|ckpt|pt|pth)$/;

/**
 * The two files in which min-dalle keeps a text model, mega or mini. They are read as one
 * checkpoint, under `encoder.` and `decoder.`.
 */
export const MIN_DALLE_PAIRS = [
  { encoder: 'encoder.pt', decoder: 'decoder.pt' },
  { encoder: 'encoder_mini.pt', decoder: 'decoder_mini.pt' },
] as const;

const CONVERT_TORCH =
  'Unpickling one can run any code, so Easel does not. Write it again with PyTorch, where you trust the file: ' +
  '`torch.save(torch.load(PATH, map_location="cpu"), OUT)`.';

/**
 * Opens the weights of a model: those of its file `name`, or of the model whose files these are.
 *
 * A file may have any form that Easel reads: .safetensors, Flax .msgpack, the index of either in
 * parts, or what torch.save writes (nothing of which is run). Its content decides, not its name. If
 * none of CHECKPOINT_NAMES is among the files, min-dalle's encoder.pt and decoder.pt serve (or
 * encoder_mini.pt and decoder_mini.pt), or a single file of PyTorch's.
 *
 * Throws CheckpointError that says what was found instead and what to do: a missing or empty file,
 * a Git LFS pointer, a web page, a pickle of another program, another known format, a damaged file.
 */
export async function openWeights(files: ModelFiles, name?: string): Promise<TensorSource> {
  if (name !== undefined) return openNamed(files, name);
  for (const candidate of CHECKPOINT_NAMES) {
    const file = await files.open(candidate);
    if (file !== undefined) return openFile(file, files);
  }
  const names = await files.list();
  const pair = await findPair(files, names);
  if (pair !== undefined) return openPair(files, pair);
  const torch = (names ?? []).filter((found) => TORCH_NAME.test(found));
  if (torch.length === 1) return openNamed(files, torch[0] as string);
  if (torch.length > 1) {
    throw new CheckpointError(
      `${files.description}: there are several PyTorch files (${torch.slice(0, 8).join(', ')}). Name the one that is meant.`,
    );
  }
  throw new CheckpointError(
    `${files.description}: expected one of ${CHECKPOINT_NAMES.join(', ')} in it, found ${listed(names)}. Is it the folder of a model?`,
  );
}

function listed(names: readonly string[] | undefined): string {
  if (names === undefined) return 'none of them';
  if (names.length === 0) return 'nothing';
  return `${names.slice(0, 8).join(', ')}${names.length > 8 ? ', …' : ''}`;
}

async function openNamed(files: ModelFiles, name: string): Promise<TensorSource> {
  const file = await files.open(name);
  if (file === undefined) throw new CheckpointError(`${files.nameOf(name)}: there is no such file.`);
  return openFile(file, files);
}

type Pair = (typeof MIN_DALLE_PAIRS)[number];

async function findPair(files: ModelFiles, names: readonly string[] | undefined): Promise<Pair | undefined> {
  const has = async (name: string) => (names === undefined ? files.has(name) : names.includes(name));
  for (const pair of MIN_DALLE_PAIRS) {
    if ((await has(pair.encoder)) && (await has(pair.decoder))) return pair;
  }
  return undefined;
}

/** min-dalle's two files as one checkpoint. */
async function openPair(files: ModelFiles, names: Pair): Promise<TensorSource> {
  const encoder = await openNamed(files, names.encoder);
  try {
    const decoder = await openNamed(files, names.decoder);
    return joinSources(
      files.description,
      new Map([
        ['encoder', encoder],
        ['decoder', decoder],
      ]),
    );
  } catch (error) {
    await encoder.close();
    throw error;
  }
}

/**
 * Reads an opened file. Closing the result closes the file; if the file is refused, it is closed
 * too.
 */
async function openFile(file: ModelFile, files: ModelFiles): Promise<TensorSource> {
  let open: () => Promise<TensorSource>;
  try {
    open = await readerOf(file, files);
  } catch (error) {
    await file.close();
    throw error;
  }
  return open();
}

/**
 * Returns the function that reads a file. Drawing with converted weights does not need all readers;
 * the others are loaded when they are needed.
 */
async function readerOf(file: ModelFile, files: ModelFiles): Promise<() => Promise<TensorSource>> {
  const { name } = file;
  if (file.size === 0)
    throw new CheckpointError(`${name}: the file is empty. If it was downloaded or copied, fetch it again.`);
  const start = await readStart(file);
  const text = new TextDecoder('latin1').decode(start);
  if (looksLikeSafetensors(start)) return () => openSafetensors(file);
  if (text.startsWith('PK\x03\x04') || isLegacyTorch(start)) {
    const { torchFormat } = await import('./torch.js');
    return () => openIndexedFile(torchFormat, file);
  }
  const foreign = recognizeForeign(text, start);
  if (foreign !== undefined) throw new CheckpointError(`${name}: ${foreign}`);
  if (/^\s*\{/.test(text)) {
    if (name.endsWith('.msgpack.index.json')) {
      const { openMsgpackIndex } = await import('./msgpack-index.js');
      return () => openMsgpackIndex(file, files);
    }
    if (name.endsWith('.safetensors.index.json')) return () => openSafetensorsIndex(file, files);
    throw new CheckpointError(
      `${name}: a JSON file holds no weights. Name the model's folder, its weights, or an index (${CHECKPOINT_NAMES.join(', ')}).`,
    );
  }
  if (name.endsWith('.safetensors')) return () => openSafetensors(file);
  if (startsMsgpack(start[0] as number) || name.endsWith('.msgpack')) {
    const { msgpackFormat } = await import('./msgpack.js');
    return () => openIndexedFile(msgpackFormat, file);
  }
  const shown = /^[\x20-\x7e\s]{8}/.test(text)
    ? JSON.stringify(text.slice(0, 60))
    : `the bytes ${hex(start.subarray(0, 8))}`;
  throw new CheckpointError(
    `${name}: expected a .safetensors, a Flax .msgpack or a PyTorch file; it starts with ${shown}, which is neither.`,
  );
}

async function readStart(file: ByteFile): Promise<Uint8Array> {
  const start = new Uint8Array(Math.min(SNIFF_BYTES, file.size));
  await readWhole(file, start, 0);
  return start;
}

/**
 * Whether the file begins with a header length below 2^32, then an object. No other format that we
 * know starts so.
 */
function looksLikeSafetensors(start: Uint8Array): boolean {
  return (
    start.length > 8 &&
    start.subarray(4, 8).every((byte) => byte === 0) &&
    (start[8] === 0x7b || start[8] === 0x20)
  );
}

/** Whether a msgpack file begins with this byte: a map, or an array alone in its file. */
function startsMsgpack(byte: number): boolean {
  return (byte >= 0x80 && byte <= 0x8f) || byte === 0xde || byte === 0xdf || (byte >= 0xc7 && byte <= 0xc9);
}

/** What a file is if it is not a checkpoint of ours, and what to do. Undefined if it may be one. */
function recognizeForeign(text: string, start: Uint8Array): string | undefined {
  if (text.startsWith('version https://git-lfs')) {
    const bytes = /^size (\d+)$/m.exec(text)?.[1];
    const size = bytes === undefined ? '' : ` of ${bytes} bytes`;
    return `this is a Git LFS pointer and not the file${size} that it stands for. Run \`git lfs pull\` in its repository, or download the file itself.`;
  }
  if (/^(?:ï»¿)?\s*<[!?a-zA-Z]/.test(text)) {
    return 'this is a web page (HTML or XML), probably an error message saved in place of a download. Open it to see why, and download the file again.';
  }
  if (/^(?:Entry not found|Not Found|Repository not found|Invalid username|Access to model)/i.test(text)) {
    return `this is a server's answer ("${text.split('\n')[0]?.slice(0, 60)}") saved in place of a download. Check the address, and download the file again.`;
  }
  if (start[0] === 0x80 && start.length > 1 && (start[1] as number) >= 2 && (start[1] as number) <= 5) {
    return `this is a Python pickle, and not what torch.save writes. ${CONVERT_TORCH}`;
  }
  if (
    text.startsWith('\x1f\x8b') ||
    text.startsWith('BZh') ||
    text.startsWith('\xfd7zXZ') ||
    text.slice(257, 262) === 'ustar'
  ) {
    return 'this is a packed archive. Unpack it, and name the checkpoint inside.';
  }
  if (text.startsWith('\x89HDF'))
    return 'this is an HDF5 file (Keras). Easel reads .safetensors, Flax .msgpack and PyTorch files: convert it in Python.';
  if (text.startsWith('\x93NUMPY'))
    return 'this is a NumPy array. Easel reads .safetensors, Flax .msgpack and PyTorch files: convert it in Python.';
  if (text.startsWith('GGUF'))
    return 'this is a GGUF file. Easel reads .safetensors, Flax .msgpack and PyTorch files.';
  return undefined;
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
}
