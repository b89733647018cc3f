import { appendFile, mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { EaselError } from '@easel/core';

/** Values counted in buckets, as TensorBoard shows them. */
export interface ValueHistogram {
  /** Upper ends of the buckets, rising. */
  readonly limits: ArrayLike<number>;
  /** Values in each bucket. */
  readonly counts: ArrayLike<number>;
  readonly min: number;
  readonly max: number;
  readonly sum: number;
  readonly sumOfSquares: number;
}

/** One value of an event under its tag. */
export type EventValue =
  | { readonly tag: string; readonly scalar: number }
  | { readonly tag: string; readonly png: Uint8Array; readonly width: number; readonly height: number }
  | { readonly tag: string; readonly histogram: ValueHistogram };

/** What a record of an event file says. */
export interface TrainingEventRecord {
  /** Seconds since 1970. */
  readonly seconds: number;
  readonly step?: number;
  /** First record of a file. */
  readonly fileVersion?: string;
  /** A sitting begins here: readers drop what an earlier one wrote of this step and later ones. */
  readonly sessionStart?: boolean;
  readonly values?: readonly EventValue[];
}

/**
 * TensorBoard's event file of one sitting of a run. Each call appends whole records, so that a
 * reader may follow and a killed process leaves at most a torn last record, which readers pass
 * over.
 *
 * Source: tensorflow `core/util/event.proto`, `core/framework/summary.proto`,
 * `core/lib/io/record_writer.cc`.
 */
export class EventFile {
  readonly path: string;
  private constructor(path: string) {
    this.path = path;
  }

  /**
   * Makes a file in the folder for a sitting that begins after `step` updates. Throws EaselError if
   * it can't be written.
   */
  static async create(folder: string, step: number): Promise<EventFile> {
    const seconds = Date.now() / 1000;
    const name = `events.out.tfevents.${Math.floor(seconds)}.${hostname()}.${process.pid}.${step}`;
    const file = new EventFile(join(folder, name));
    await mkdir(folder, { recursive: true }).catch((error: Error) => {
      throw new EaselError(`Event files ${folder}: can't be made (${error.message}).`);
    });
    await file.append({ seconds, fileVersion: 'brain.Event:2' });
    await file.append({ seconds, step: step + 1, sessionStart: true });
    return file;
  }

  /** Adds values of a step. */
  async write(step: number, values: readonly EventValue[]): Promise<void> {
    if (values.length > 0) await this.append({ seconds: Date.now() / 1000, step, values });
  }

  private async append(record: TrainingEventRecord): Promise<void> {
    await appendFile(this.path, framed(encodeEvent(record))).catch((error: Error) => {
      throw new EaselError(`Event file ${this.path}: can't be written (${error.message}).`);
    });
  }
}

/**
 * A TFRecord: length (uint64), its checksum, the data, its checksum; all little-endian, checksums
 * masked.
 */
export function framed(data: Uint8Array): Uint8Array {
  const record = new Uint8Array(data.length + 16);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc(record.subarray(0, 8)), true);
  record.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc(data), true);
  return record;
}

/**
 * Event: wall_time 1, step 2, file_version 3, summary 5 (value 1), session_log 7 (status 1 = START
 * 1).
 */
export function encodeEvent({
  seconds,
  step,
  fileVersion,
  sessionStart,
  values,
}: TrainingEventRecord): Uint8Array {
  const event = new Message().double(1, seconds);
  if (step !== undefined) event.integer(2, step);
  if (fileVersion !== undefined) event.text(3, fileVersion);
  if (values !== undefined) {
    const summary = new Message();
    for (const value of values) summary.bytes(1, encodeValue(value));
    event.bytes(5, summary.done());
  }
  if (sessionStart) event.bytes(7, new Message().integer(1, 1).done());
  return event.done();
}

/**
 * Value: tag 1, simple_value 2, image 4 (height 1, width 2, colorspace 3 = RGB 3,
 * encoded_image_string 4), histo 5.
 */
function encodeValue(value: EventValue): Uint8Array {
  const message = new Message().text(1, value.tag);
  if ('scalar' in value) return message.float(2, value.scalar).done();
  if ('png' in value) {
    const { width, height, png } = value;
    return message
      .bytes(4, new Message().integer(1, height).integer(2, width).integer(3, 3).bytes(4, png).done())
      .done();
  }
  const { min, max, sum, sumOfSquares, limits, counts } = value.histogram;
  const total = Array.from(counts).reduce((a, b) => a + b, 0);
  const histogram = new Message().double(1, min).double(2, max).double(3, total).double(4, sum);
  return message
    .bytes(5, histogram.double(5, sumOfSquares).doubles(6, limits).doubles(7, counts).done())
    .done();
}

/** A protobuf message in the making: fields in the order of the calls. */
class Message {
  private readonly parts: Uint8Array[] = [];

  integer(field: number, value: number): this {
    return this.add(varint(field * 8), varint(value));
  }
  double(field: number, value: number): this {
    return this.add(varint(field * 8 + 1), new Uint8Array(Float64Array.of(value).buffer)); // this host is little-endian, as all of Node's are
  }
  float(field: number, value: number): this {
    return this.add(varint(field * 8 + 5), new Uint8Array(Float32Array.of(value).buffer));
  }
  bytes(field: number, value: Uint8Array): this {
    return this.add(varint(field * 8 + 2), varint(value.length), value);
  }
  text(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }
  /** Packed. */
  doubles(field: number, values: ArrayLike<number>): this {
    return this.bytes(field, new Uint8Array(Float64Array.from(values).buffer));
  }
  done(): Uint8Array {
    return Uint8Array.from(Buffer.concat(this.parts));
  }
  private add(...parts: Uint8Array[]): this {
    this.parts.push(...parts);
    return this;
  }
}

/** A whole number from 0 to 2⁵³ − 1, seven bits a byte, lowest first. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  return Uint8Array.of(...bytes, rest);
}

/** CRC-32C (Castagnoli, reflected polynomial 0x82f63b78) of each byte alone. */
const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/**
 * CRC-32C of the bytes; rotated and shifted, because checksums of data with checksums in it are
 * weak.
 */
function maskedCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (crcTable[(crc ^ byte) & 255] as number);
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
