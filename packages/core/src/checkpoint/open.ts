import { open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { readFully } from 'safetensors-ts/node';
import { CheckpointError, nearest } from '../errors.js';
import { errorCode } from './error-code.js';
import { MsgpackFile, openMsgpackIndex } from './msgpack-file.js';
import { openSafetensors, openSafetensorsIndex } from './safetensors-file.js';
import { joinSources, type TensorSource } from './tensor-source.js';
import { TorchFile } from './torch-file.js';
import { isLegacyTorch } from './torch-legacy.js';

/** Names under which a model folder holds its weights, the first that is there counts. */
export const CHECKPOINT_NAMES = [
  'model.safetensors',
  'model.safetensors.index.json',
  'flax_model.msgpack',
  'flax_model.msgpack.index.json',
] as const;

/** Enough to tell formats apart: a tar archive's mark ends at byte 262. */
const SNIFF_BYTES = 512;

/** Names that PyTorch's files have. */
const TORCH_NAME = /\.(?:bin|ckpt|pt|pth)$/;

/** The two files that min-dalle keeps a text model in, of mega or mini: read as one, under `encoder.` and `decoder.`. */
const MIN_DALLE_PAIRS = [
  { encoder: 'encoder.pt', decoder: 'decoder.pt' },
  { encoder: 'encoder_mini.pt', decoder: 'decoder_mini.pt' },
] as const;

const CONVERT_TORCH =
  'Unpickling one can run any code, so Easel does not. Write it again with PyTorch, where you trust the file: ' +
  '`torch.save(torch.load(PATH, map_location="cpu"), OUT)`.';

/**
 * Opens a checkpoint: a model folder, or a file in one of the forms that Easel reads (.safetensors, Flax .msgpack, the index of either in
 * parts, or what torch.save writes, of which nothing is run). The content decides, not the name. A folder with none of CHECKPOINT_NAMES may
 * hold min-dalle's encoder.pt and decoder.pt (mega; or encoder_mini.pt and decoder_mini.pt), or one file of PyTorch's.
 *
 * Throws CheckpointError that says what was found instead and what to do: a missing or empty path, a Git LFS pointer, a web page, a
 * pickle of another program, another known format, a damaged file.
 */
export async function openCheckpoint(path: string): Promise<TensorSource> {
  const info = await stat(path).catch(async (error: unknown) => {
    throw await explainMissing(path, error);
  });
  if (info.isDirectory()) return openFolder(path);
  if (!info.isFile()) throw new CheckpointError(`${path}: expected a file or a folder; it is neither.`);
  try {
    return await openFile(path, info.size);
  } catch (error) {
    throw asReadError(error, path);
  }
}

async function explainMissing(path: string, error: unknown): Promise<unknown> {
  if (errorCode(error) !== 'ENOENT') return asReadError(error, path);
  const siblings = await readdir(dirname(path)).catch(() => undefined);
  const hint =
    siblings === undefined
      ? ` The folder ${dirname(path)} does not exist either.`
      : (() => {
          const near = nearest(basename(path), siblings);
          return near === undefined ? '' : ` Did you mean ${join(dirname(path), near)}?`;
        })();
  return new CheckpointError(`${path}: there is no such file or folder.${hint}`, { cause: error });
}

function asReadError(error: unknown, path: string): unknown {
  const code = errorCode(error);
  if (code === undefined || error instanceof CheckpointError) return error;
  const denied = code === 'EACCES' || code === 'EPERM';
  return new CheckpointError(
    `${path}: cannot be read (${code}).${denied ? ' You may not read it: check its permissions.' : ` ${(error as Error).message}.`}`,
    { cause: error },
  );
}

async function openFolder(folder: string): Promise<TensorSource> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw asReadError(error, folder);
  });
  const found = CHECKPOINT_NAMES.find((name) => names.includes(name));
  if (found !== undefined) return openCheckpoint(join(folder, found));
  const pair = MIN_DALLE_PAIRS.find(
    ({ encoder, decoder }) => names.includes(encoder) && names.includes(decoder),
  );
  if (pair !== undefined) return openPair(folder, pair);
  const torch = names.filter((name) => TORCH_NAME.test(name));
  if (torch.length === 1) return openCheckpoint(join(folder, torch[0] as string));
  if (torch.length > 1) {
    throw new CheckpointError(
      `${folder}: there are several PyTorch files (${torch.slice(0, 8).join(', ')}). Name the one that is meant.`,
    );
  }
  const listed =
    names.length === 0 ? 'nothing' : `${names.slice(0, 8).join(', ')}${names.length > 8 ? ', …' : ''}`;
  throw new CheckpointError(
    `${folder}: expected one of ${CHECKPOINT_NAMES.join(', ')} in it, found ${listed}. Is it the folder of a model?`,
  );
}

/** min-dalle's two files as one checkpoint. */
async function openPair(
  folder: string,
  files: { readonly encoder: string; readonly decoder: string },
): Promise<TensorSource> {
  const encoder = await openCheckpoint(join(folder, files.encoder));
  try {
    const decoder = await openCheckpoint(join(folder, files.decoder));
    return joinSources(
      folder,
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

async function openFile(path: string, size: number): Promise<TensorSource> {
  if (size === 0)
    throw new CheckpointError(`${path}: the file is empty. If it was downloaded or copied, fetch it again.`);
  const start = await readStart(path, size);
  const text = new TextDecoder('latin1').decode(start);
  if (looksLikeSafetensors(start)) return openSafetensors(path);
  if (text.startsWith('PK\x03\x04') || isLegacyTorch(start)) return TorchFile.open(path);
  const foreign = recognizeForeign(text, start);
  if (foreign !== undefined) throw new CheckpointError(`${path}: ${foreign}`);
  if (/^\s*\{/.test(text)) {
    if (path.endsWith('.msgpack.index.json')) return openMsgpackIndex(path);
    if (path.endsWith('.safetensors.index.json')) return openSafetensorsIndex(path);
    throw new CheckpointError(
      `${path}: a JSON file holds no weights. Name the model's folder, its weights, or an index (${CHECKPOINT_NAMES.join(', ')}).`,
    );
  }
  if (path.endsWith('.safetensors')) return openSafetensors(path);
  if (startsMsgpack(start[0] as number) || path.endsWith('.msgpack')) return MsgpackFile.open(path);
  const shown = /^[\x20-\x7e\s]{8}/.test(text)
    ? JSON.stringify(text.slice(0, 60))
    : `the bytes ${hex(start.subarray(0, 8))}`;
  throw new CheckpointError(
    `${path}: expected a .safetensors, a Flax .msgpack or a PyTorch file; it starts with ${shown}, which is neither.`,
  );
}

async function readStart(path: string, size: number): Promise<Uint8Array> {
  const handle = await open(path, 'r');
  try {
    const start = new Uint8Array(Math.min(SNIFF_BYTES, size));
    return start.subarray(0, await readFully(handle, start, 0));
  } finally {
    await handle.close();
  }
}

/** A header length below 2^32, then an object: no other format that we know starts so. */
function looksLikeSafetensors(start: Uint8Array): boolean {
  return (
    start.length > 8 &&
    start.subarray(4, 8).every((byte) => byte === 0) &&
    (start[8] === 0x7b || start[8] === 0x20)
  );
}

/** A map, or an array alone in its file. */
function startsMsgpack(byte: number): boolean {
  return (byte >= 0x80 && byte <= 0x8f) || byte === 0xde || byte === 0xdf || (byte >= 0xc7 && byte <= 0xc9);
}

/** What a file is that is no checkpoint of ours, and what to do; undefined if it may be one. */
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
