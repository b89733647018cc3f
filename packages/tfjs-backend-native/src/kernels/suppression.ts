import * as tf from '@tensorflow/tfjs';
import { type KernelArguments, type NativeKernel, nativeKernel } from './kernel.js';

interface Suppression {
  readonly maxOutputSize: number;
  readonly iouThreshold: number;
  readonly scoreThreshold: number;
  /** Boxes that overlap lose score by exp(−iou² / 2σ) where this is above 0. */
  readonly softNmsSigma?: number;
  readonly padToMaxOutputSize?: boolean;
}

/** A box that may still be chosen, with those chosen before `compared` taken into account. */
interface Candidate {
  readonly box: number;
  score: number;
  compared: number;
}

/** Whether a comes before b: the higher score, of equal ones the earlier box. */
const isBefore = (a: Candidate, b: Candidate): boolean =>
  a.score > b.score || (a.score === b.score && a.box < b.box);

/**
 * Boxes [n, 4] (two opposite corners, in any order) by falling score, without those that overlap
 * one chosen before by more than the threshold. With a sigma above 0 these lose score instead, and
 * the threshold has no effect. tfjs's kernel leaves out an overlap of just the threshold, and
 * applies the threshold beside sigma.
 *
 * Source: TensorFlow `core/kernels/image/non_max_suppression_op.cc`; Bodla et al. 2017,
 * arXiv:1704.04503.
 */
function suppress({ inputs, backend, attrs }: KernelArguments): { boxes: number[]; scores: number[] } {
  const { maxOutputSize, scoreThreshold, softNmsSigma = 0, ...rest } = attrs as unknown as Suppression;
  const iouThreshold = Math.fround(rest.iouThreshold);
  const spans = spansOf(backend.float32(inputs.boxes as tf.TensorInfo));
  const isSoft = softNmsSigma > 0;
  const queue: Candidate[] = [];
  const given = backend.float32(inputs.scores as tf.TensorInfo);
  for (let box = 0; box < given.length; box++) {
    const score = given[box] as number;
    if (score > scoreThreshold) queue.push({ box, score, compared: 0 });
  }
  queue.sort((a, b) => (isBefore(a, b) ? 1 : -1)); // the best at the end
  const boxes: number[] = [];
  const scores: number[] = [];
  while (boxes.length < maxOutputSize && queue.length > 0) {
    const candidate = queue.pop() as Candidate;
    const before = candidate.score;
    let isOut = false;
    for (let i = boxes.length - 1; i >= candidate.compared && !isOut; i--) {
      const overlap = intersectionOverUnion(spans, candidate.box, boxes[i] as number);
      if (isSoft)
        candidate.score = Math.fround(candidate.score * Math.exp((-0.5 / softNmsSigma) * overlap * overlap));
      isOut = isSoft ? candidate.score <= scoreThreshold : overlap > iouThreshold;
    }
    candidate.compared = boxes.length;
    if (isOut) continue;
    if (candidate.score === before) {
      boxes.push(candidate.box);
      scores.push(candidate.score);
    } else {
      let at = queue.length;
      while (at > 0 && isBefore(queue[at - 1] as Candidate, candidate)) at -= 1;
      queue.splice(at, 0, candidate);
    }
  }
  return { boxes, scores };
}

/** Numbers of a box in a table of them: its edges and its area. */
const SPAN = 5;

/** The edges (top, left, bottom, right) and the area of boxes [n, 4], SPAN numbers a box. */
function spansOf(corners: Float32Array): Float32Array {
  const count = corners.length / 4;
  const spans = new Float32Array(SPAN * count);
  for (let box = 0; box < count; box++) {
    const from = 4 * box;
    const to = SPAN * box;
    for (let axis = 0; axis < 2; axis++) {
      const a = corners[from + axis] as number;
      const b = corners[from + axis + 2] as number;
      spans[to + axis] = Math.min(a, b);
      spans[to + axis + 2] = Math.max(a, b);
    }
    spans[to + 4] = Math.fround(side(spans, to, 0) * side(spans, to, 1));
  }
  return spans;
}

/** The length of a box's side, rounded as float32. */
function side(spans: Float32Array, box: number, axis: number): number {
  return Math.fround((spans[box + axis + 2] as number) - (spans[box + axis] as number));
}

/** The length along which two boxes overlap, rounded as float32. */
function common(spans: Float32Array, a: number, b: number, axis: number): number {
  const from = Math.max(spans[a + axis] as number, spans[b + axis] as number);
  const to = Math.min(spans[a + axis + 2] as number, spans[b + axis + 2] as number);
  return Math.fround(Math.max(0, to - from));
}

/** The share of two boxes' union that both cover, rounded as float32; 0 where one has no area. */
function intersectionOverUnion(spans: Float32Array, first: number, second: number): number {
  const [a, b] = [SPAN * first, SPAN * second];
  const [areaA, areaB] = [spans[a + 4] as number, spans[b + 4] as number];
  if (areaA <= 0 || areaB <= 0) return 0;
  const both = Math.fround(common(spans, a, b, 0) * common(spans, a, b, 1));
  return Math.fround(both / Math.fround(Math.fround(areaA + areaB) - both));
}

const indices = ({ backend }: KernelArguments, boxes: readonly number[]): tf.TensorInfo =>
  backend.makeTensorInfo([boxes.length], 'int32', Int32Array.from(boxes));

/** The boxes chosen. */
const version3 = nativeKernel(tf.NonMaxSuppressionV3, (args) => indices(args, suppress(args).boxes));

/** The boxes chosen, with zeros behind them where `padToMaxOutputSize` asks for it, and their number. */
const version4 = nativeKernel(tf.NonMaxSuppressionV4, (args) => {
  const { maxOutputSize, padToMaxOutputSize } = args.attrs as unknown as Suppression;
  const { boxes } = suppress(args);
  const missing = padToMaxOutputSize ? Math.max(0, maxOutputSize - boxes.length) : 0;
  const padded = [...boxes, ...Array.from({ length: missing }, () => 0)];
  return [indices(args, padded), args.backend.makeTensorInfo([], 'int32', Int32Array.of(boxes.length))];
});

/** The boxes chosen and what is left of their scores. */
const version5 = nativeKernel(tf.NonMaxSuppressionV5, (args) => {
  const { boxes, scores } = suppress(args);
  return [
    indices(args, boxes),
    args.backend.makeTensorInfo([scores.length], 'float32', Float32Array.from(scores)),
  ];
});

/** Kernels that choose boxes. */
export const suppressionKernels: readonly NativeKernel[] = [version3, version4, version5];
