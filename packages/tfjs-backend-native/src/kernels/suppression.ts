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
  const corners = backend.float32(inputs.boxes as tf.TensorInfo);
  const isSoft = softNmsSigma > 0;
  const queue: Candidate[] = [];
  for (const [box, score] of backend.float32(inputs.scores as tf.TensorInfo).entries())
    if (score > scoreThreshold) queue.push({ box, score, compared: 0 });
  queue.sort((a, b) => (isBefore(a, b) ? 1 : -1)); // the best at the end
  const boxes: number[] = [];
  const scores: number[] = [];
  while (boxes.length < maxOutputSize && queue.length > 0) {
    const candidate = queue.pop() as Candidate;
    const before = candidate.score;
    let isOut = false;
    for (let i = boxes.length - 1; i >= candidate.compared && !isOut; i--) {
      const overlap = intersectionOverUnion(corners, candidate.box, boxes[i] as number);
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

/** The share of two boxes' union that both cover, rounded as float32; 0 where one has no area. */
function intersectionOverUnion(corners: Float32Array, a: number, b: number): number {
  const span = (box: number, axis: number): [number, number] => {
    const [from, to] = [corners[4 * box + axis] as number, corners[4 * box + axis + 2] as number];
    return from < to ? [from, to] : [to, from];
  };
  let [areaA, areaB, both] = [1, 1, 1];
  for (const axis of [0, 1]) {
    const [fromA, toA] = span(a, axis);
    const [fromB, toB] = span(b, axis);
    areaA = Math.fround(areaA * Math.fround(toA - fromA));
    areaB = Math.fround(areaB * Math.fround(toB - fromB));
    both = Math.fround(both * Math.fround(Math.max(0, Math.min(toA, toB) - Math.max(fromA, fromB))));
  }
  if (areaA <= 0 || areaB <= 0) return 0;
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
