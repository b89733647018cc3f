import type { Raster } from '@easel/core';
import { generatePictures } from '@easel/draw';
import { openPictureModel } from '@easel/draw/node';
import { Progress } from './progress.js';

/** How prompts are drawn for a sheet. */
export interface DrawPromptsOptions {
  /** What the bar says. */
  readonly label: string;
  readonly quiet: boolean;
  readonly signal: AbortSignal;
  /** Folder of the VQGAN that draws, in place of the model's own. */
  readonly vqgan?: string | undefined;
}

/** Draws each prompt once, by a model's own settings and seed 0. */
export async function drawPrompts(
  model: string,
  prompts: readonly string[],
  { label, quiet, signal, vqgan }: DrawPromptsOptions,
): Promise<Raster[]> {
  const opened = await openPictureModel(model, { vqgan });
  const progress = new Progress({ label, unit: 'tokens', quiet });
  const pictures: Raster[] = [];
  try {
    const onTokens = (done: number, total: number) => progress.update(done, { total });
    for await (const { pixels } of generatePictures(opened, { prompts, signal, onTokens }))
      pictures.push(pixels);
  } finally {
    opened.dispose();
    progress.finish();
  }
  return pictures;
}
