import type { ModelSource } from '@easel/core';
import { modelFiles } from '@easel/core/node';
import * as anywhere from './picture-model.js';

/**
 * As `openPictureModel` of the main entry, and from the path of a folder on disk; `vqgan` may be
 * one too.
 */
export function openPictureModel(
  source: ModelSource,
  { vqgan, ...options }: anywhere.OpenPictureModelOptions = {},
): Promise<anywhere.PictureModel> {
  const apart = vqgan === undefined ? {} : { vqgan: modelFiles(vqgan) };
  return anywhere.openPictureModel(modelFiles(source), { ...options, ...apart });
}
