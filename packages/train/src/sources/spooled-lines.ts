import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileLines } from './byte-lines.js';

/**
 * A sequence of JSON values that may be larger than memory. Values are appended first and then read
 * from any place on.
 */
export interface Spool<T> {
  readonly length: number;
  read(from?: number, to?: number): AsyncGenerator<T>;
  close(): Promise<void>;
}

/** Number of bytes of lines that stay in memory. Beyond it lines go to a temporary file. */
const MEMORY_BYTES = 8 << 20;

/** Memory holds the place in the file of one line in so many. */
const STRIDE = 1024;

/**
 * A sequence of JSON values. A small one is in memory. A larger one is lines of a temporary file,
 * and memory holds the place of one line in a thousand.
 */
export class SpooledLines<T> implements Spool<T> {
  private waiting: string[] = [];
  private waitingBytes = 0;
  private count = 0;
  private file: { readonly handle: FileHandle; readonly folder: string } | undefined;
  private written = 0;
  private readonly places: number[] = [];
  private readonly memoryBytes: number;

  constructor(memoryBytes = MEMORY_BYTES) {
    this.memoryBytes = memoryBytes;
  }

  get length(): number {
    return this.count;
  }

  async append(value: T): Promise<void> {
    const line = `${JSON.stringify(value)}\n`;
    if (this.count % STRIDE === 0) this.places.push(this.written + this.waitingBytes);
    this.waiting.push(line);
    this.waitingBytes += Buffer.byteLength(line);
    this.count++;
    if (this.waitingBytes >= this.memoryBytes) await this.flush();
  }

  /** Writes the waiting lines to the temporary file. The first call makes the file. */
  private async flush(): Promise<void> {
    if (this.file === undefined) {
      const folder = await mkdtemp(join(tmpdir(), 'easel-'));
      const handle = await open(join(folder, 'lines'), 'wx+');
      this.file = { folder, handle };
      // If the system lets an open file be deleted, even a killed process leaves nothing behind.
      await rm(folder, { recursive: true, force: true }).catch(() => {});
    }
    await this.file.handle.appendFile(this.waiting.join(''));
    this.written += this.waitingBytes;
    this.waiting = [];
    this.waitingBytes = 0;
  }

  async *read(from = 0, to = this.count): AsyncGenerator<T> {
    const end = Math.min(to, this.count);
    if (from >= end) return;
    if (this.file === undefined) {
      for (const line of this.waiting.slice(from, end)) yield JSON.parse(line) as T;
      return;
    }
    if (this.waiting.length > 0) await this.flush();
    const place = Math.floor(from / STRIDE);
    let at = place * STRIDE;
    for await (const line of fileLines(this.file.handle, this.places[place])) {
      if (at >= from) yield JSON.parse(line.toString()) as T;
      if (++at >= end) return;
    }
  }

  async close(): Promise<void> {
    const { file } = this;
    this.file = undefined;
    this.waiting = [];
    this.count = 0;
    if (file === undefined) return;
    await file.handle.close();
    await rm(file.folder, { recursive: true, force: true });
  }
}

/** Compares two values as Array.sort expects it. */
export type Order<T> = (a: T, b: T) => number;

/** Number of values that are sorted in memory at a time. */
const RUN_LENGTH = 1 << 14;
const RUN_BUFFER_BYTES = 1 << 16;

/**
 * Sorts more values than memory holds. Sorted runs of values lie on disk and are merged when they
 * are read. Equal values keep their order.
 */
export class SortedSpool<T> {
  private readonly order: Order<T>;
  private readonly runLength: number;
  private readonly runs: SpooledLines<T>[] = [];
  private current: T[] = [];

  constructor(order: Order<T>, runLength = RUN_LENGTH) {
    this.order = order;
    this.runLength = runLength;
  }

  async add(value: T): Promise<void> {
    this.current.push(value);
    if (this.current.length < this.runLength) return;
    const run = new SpooledLines<T>(RUN_BUFFER_BYTES);
    for (const item of this.current.sort(this.order)) await run.append(item);
    this.runs.push(run);
    this.current = [];
  }

  /** Yields all values in order, once. Its end removes the temporary files. */
  async *sorted(): AsyncGenerator<T> {
    const last = this.current.sort(this.order);
    this.current = [];
    try {
      if (this.runs.length === 0) {
        yield* last;
        return;
      }
      const streams: (AsyncGenerator<T> | Generator<T>)[] = this.runs.map((run) => run.read());
      streams.push(last.values() as Generator<T>);
      yield* merged(streams, this.order);
    } finally {
      for (const run of this.runs) await run.close();
    }
  }
}

/** Merges sorted streams. Of equal values those of earlier streams come first. */
async function* merged<T>(
  streams: readonly (AsyncGenerator<T> | Generator<T>)[],
  order: Order<T>,
): AsyncGenerator<T> {
  const heads: { value: T; readonly stream: AsyncGenerator<T> | Generator<T> }[] = [];
  for (const stream of streams) {
    const { value, done } = await stream.next();
    if (!done) heads.push({ value, stream });
  }
  while (heads.length > 0) {
    let least = 0;
    for (let i = 1; i < heads.length; i++)
      if (order((heads[i] as { value: T }).value, (heads[least] as { value: T }).value) < 0) least = i;
    const head = heads[least] as (typeof heads)[number];
    yield head.value;
    const { value, done } = await head.stream.next();
    if (done) heads.splice(least, 1);
    else head.value = value;
  }
}
