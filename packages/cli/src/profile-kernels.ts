import {
  AdamW,
  ConfigError,
  constantSchedule,
  sparseCrossEntropy,
  updateScale,
  valueAndGrads,
} from '@easel/core';
import { sumsOfSquares } from '@easel/core/internals';
import { generatePictures, type PictureModel } from '@easel/draw';
import { openPictureModel } from '@easel/draw/node';
import * as tf from '@tensorflow/tfjs';
import type { KernelCount } from 'tfjs-backend-native';

/** The kernels that ran in one piece of work, with how often each was left to JavaScript. */
export interface WorkProfile {
  readonly work: string;
  readonly seconds: number;
  readonly kernels: readonly KernelCount[];
}

/** Rows of the training step. */
const TRAINED_ROWS = 4;

/**
 * Runs a generation and a training step with a model folder on the native backend, and counts which
 * kernels ran in C++ and which fell through to JavaScript. Throws ConfigError on another backend.
 */
export async function profileKernels(folder: string): Promise<WorkProfile[]> {
  if (tf.getBackend() !== 'native') {
    throw new ConfigError(
      `doctor --profile: it counts kernels of the native backend, and "${tf.getBackend()}" runs. Does easel doctor say why?`,
    );
  }
  const { kernelCounts, resetKernelCounts } = await import('tfjs-backend-native');
  const model = await openPictureModel(folder);
  const watch = async (work: string, run: () => Promise<void>): Promise<WorkProfile> => {
    resetKernelCounts();
    const start = performance.now();
    await run();
    return { work, seconds: (performance.now() - start) / 1000, kernels: kernelCounts() };
  };
  try {
    return [
      await watch('a picture: text, codes, pixels', () => drawOne(model)),
      await watch(`a training step of ${TRAINED_ROWS} rows: loss, gradients, clipping, AdamW`, () =>
        trainOnce(model),
      ),
    ];
  } finally {
    model.dispose();
  }
}

async function drawOne(model: PictureModel): Promise<void> {
  for await (const _ of generatePictures(model, { prompts: ['a red heart'] }));
}

/** Makes one update on meaningless captions and codes. The weights on disk stay as they are. */
async function trainOnce({ text: { model, processor, config } }: PictureModel): Promise<void> {
  const prompts = processor.process(Array<string>(TRAINED_ROWS).fill('a red heart'));
  const inputIds = tf.tensor2d(prompts.inputIds, [prompts.rows, prompts.length], 'int32');
  const attentionMask = tf.tensor2d(prompts.attentionMask, [prompts.rows, prompts.length], 'int32');
  const codes = Int32Array.from(
    { length: TRAINED_ROWS * config.imageLength },
    (_, i) => (i * 31) % config.imageVocabSize,
  );
  const optimizer = new AdamW({ schedule: constantSchedule({ learningRate: 1e-4 }), weightDecay: 0.01 });
  const weights = model.namedWeights();
  const labels = tf.tensor1d(codes, 'int32');
  const decoderInputIds = tf.tensor2d(codes, [TRAINED_ROWS, config.imageLength], 'int32');
  const { value, grads } = valueAndGrads(() => {
    const logits = model.logits({ inputIds, attentionMask, decoderInputIds });
    const rows = tf.reshape(logits, [codes.length, -1]) as tf.Tensor2D;
    return tf.mean(sparseCrossEntropy(rows, labels)) as tf.Scalar;
  }, weights);
  const squares = sumsOfSquares(grads.values());
  const scale = updateScale(squares, { maxNorm: 1, finite: [value] });
  await optimizer.apply(weights, grads, scale);
  await value.data();
  optimizer.dispose();
  tf.dispose([value, squares, scale, labels, decoderInputIds, inputIds, attentionMask, ...grads.values()]);
}

/** Writes a profile as lines, with the kernels left to JavaScript first. */
export function formatProfile({ work, seconds, kernels }: WorkProfile): string {
  const total = (of: 'native' | 'cpu') => kernels.reduce((sum, kernel) => sum + kernel[of], 0);
  const lines = kernels.map(({ kernel, native, cpu, largestOnCpu }) => {
    const inJavaScript = cpu === 0 ? '' : `${cpu} in JavaScript, up to ${largestOnCpu} elements`;
    return `  ${kernel.padEnd(24)} ${String(native).padStart(6)} native  ${inJavaScript}`.trimEnd();
  });
  return [
    `${work}: ${seconds.toFixed(2)} s, ${total('native')} kernels native, ${total('cpu')} in JavaScript`,
    ...lines,
  ].join('\n');
}
