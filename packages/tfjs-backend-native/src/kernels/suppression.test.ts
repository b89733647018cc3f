import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import '../index.js';

beforeAll(() => {
  tf.setBackend('native');
});

/** Four boxes; the first and second share half of their union, the first and third all of it. */
const boxes = () =>
  tf.tensor2d(
    [
      [0, 0, 1, 2],
      [0, 0, 1, 1],
      [1, 2, 0, 0], // the first's corners, the other way round
      [5, 5, 6, 6],
    ],
    [4, 4],
  );
const scores = () => tf.tensor1d([0.75, 0.5, 0.75, 0.25]);

describe('non-max suppression', () => {
  test('an overlap of just the threshold stays, one above goes; of equal scores the first box', () => {
    const choose = (threshold: number, most = 4) => [
      ...tf.image.nonMaxSuppression(boxes(), scores(), most, threshold).dataSync(),
    ];
    expect(choose(0.5)).toEqual([0, 1, 3]);
    expect(choose(0.49)).toEqual([0, 3]);
    expect(choose(1)).toEqual([0, 2, 1, 3]);
    expect(choose(1, 2)).toEqual([0, 2]);
    expect(choose(0.5, 0)).toEqual([]);
  });

  test('zeros behind the boxes, and their number', () => {
    const run = (pad: boolean) =>
      tf.image.nonMaxSuppressionPadded(boxes(), scores(), 5, 0.5, Number.NEGATIVE_INFINITY, pad);
    const padded = run(true);
    expect([...(padded.selectedIndices as tf.Tensor).dataSync()]).toEqual([0, 1, 3, 0]); // tfjs asks for no more than there are
    expect([...(padded.validOutputs as tf.Tensor).dataSync()]).toEqual([3]);
    expect([...(run(false).selectedIndices as tf.Tensor).dataSync()]).toEqual([0, 1, 3]);
  });

  test('with sigma an overlap costs score, whatever the threshold, and scores below theirs go', () => {
    const run = (threshold: number, least: number) => {
      const chosen = tf.image.nonMaxSuppressionWithScore(boxes(), scores(), 4, threshold, least, 0.5);
      return [chosen.selectedIndices, chosen.selectedScores].map((x) => [...(x as tf.Tensor).dataSync()]);
    };
    // exp(−iou²): the second by ½ against each of two boxes, the third by 1, and the third by ½ more
    // where the second was chosen before.
    const [second, third] = [0.5 * Math.exp(-0.25), 0.75 * Math.exp(-1) * Math.exp(-0.25)];
    for (const threshold of [0.1, 0.5, 1]) {
      const [order, left] = run(threshold, 0);
      expect(order).toEqual([0, 1, 3, 2]);
      expect(left?.map((score) => Number(score.toFixed(5)))).toEqual(
        [0.75, second, 0.25, third].map((score) => Number(score.toFixed(5))),
      );
    }
    expect(run(0.5, 0.24)[0]).toEqual([0, 1, 3]);
  });
});
