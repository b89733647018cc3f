import { join } from 'node:path';
import type { Raster } from '@easel/core';
import { writeFileAtomic } from '@easel/core/internals/node';
import { encodePng } from '@easel/draw';

/** A batch that ended a run. */
export interface FailedBatch {
  /** Facts common to its samples: the step, and the keys of the noise. */
  readonly about: Readonly<Record<string, unknown>>;
  /** One object a sample. */
  readonly samples: readonly object[];
  /** The samples, if they are pictures. */
  readonly picture?: Raster | undefined;
}

/**
 * Writes failed-batch.json into a run's folder, a sample a line, and failed-batch.png if the
 * samples are pictures. Returns the path of the former.
 */
export async function saveFailedBatch(
  folder: string,
  { about, samples, picture }: FailedBatch,
): Promise<string> {
  const path = join(folder, 'failed-batch.json');
  const head = JSON.stringify(about).slice(0, -1);
  const lines = samples.map((sample) => `  ${JSON.stringify(sample)}`).join(',\n');
  await writeFileAtomic(path, `${head},\n"samples":[\n${lines}\n]}\n`);
  if (picture !== undefined)
    await writeFileAtomic(join(folder, 'failed-batch.png'), await encodePng(picture));
  return path;
}
