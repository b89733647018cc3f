import type { ModelSource } from '@easel/core';
import { modelFiles } from '@easel/core/node';
import * as anywhere from './picture-model.js';

/**
 * Does what `openPictureModel` of the main entry does, and also takes the path of a folder on disk.
 * `vqgan` may be a path, too.
 */
export function openPictureModel(
  source: ModelSource,
  { vqgan, ...options }: anywhere.OpenPictureModelOptions = {},
): Promise<anywhere.PictureModel> {
  const apart = vqgan === undefined ? {} : { vqgan: modelFiles(vqgan) };
  return anywhere.openPictureModel(modelFiles(source), { ...options, ...apart });
}
