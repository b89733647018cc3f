import { basename, dirname, join } from 'node:path';
import { elementCount } from 'safetensors-ts';
import { writeAll, writeAtomically } from 'safetensors-ts/internals/node';
import { cutIntoShards, shardName, type TensorChunks, writeShards } from 'safetensors-ts/node';
import { CheckpointError } from '../errors.js';
import { layOutMsgpack, MAX_CHUNK_BYTES } from './msgpack-layout.js';
import { itemBytes, type SourceEntry } from './tensor-source.js';

/** Options of `writeMsgpack`. */
export interface MsgpackWriteOptions {
  /** Arrays of more bytes are cut into pieces. The default is Flax's own limit. */
  readonly maxChunkBytes?: number;
  /** Names of maps that the file has with nothing in them. */
  readonly emptyMaps?: Iterable<string>;
}

/**
 * Writes a Flax msgpack file tensor by tensor. `read` is called for each tensor in the order of the
 * file, and may give its data in pieces (an async iterable), so memory holds one tensor or one
 * piece at a time. Keys are sorted. The bytes are those of flax.serialization.to_bytes. The file
 * appears under its name only when it is complete. Returns its size in bytes.
 *
 * Throws CheckpointError for names or dtypes that Flax's format cannot hold, and for data whose
 * length is not what dtype and shape say. Also throws what `read` throws, and errors of the file
 * system.
 */
export async function writeMsgpack(
  path: string,
  tensors: Iterable<SourceEntry>,
  read: (name: string) => TensorChunks | Promise<TensorChunks>,
  { maxChunkBytes = MAX_CHUNK_BYTES, emptyMaps = [] }: MsgpackWriteOptions = {},
): Promise<number> {
  const parts = layOutMsgpack(tensors, maxChunkBytes, emptyMaps);
  await writeAtomically(path, async (handle) => {
    let data: DataStream | undefined;
    for (const part of parts) {
      if (part instanceof Uint8Array) {
        await writeAll(handle, part);
        continue;
      }
      if (data?.name !== part.name) {
        await data?.end();
        data = new DataStream(path, part.name, await read(part.name));
      }
      for await (const bytes of data.take(part.byteLength)) await writeAll(handle, bytes);
    }
    await data?.end();
  });
  return parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
}

/**
 * Writes tensors, in the given order, into as few Flax files as `maxShardBytes` of tensors allow.
 * If one is enough, that is `path` (…/flax_model.msgpack). Else the files are
 * flax_model-00001-of-0000N.msgpack …, and then flax_model.msgpack.index.json, as transformers
 * writes them. The rest is as in `writeMsgpack`. Returns the names of the files written.
 */
export async function writeShardedMsgpack(
  path: string,
  tensors: Iterable<SourceEntry>,
  read: (name: string) => TensorChunks | Promise<TensorChunks>,
  options: MsgpackWriteOptions & { readonly maxShardBytes: number },
): Promise<string[]> {
  const bytesOf = ({ dtype, shape }: SourceEntry): number => elementCount(shape) * itemBytes(dtype);
  const shards = cutIntoShards(tensors, bytesOf, options.maxShardBytes);
  if (shards.length <= 1) {
    await writeMsgpack(path, shards[0] ?? [], read, options);
    return [basename(path)];
  }
  const weightMap = new Map<string, string>();
  const files = new Map<string, () => Promise<unknown>>();
  for (const [i, shard] of shards.entries()) {
    const name = shardName(basename(path, '.msgpack'), i, shards.length, '.msgpack');
    for (const tensor of shard) weightMap.set(tensor.name.replaceAll('.', '/'), name);
    files.set(name, () => writeMsgpack(join(dirname(path), name), shard, read, options));
  }
  const totalSize = shards.flat().reduce((sum, tensor) => sum + bytesOf(tensor), 0);
  const index = await writeShards(dirname(path), files, `${basename(path)}.index.json`, {
    totalSize,
    weightMap,
  });
  return [...files.keys(), index];
}

/** A tensor's data, handed out in other pieces than it comes in. */
class DataStream {
  readonly name: string;
  private readonly path: string;
  private readonly pieces: AsyncIterator<ArrayBufferView>;
  private rest: Uint8Array = new Uint8Array(0);

  constructor(path: string, name: string, chunks: TensorChunks) {
    this.path = path;
    this.name = name;
    this.pieces = (ArrayBuffer.isView(chunks) ? one(chunks) : chunks)[Symbol.asyncIterator]();
  }

  /** The next `byteLength` bytes. */
  async *take(byteLength: number): AsyncGenerator<Uint8Array> {
    for (let left = byteLength; left > 0; ) {
      if (this.rest.byteLength === 0 && !(await this.next())) throw this.mismatch(`${left} bytes less`);
      const bytes = this.rest.subarray(0, left);
      this.rest = this.rest.subarray(bytes.byteLength);
      left -= bytes.byteLength;
      yield bytes;
    }
  }

  /** Checks that nothing is left. */
  async end(): Promise<void> {
    if (this.rest.byteLength > 0 || (await this.next())) throw this.mismatch('more bytes');
  }

  /** Fetches the next piece that is not empty. Returns false if there is none. */
  private async next(): Promise<boolean> {
    for (;;) {
      const { done, value } = await this.pieces.next();
      if (done) return false;
      if (value.byteLength === 0) continue;
      this.rest = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
      return true;
    }
  }

  private mismatch(difference: string): CheckpointError {
    return new CheckpointError(
      `${this.path}, tensor "${this.name}": its data has ${difference} than its dtype and shape say.`,
    );
  }
}

async function* one(view: ArrayBufferView): AsyncGenerator<ArrayBufferView> {
  yield view;
}
