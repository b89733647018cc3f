import * as tf from '@tensorflow/tfjs';
import sharp, { type Sharp } from 'sharp';
import { decodeInThread } from './decode-in-thread.js';

/** How a format's files begin. */
const FORMATS: readonly (readonly [name: string, begins: readonly number[]])[] = [
  ['JPEG', [0xff, 0xd8, 0xff]],
  ['PNG', [0x89, 0x50, 0x4e, 0x47]],
  ['GIF', [0x47, 0x49, 0x46]],
  ['BMP', [0x42, 0x4d]],
];

/** The name of a picture's format, or undefined if it is none of tfjs-node's. */
export function getImageType(content: Uint8Array): string | undefined {
  return FORMATS.find(([, begins]) => begins.every((byte, i) => content[i] === byte))?.[0];
}

function requireFormat(content: Uint8Array, expected: string): void {
  const found = getImageType(content);
  if (found !== expected)
    throw new Error(
      `decode${expected[0]}${expected.slice(1).toLowerCase()}: expected a ${expected}, found ${found ?? 'another format'}.`,
    );
}

/** int32 [height, width, channels]; of an animation [frames, height, width, channels]. */
function decode(content: Uint8Array, channels: number, animated: boolean): tf.Tensor3D | tf.Tensor4D {
  if (![0, 1, 3, 4].includes(channels)) throw new Error(`expected 0, 1, 3 or 4 channels, got ${channels}.`);
  const {
    data,
    width,
    height,
    channels: found,
    frames,
  } = decodeInThread({ bytes: content, channels, animated });
  const values = Int32Array.from(data);
  return animated
    ? tf.tensor4d(values, [frames, height, width, found], 'int32')
    : tf.tensor3d(values, [height, width, found], 'int32');
}

/** Decodes a JPEG to int32 [height, width, channels]; 0 channels: those of the file. */
export function decodeJpeg(content: Uint8Array, channels: 0 | 1 | 3 = 0): tf.Tensor3D {
  requireFormat(content, 'JPEG');
  return decode(content, channels, false) as tf.Tensor3D;
}

/** Decodes a PNG to int32 [height, width, channels], 16 bits as 8; 0 channels: those of the file. */
export function decodePng(content: Uint8Array, channels: 0 | 1 | 3 | 4 = 0): tf.Tensor3D {
  requireFormat(content, 'PNG');
  return decode(content, channels, false) as tf.Tensor3D;
}

/** Decodes all frames of a GIF to int32 [frames, height, width, 3]. */
export function decodeGif(content: Uint8Array): tf.Tensor4D {
  requireFormat(content, 'GIF');
  return decode(content, 3, true) as tf.Tensor4D;
}

/**
 * Decodes a BMP of 24 or 32 bits without compression to int32 [height, width, channels]; 0 channels:
 * those of the file. Throws Error for another kind of BMP.
 */
export function decodeBmp(content: Uint8Array, channels: 0 | 3 | 4 = 0): tf.Tensor3D {
  requireFormat(content, 'BMP');
  if (content.length < 54)
    throw new Error(`decodeBmp: expected a header of 54 bytes, got ${content.length}.`);
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const [start, width, signed] = [view.getUint32(10, true), view.getInt32(18, true), view.getInt32(22, true)];
  const [bits, compression] = [view.getUint16(28, true), view.getUint32(30, true)];
  const height = Math.abs(signed);
  const own = bits / 8;
  const stride = Math.ceil((width * own) / 4) * 4;
  if ((own !== 3 && own !== 4) || ![0, 3].includes(compression))
    throw new Error(
      `decodeBmp: expected 24 or 32 bits without compression, got ${bits} bits, kind ${compression}. Save it as PNG.`,
    );
  if (width < 1 || height < 1 || start + stride * height > content.length)
    throw new Error(`decodeBmp: ${width}×${height} pixels don't fit into ${content.length} bytes.`);
  const wanted = channels === 0 ? own : channels;
  const values = new Int32Array(height * width * wanted).fill(255);
  for (let y = 0; y < height; y++) {
    const row = start + stride * (signed > 0 ? height - 1 - y : y); // from the bottom up
    for (let x = 0; x < width; x++) {
      const [from, to] = [row + x * own, (y * width + x) * wanted];
      for (let c = 0; c < 3; c++) values[to + c] = content[from + 2 - c] as number; // blue comes first
      if (wanted === 4 && own === 4) values[to + 3] = content[from + 3] as number;
    }
  }
  return tf.tensor3d(values, [height, width, wanted], 'int32');
}

