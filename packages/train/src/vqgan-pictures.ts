import { foldInNames, type Key, permutation } from '@easel/core';
import type { VqganTrainingConfig } from './config/vqgan-config.js';
import type { PictureShape } from './data/decode-picture.js';
import { openPictures, type SourceSettings } from './data/open-pictures.js';
import { cachePictures, type PictureCache } from './data/picture-cache.js';
import { holdOut } from './epoch-order.js';
import type { RunFolder } from './run-folder.js';
import type { PictureSplit } from './vqgan-task.js';

/** What a VQGAN is trained on, and what it is evaluated on, with the name of that. */
export interface VqganPictures {
  readonly training: PictureSplit;
  readonly evaluated: PictureSplit & { readonly name: string };
}

/**
 * Training and evaluated pictures of `size` × `size`, decoded; those that can't be are named in RUN/skipped.jsonl.
 * Throws DataError for sources that can't be read, or too many pictures for the memory that the config allows.
 */
export async function readVqganPictures(
  config: VqganTrainingConfig,
  size: number,
  key: Key,
  run: Pick<RunFolder, 'logSkipped'>,
  signal: AbortSignal | undefined,
): Promise<VqganPictures> {
  const { fit, crop, background, minSide, maxAspect, memoryLimit, evalFraction } = config.data;
  const shape: PictureShape = { size, fit, crop, cropSeed: config.seed, background, minSide, maxAspect };
  const decode = async (sources: readonly SourceSettings[]): Promise<PictureCache> => {
    const source = await openPictures(sources, { captions: false });
    try {
      const cache = await cachePictures(source, shape, { limitMiB: memoryLimit, signal });
      await run.logSkipped(cache.skipped);
      return cache;
    } finally {
      await source.close();
    }
  };
  const cache = await decode(config.data.train);
  const { train, held } = holdOut(foldInNames(key, ['held out']), cache.files.length, evalFraction);
  const sample = (split: PictureSplit): PictureSplit => {
    const order = permutation(foldInNames(key, ['evaluation']), split.rows.length);
    const chosen = order.subarray(0, config.evaluation.pictures);
    return { cache: split.cache, rows: Array.from(chosen, (i) => split.rows[i] as number) };
  };
  const training: PictureSplit = { cache, rows: train };
  if (config.data.eval !== null) {
    const other = await decode(config.data.eval);
    const all = { cache: other, rows: Array.from(other.files, (_, i) => i) };
    return { training, evaluated: { name: 'eval', ...sample(all) } };
  }
  if (held.length > 0) return { training, evaluated: { name: 'eval', ...sample({ cache, rows: held }) } };
  return { training, evaluated: { name: 'trained', ...sample(training) } };
}
