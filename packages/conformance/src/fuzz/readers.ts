import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BpeTokenizer } from '@easel/bart';
import { planModel } from '@easel/bart/internals';
import { EaselError, fromSafetensors, type TensorSource } from '@easel/core';
import { fromMsgpack, fromTorch, saveMsgpack } from '@easel/core/node';
import {
  decodePicture,
  defaultPictureShape,
  openParquetPictures,
  openWebDataset,
  type PictureSource,
  parseSeq2SeqConfig,
  parseVqganTrainingConfig,
  readShard,
  writeShard,
} from '@easel/train';
import { parseVqganConfig } from '@easel/vqgan';
import type { SchemaElement } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { elementCount, serialize } from 'safetensors-ts';
import sharp from 'sharp';
import { golden, readJson } from '../golden.js';
import { type Draw, damaged, damagedJson, generator } from './damage.js';

/** A reader of foreign bytes, with good files to damage. */
export interface FuzzedReader {
  readonly name: string;
  /** Makes the good files. `folder` is for files that must be on disk. */
  prepare(folder: string): Promise<Prepared>;
}

/** A reader whose good files have been made. */
export interface Prepared {
  /** Number of good files. */
  readonly originals: number;
  /**
   * Reads file number i, damaged by `random`, or undamaged without it. Throws what the reader
   * throws.
   */
  read(i: number, random: Draw | undefined): Promise<void> | void;
}

/** Reads all of a checkpoint's tensors, none of which may be larger than the file can hold. */
async function readTensors(open: (bytes: Uint8Array) => TensorSource, bytes: Uint8Array): Promise<void> {
  const source = open(bytes);
  const refusals: EaselError[] = [];
  for (const [name, { shape }] of source.entries) {
    if (elementCount(shape) > 2 * bytes.length + 8)
      throw new Error(`${name} [${shape}] of ${bytes.length} bytes`);
    await source.read(name).catch((error: unknown) => {
      if (!(error instanceof EaselError)) throw error;
      refusals.push(error);
    });
  }
  if (refusals[0]) throw refusals[0];
}

/** Makes a reader of bytes. */
function ofBytes(
  name: string,
  originals: (folder: string) => Promise<Uint8Array[]> | Uint8Array[],
  read: (bytes: Uint8Array, folder: string) => Promise<void> | void,
): FuzzedReader {
  return {
    name,
    async prepare(folder) {
      const files = await originals(folder);
      return {
        originals: files.length,
        read: (i, random) => {
          const file = files[i % files.length] as Uint8Array;
          return read(random ? damaged(file, random) : file, folder);
        },
      };
    },
  };
}

/** Makes a reader of a JSON object that was parsed already, or of its text. */
function ofJson(name: string, originals: () => unknown[], read: (json: unknown) => unknown): FuzzedReader {
  return {
    name,
    async prepare() {
      const files = originals();
      return {
        originals: files.length,
        read: (i, random) => {
          const file = files[i % files.length];
          if (!random) return void read(file);
          const text = damagedJson(file, random);
          let json: unknown;
          try {
            json = JSON.parse(text);
          } catch (error) {
            throw new EaselError(`not JSON: ${(error as Error).message}`); // callers of parsers read the file
          }
          read(json);
        },
      };
    },
  };
}

const config = (name: string): unknown =>
  readJson(new URL(`../../../../configs/${name}.json`, import.meta.url).pathname);
const torchFile = (name: string): Uint8Array =>
  readFileSync(new URL(`../../../core/src/checkpoint/golden/torch/${name}`, import.meta.url));

const numbers = (size: number): Float32Array => Float32Array.from({ length: size }, (_, i) => i / 7);

async function msgpackFile(folder: string): Promise<Uint8Array> {
  const path = join(folder, 'small.msgpack');
  const array = (shape: number[]) => ({ data: numbers(elementCount(shape)), shape });
  await saveMsgpack(
    path,
    new Map<string, { data: Float32Array | Int32Array; shape: number[] }>([
      ['lm_head.kernel', array([2, 3])],
      ['model.encoder.embedding', array([3, 4])],
      ['model.encoder.layers.scale', array([5])],
      ['model.large', { data: Int32Array.from([1, 2, 3, 4, 5, 6]), shape: [3, 2] }],
    ]),
    { maxChunkBytes: 32 },
  );
  return readFileSync(path);
}

function safetensorsFile(): Uint8Array {
  return serialize(
    [
      { name: 'encoder.kernel', dtype: 'F32', shape: [2, 3], data: new Float32Array(6) },
      { name: 'encoder.bias', dtype: 'BF16', shape: [3], data: new Uint16Array(3) },
      { name: 'ids', dtype: 'I64', shape: [2, 2], data: new BigInt64Array(4) },
      { name: 'mask', dtype: 'BOOL', shape: [5], data: new Uint8Array(5) },
    ],
    { format: 'easel' },
  );
}

