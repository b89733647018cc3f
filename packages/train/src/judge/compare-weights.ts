import type { ProcessedPrompts } from '@easel/bart';
import type { WeightStorage } from '@easel/core';
import type { PictureModel } from '@easel/draw';
import { drawTokens } from '@easel/vqgan';
import * as tf from '@tensorflow/tfjs';
import { type DrawJudgedOptions, drawJudged } from './draw-judged.js';
import { type Drawings, type Judgement, judgeDrawings } from './judge-drawings.js';
import type { JudgedPrompts } from './judged-prompts.js';

/** What a model whose weights are held in fewer bytes does, beside the same model in float32. */
export interface WeightComparison extends Judgement {
  readonly weights: WeightStorage;
  /** Percent of the drawn tokens that are those of float32, at the same place and seed. */
  readonly sameTokens: number;
  /**
   * Percent of the places at which the likeliest next token is that of float32, behind the tokens
   * that float32 has drawn.
   */
  readonly sameLikeliest: number;
  /** Mean and largest |difference| of logits at these places. */
  readonly meanLogitError: number;
  readonly largestLogitError: number;
  /**
   * Peak signal-to-noise ratio, in dB, of the VQGAN's pictures of the tokens that float32 has drawn.
   * Infinity if every byte is the same.
   */
  readonly psnr: number;
}

/** How `compareWeights` draws. */
export type CompareWeightsOptions = Omit<DrawJudgedOptions, 'onProgress'> & {
  /** Called with a line that says what is going on. */
  readonly onStep?: (step: string) => void;
};

/** What one model did: its drawings, its logits behind given tokens, its pictures of them. */
interface Trial {
  readonly drawings: Drawings;
  readonly logits: readonly Float32Array[];
  readonly pictures: Drawings['pictures'];
}

/** Prompts whose logits are computed at a time. */
const BATCH = 8;

/**
 * Draws judged prompts with a model in float32, and then with its weights held in each of the given
 * ways, and compares. `open` opens the model; one is open at a time. The first comparison is that of
 * float32 with itself. Throws the signal's reason if it is aborted.
 */
export async function compareWeights(
  open: (weights: WeightStorage) => Promise<PictureModel>,
  judged: JudgedPrompts,
  storages: readonly WeightStorage[],
  { onStep, ...options }: CompareWeightsOptions,
): Promise<WeightComparison[]> {
  const trial = async (weights: WeightStorage, reference?: Trial): Promise<Trial> => {
    onStep?.(weights);
    const model = await open(weights);
    try {
      const drawings = await drawJudged(model, judged.prompts, options);
      const { tokens } = reference?.drawings ?? drawings;
      const logits = await logitsBehind(model, judged, tokens, options);
      return { drawings, logits, pictures: await drawTokens(model.vqgan, tokens) };
    } finally {
      model.dispose();
    }
  };
  const reference = await trial('f32');
  const comparisons = [compared('f32', reference, reference, judged, options.perPrompt)];
  for (const weights of storages) {
    if (weights === 'f32') continue;
    const own = await trial(weights, reference);
    comparisons.push(compared(weights, own, reference, judged, options.perPrompt));
  }
  return comparisons;
}

/** The logits [T, V] of each drawing's next tokens, behind the tokens before them. */
async function logitsBehind(
  { text: { model, processor } }: PictureModel,
  { prompts }: JudgedPrompts,
  tokens: readonly Int32Array[],
  { perPrompt, signal }: CompareWeightsOptions,
): Promise<Float32Array[]> {
  const { decoderStartTokenId, imageLength } = model.config;
  const all: Float32Array[] = [];
  for (let begin = 0; begin < tokens.length; begin += BATCH) {
    signal?.throwIfAborted();
    const rows = tokens.slice(begin, begin + BATCH);
    const texts = rows.map(
      (_, i) => (prompts[Math.floor((begin + i) / perPrompt)] as { prompt: string }).prompt,
    );
    const inputs: ProcessedPrompts = processor.process(texts);
    const before = new Int32Array(rows.length * imageLength);
    for (const [r, row] of rows.entries()) {
      before[r * imageLength] = decoderStartTokenId;
      before.set(row.subarray(0, imageLength - 1), r * imageLength + 1);
    }
    const shape: [number, number] = [rows.length, inputs.length];
    const logits = tf.tidy(() =>
      model.logits({
        inputIds: tf.tensor2d(inputs.inputIds, shape, 'int32'),
        attentionMask: tf.tensor2d(inputs.attentionMask, shape, 'int32'),
        decoderInputIds: tf.tensor2d(before, [rows.length, imageLength], 'int32'),
      }),
    );
    const values = (await logits.data()) as Float32Array;
    logits.dispose();
    const length = values.length / rows.length;
    for (const r of rows.keys()) all.push(values.slice(r * length, (r + 1) * length));
  }
  return all;
}

function compared(
  weights: WeightStorage,
  own: Trial,
  reference: Trial,
  judged: JudgedPrompts,
  perPrompt: number,
): WeightComparison {
  const drawn = { same: 0, count: 0 };
  for (const [i, row] of own.drawings.tokens.entries())
    for (const [place, token] of row.entries()) {
      drawn.same += Number(token === reference.drawings.tokens[i]?.[place]);
      drawn.count += 1;
    }
  const likeliest = { same: 0, count: 0 };
  const errors = { sum: 0, count: 0, largest: 0 };
  for (const [i, logits] of own.logits.entries()) {
    const others = reference.logits[i] as Float32Array;
    const places = reference.drawings.tokens[i]?.length ?? 0;
    const width = logits.length / places;
    for (let place = 0; place < places; place++) {
      const range = [place * width, (place + 1) * width] as const;
      likeliest.same += Number(largestOf(logits, ...range) === largestOf(others, ...range));
      likeliest.count += 1;
    }
    for (const [at, value] of logits.entries()) {
      const error = Math.abs(value - (others[at] as number));
      errors.sum += error;
      errors.largest = Math.max(errors.largest, error);
    }
    errors.count += logits.length;
  }
  return {
    weights,
    ...judgeDrawings(judged, own.drawings, perPrompt),
    sameTokens: (100 * drawn.same) / drawn.count,
    sameLikeliest: (100 * likeliest.same) / likeliest.count,
    meanLogitError: errors.sum / errors.count,
    largestLogitError: errors.largest,
    psnr: psnrOf(own.pictures, reference.pictures),
  };
}

/** The index of the largest value from `begin` to `end`, the first of several. */
function largestOf(values: Float32Array, begin: number, end: number): number {
  let best = begin;
  for (let i = begin + 1; i < end; i++) if ((values[i] as number) > (values[best] as number)) best = i;
  return best;
}

function psnrOf(pictures: Drawings['pictures'], others: Drawings['pictures']): number {
  const squares = { sum: 0, count: 0 };
  for (const [i, { data }] of pictures.entries()) {
    const other = others[i]?.data as ArrayLike<number>;
    for (let at = 0; at < data.length; at++)
      squares.sum += ((data[at] as number) - (other[at] as number)) ** 2;
    squares.count += data.length;
  }
  return 10 * Math.log10(255 ** 2 / (squares.sum / squares.count));
}