/**
 * Decodes a JPEG, PNG, GIF or BMP to int32 [height, width, channels]. Of a GIF all frames, [frames,
 * height, width, 3], unless `expandAnimations` is false. Throws Error for other bytes.
 */
export function decodeImage(
  content: Uint8Array,
  channels: 0 | 1 | 3 | 4 = 3,
  dtype = 'int32',
  expandAnimations = true,
): tf.Tensor3D | tf.Tensor4D {
  if (dtype !== 'int32') throw new Error(`decodeImage: expected int32, as tfjs-node has it, got ${dtype}.`);
  const kind = getImageType(content);
  if (kind === undefined)
    throw new Error('decodeImage: expected a JPEG, PNG, GIF or BMP, found another format.');
  if (kind === 'BMP') return decodeBmp(content, channels as 0 | 3 | 4);
  return decode(content, kind === 'GIF' ? 3 : channels, kind === 'GIF' && expandAnimations);
}

/** The bytes of a tensor of pixels, 0 to 255, [height, width, 1, 3 or 4], as sharp takes them. */
async function raw(image: tf.Tensor3D, allowed: readonly number[]): Promise<Sharp> {
  const [height, width, channels] = image.shape;
  if (image.rank !== 3 || !allowed.includes(channels))
    throw new Error(`expected a picture [height, width, ${allowed.join(' or ')}], got [${image.shape}].`);
  const data = Uint8ClampedArray.from(await image.data());
  const pixels = sharp(data, { raw: { width, height, channels: channels as 1 | 3 | 4 } });
  return channels === 1 ? pixels.toColourspace('b-w') : pixels;
}

/** Encodes pixels, 0 to 255, as a JPEG. Of tfjs-node's settings, those that sharp has are obeyed. */
export async function encodeJpeg(
  image: tf.Tensor3D,
  _format: '' | 'grayscale' | 'rgb' = '',
  quality = 95,
  progressive = false,
): Promise<Uint8Array> {
  return new Uint8Array(await (await raw(image, [1, 3])).jpeg({ quality, progressive }).toBuffer());
}

/** Encodes pixels, 0 to 255, as a PNG. Compression is from −1 (the library's choice) to 9. */
export async function encodePng(image: tf.Tensor3D, compression = 1): Promise<Uint8Array> {
  const settings = compression < 0 ? {} : { compressionLevel: compression };
  return new Uint8Array(await (await raw(image, [1, 3, 4])).png(settings).toBuffer());
}

/** Makes a function that says what to do in place of what is not here. */
function missing(name: string, wayOut: string): () => never {
  return () => {
    throw new Error(`tf.node.${name} is not in tfjs-node-native. ${wayOut}`);
  };
}

const CONVERT =
  'SavedModels are executed by TensorFlow alone: convert it once with tensorflowjs_converter (PyPI: tensorflowjs) to a graph model, and load that by tf.loadGraphModel("file://…/model.json").';
const LOG = 'Write numbers from the callback onEpochEnd or onBatchEnd of model.fit.';

/** Throws Error with the way out: SavedModels are executed by TensorFlow alone. */
export const loadSavedModel: () => never = missing('loadSavedModel', CONVERT);
/** Throws Error with the way out, as `loadSavedModel`. */
export const getMetaGraphsFromSavedModel: () => never = missing('getMetaGraphsFromSavedModel', CONVERT);
/** Throws Error with the way out: there is no writer of TensorBoard's files here. */
export const tensorBoard: () => never = missing('tensorBoard', LOG);
/** Throws Error with the way out, as `tensorBoard`. */
export const summaryFileWriter: () => never = missing('summaryFileWriter', LOG);