async function pictureFiles(): Promise<Uint8Array[]> {
  const drawing = sharp(
    Buffer.from(
      '<svg xmlns="http://www.w3.org/2000/svg" width="24" height="20"><circle cx="9" cy="9" r="7" fill="teal"/></svg>',
    ),
  );
  const formats = ['png', 'jpeg', 'webp', 'gif', 'tiff'] as const;
  return Promise.all(
    formats.map((format) => drawing.clone().flatten({ background: 'white' })[format]().toBuffer()),
  );
}

async function shardFile(folder: string, format: 'jsonl' | 'parquet'): Promise<Uint8Array> {
  const path = join(folder, `whole.${format}`);
  const rows = Array.from({ length: 9 }, (_, i) => ({
    caption: `picture number ${i}`,
    encoding: [i, 2 * i, 3 * i, 31],
    source: `${i}.png`,
  }));
  await writeShard(path, rows);
  return readFileSync(path);
}

async function drain(rows: AsyncIterable<unknown>): Promise<void> {
  let count = 0;
  for await (const _ of rows) if (++count > 1e5) throw new Error('a hundred thousand rows of a small file');
}

/** Reads every picture's captions and bytes. Errors of single pictures are thrown at the end. */
async function drainPictures(source: PictureSource): Promise<void> {
  let [count, problem] = [0, undefined as unknown];
  for await (const picture of source.read()) {
    if (++count > 1e5) throw new Error('a hundred thousand pictures of a small file');
    problem ??= picture.problem;
    await picture.bytes().catch((error: unknown) => {
      problem ??= error;
    });
  }
  if (problem !== undefined) throw problem;
}

/**
 * Makes parquet files with levels, dictionaries, nulls, structures, both kinds of pages and several
 * compressions.
 */
