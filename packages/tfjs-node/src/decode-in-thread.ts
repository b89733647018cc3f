import { createRequire } from 'node:module';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';

/** What a picture's bytes are decoded to: bytes of frames [frames, height, width, channels]. */
export interface DecodedFrames {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly frames: number;
}

/** A picture to decode: 0 channels are those of the file. */
interface Request {
  readonly bytes: Uint8Array;
  readonly channels: number;
  readonly animated: boolean;
}

/** The thread's program. sharp's work is asynchronous, so it is done where somebody can wait for it. */
const PROGRAM = `
const { workerData } = require('node:worker_threads');
const sharp = require(workerData.sharp);
workerData.port.on('message', async ({ bytes, channels, animated }) => {
  let answer;
  try {
    let picture = sharp(bytes, { animated });
    const { pages = 1, channels: own } = await picture.metadata();
    const wanted = channels === 0 ? own : channels;
    picture = picture.toColourspace(wanted < 3 ? 'b-w' : 'srgb');
    picture = wanted === 4 || wanted === 2 ? picture.ensureAlpha() : picture.removeAlpha();
    const { data, info } = await picture.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
    const frames = animated ? pages : 1;
    answer = { data: new Uint8Array(data), width: info.width, height: info.height / frames, channels: info.channels, frames };
  } catch (error) {
    answer = { error: error.message };
  }
  workerData.port.postMessage(answer);
  Atomics.add(workerData.answered, 0, 1);
  Atomics.notify(workerData.answered, 0);
});`;

/** Milliseconds after which a thread that does not answer is given up. */
const PATIENCE = 60_000;

let thread: { readonly port: MessagePort; readonly answered: Int32Array } | undefined;

function start() {
  const { port1, port2 } = new MessageChannel();
  const answered = new Int32Array(new SharedArrayBuffer(4));
  const sharp = createRequire(import.meta.url).resolve('sharp');
  const worker = new Worker(PROGRAM, {
    eval: true,
    workerData: { port: port2, answered, sharp },
    transferList: [port2],
  });
  worker.unref();
  port1.unref();
  return { port: port1, answered };
}

/**
 * Decodes a picture and waits for it, as programs written for tfjs-node expect. Throws Error with
 * sharp's reason if the bytes are no picture that it reads.
 */
export function decodeInThread(request: Request): DecodedFrames {
  thread ??= start();
  const { port, answered } = thread;
  const before = Atomics.load(answered, 0);
  port.postMessage(request);
  Atomics.wait(answered, 0, before, PATIENCE);
  const received = receiveMessageOnPort(port)?.message as (DecodedFrames & { error?: string }) | undefined;
  if (received === undefined) throw new Error(`no answer from the decoding thread in ${PATIENCE / 1000} s.`);
  if (received.error !== undefined) throw new Error(received.error);
  return received;
}