function parquetFiles(what: 'image' | 'encoding'): Uint8Array[] {
  const rows = 40;
  const captions = Array.from({ length: rows }, (_, i) => `picture ${i % 5}`);
  const bytes = captions.map((_, i) => Uint8Array.from({ length: 20 + i }, (_, b) => (b * i) % 251));
  const caption: SchemaElement[] = [
    { name: 'caption', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
  ];
  const column = { name: 'caption', data: captions, encoding: 'RLE_DICTIONARY' as const };
  if (what === 'encoding') {
    const list: SchemaElement[] = [
      { name: 'encoding', repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST' },
      { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
      { name: 'element', type: 'INT32', repetition_type: 'OPTIONAL' },
    ];
    const schema = [{ name: 'root', num_children: 2 }, ...caption, ...list];
    const encoding = { name: 'encoding', data: captions.map((_, i) => [i, 2 * i, 3 * i, 31]) };
    return (['UNCOMPRESSED', 'SNAPPY'] as const).map((codec) => {
      return new Uint8Array(
        parquetWriteBuffer({ schema, columnData: [column, encoding], codec, rowGroupSize: 16 }),
      );
    });
  }
  const flat: SchemaElement[] = [{ name: 'image', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' }];
  const nested: SchemaElement[] = [
    { name: 'image', repetition_type: 'OPTIONAL', num_children: 2 },
    { name: 'bytes', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' },
    { name: 'path', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
  ];
  const write = (image: SchemaElement[], data: unknown[], more: object) =>
    new Uint8Array(
      parquetWriteBuffer({
        schema: [{ name: 'root', num_children: 2 }, ...caption, ...image],
        columnData: [column, { name: 'image', data, ...more }],
        codec: 'SNAPPY',
        rowGroupSize: 16,
      }),
    );
  return [
    write(flat, bytes, {}),
    write(flat, bytes, { encoding: 'DELTA_LENGTH_BYTE_ARRAY' }),
    write(flat, bytes, { encoding: 'DELTA_BYTE_ARRAY' }),
    write(
      nested,
      bytes.map((content, i) => ({ bytes: content, path: `${i}.png` })),
      {},
    ),
  ];
}

/** Makes a tar archive of some samples. */
function tarFile(): Uint8Array {
  const blocks: Uint8Array[] = [];
  const text = new TextEncoder();
  const add = (name: string, content: Uint8Array, type = '0') => {
    const header = new Uint8Array(512);
    const put = (at: number, value: string) => header.set(text.encode(value), at);
    put(0, name.slice(0, 100));
    put(124, content.length.toString(8).padStart(11, '0'));
    put(148, ' '.repeat(8));
    put(156, type);
    put(257, 'ustar');
    const sum = header.reduce((total, byte) => total + byte, 0);
    put(148, `${sum.toString(8).padStart(6, '0')}\0 `);
    const body = new Uint8Array(Math.ceil(content.length / 512) * 512);
    body.set(content);
    blocks.push(header, body);
  };
  for (let i = 0; i < 6; i++) {
    const name = `00${i}`;
    if (i === 3) add('PaxHeader', text.encode(`16 path=${name}.png\n`), 'x');
    add(`${name}.png`, new Uint8Array(numbers(40 * i).buffer));
    add(`${name}.txt`, text.encode(`picture ${i}\n`));
    add(`${name}.json`, text.encode(JSON.stringify({ caption: `picture ${i}` })));
  }
  blocks.push(new Uint8Array(1024));
  return new Uint8Array(Buffer.concat(blocks));
}

const tokenizerText = (name: string): string => readFileSync(golden(`tokenizer/full/${name}`), 'utf8');

/** Tries a tokenizer on some texts and ids. */
function useTokenizer(tokenizer: BpeTokenizer): void {
  for (const text of ['', 'a red heart', '  <s> x</s>', '\ud800 …'])
    tokenizer.decode(tokenizer.encode(text), { skipSpecialTokens: false });
}

const utf8 = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

export const READERS: readonly FuzzedReader[] = [
  ofBytes(
    'msgpack',
    async (folder) => [await msgpackFile(folder)],
    (bytes) => readTensors(fromMsgpack, bytes),
  ),
  ofBytes(
    'safetensors',
    () => [safetensorsFile()],
    (bytes) => readTensors(fromSafetensors, bytes),
  ),
  ofBytes(
    'torch',
    () => ['small.pt', 'protocol4.pt', 'lightning.ckpt', 'zip64.pt', 'legacy.pt'].map(torchFile),
    (bytes) => readTensors(fromTorch, bytes),
  ),
  ofBytes(
    'tokenizer.json',
    () => [new TextEncoder().encode(tokenizerText('tokenizer.json'))],
    (bytes) => useTokenizer(BpeTokenizer.fromFiles({ tokenizerJson: utf8(bytes) })),
  ),
  ofBytes(
    'vocab.json',
    () => [new TextEncoder().encode(tokenizerText('vocab.json'))],
    (bytes) =>
      useTokenizer(BpeTokenizer.fromFiles({ vocab: utf8(bytes), merges: tokenizerText('merges.txt') })),
  ),
  ofBytes(
    'merges.txt',
    () => [new TextEncoder().encode(tokenizerText('merges.txt'))],
    (bytes) =>
      useTokenizer(BpeTokenizer.fromFiles({ vocab: tokenizerText('vocab.json'), merges: utf8(bytes) })),
  ),
  ofJson(
    'config.json of the text model',
    () => ['mini', 'mega', 'micro'].map((name) => config(`models/${name}`)),
    (json) => planModel(json),
  ),
  ofJson(
    'config.json of the VQGAN',
    () => [readJson(golden('vqgan/two_levels/config.json'))],
    (json) => parseVqganConfig(json),
  ),
  ofJson(
    'training config',
    () => [config('train/emoji-seq2seq'), config('train/emoji-vqgan')],
    (json) =>
      (json as { kind?: unknown } | null)?.kind === 'vqgan'
        ? parseVqganTrainingConfig(json)
        : parseSeq2SeqConfig(json),
  ),
  ofBytes('picture', pictureFiles, async (bytes, folder) => {
    const path = join(folder, 'damaged');
    writeFileSync(path, bytes);
    const pixels = await decodePicture(path, { size: 16, ...defaultPictureShape });
    if (pixels.length !== 16 * 16 * 3) throw new Error(`${pixels.length} bytes of pixels`);
  }),
  ofBytes(
    'jsonl shard',
    async (folder) => [await shardFile(folder, 'jsonl')],
    (bytes, folder) => {
      const path = join(folder, 'damaged.jsonl');
      writeFileSync(path, bytes);
      return drain(readShard(path));
    },
  ),
  ofBytes(
    'parquet shard',
    async (folder) => [await shardFile(folder, 'parquet'), ...parquetFiles('encoding')],
    (bytes, folder) => {
      const path = join(folder, 'damaged.parquet');
      writeFileSync(path, bytes);
      return drain(readShard(path));
    },
  ),
  ofBytes(
    'parquet pictures',
    () => parquetFiles('image'),
    async (bytes, folder) => {
      const path = join(folder, 'damaged-pictures.parquet');
      writeFileSync(path, bytes);
      await drainPictures(await openParquetPictures([path]));
    },
  ),
  ofBytes(
    'tar shard',
    () => [tarFile()],
    async (bytes, folder) => {
      const path = join(folder, 'damaged.tar');
      writeFileSync(path, bytes);
      await drainPictures(await openWebDataset([path]));
    },
  ),
];

/** The results of reading damaged files. */
export interface FuzzResult {
  readonly files: number;
  /** Number of files that were refused with an EaselError. */
  readonly refused: number;
}

/**
 * Reads every good file of a reader, then `files` damaged ones, which are the same in each run with
 * a seed. Throws an Error with the file's number if a good file is refused, or if anything but an
 * EaselError is thrown.
 */
export async function fuzz(reader: FuzzedReader, files: number, seed = 0x2545f491): Promise<FuzzResult> {
  const folder = mkdtempSync(join(tmpdir(), 'easel-fuzz-'));
  try {
    const prepared = await reader.prepare(folder);
    for (let i = 0; i < prepared.originals; i++) await prepared.read(i, undefined);
    const random = generator(seed);
    let refused = 0;
    for (let i = 0; i < files; i++) {
      try {
        await prepared.read(i, random);
      } catch (error) {
        if (!(error instanceof EaselError))
          throw new Error(`${reader.name}: damaged file ${i} of seed ${seed}: ${error}`, { cause: error });
        refused++;
      }
    }
    return { files, refused };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
