import { existsSync } from 'node:fs';
import type { ModelSource } from '@easel/core';
import { modelFiles } from '@easel/core/node';
import type { FetchOptions } from '@easel/hub';
import { findModelPackage } from './model-package.js';
import * as anywhere from './picture-model.js';

export { findModelPackage } from './model-package.js';

/** Options of `openPictureModel` of this entry. */
export interface NodePictureModelOptions extends anywhere.OpenPictureModelOptions {
  /**
   * Whether a model of the hub that is not in the cache may be fetched (default false); or how. See
   * `fetchModel` of @easel/hub.
   */
  readonly fetch?: boolean | FetchOptions | undefined;
}

/**
 * Does what `openPictureModel` of the main entry does, and also takes the path of a folder on disk;
 * where there is no such folder, the name of a model that npm has installed (`@easel/model-emoji`, or
 * `emoji` for short); and the name of a model on Hugging Face's hub: `hf:org/name`, with `@revision`
 * and `:subfolder` behind it where they are needed. `vqgan` may be a path or such a name, too.
 *
 * A named model is opened from the hub's cache, with the VQGAN that goes with it, or from what
 * `easel generate` made of the two. What is not there is fetched if `fetch` allows it. Throws
 * HubError if it may not be, or can't be.
 */
export async function openPictureModel(
  source: ModelSource,
  { vqgan, fetch = false, ...options }: NodePictureModelOptions = {},
): Promise<anywhere.PictureModel> {
  const model = await placeOf(source, fetch);
  const inside = vqgan === undefined ? model.vqgan : (await placeOf(vqgan, fetch)).source;
  const apart = inside === undefined ? {} : { vqgan: modelFiles(inside) };
  return anywhere.openPictureModel(modelFiles(model.source), { ...options, ...apart });
}

/** Where a model lies, and its VQGAN if that lies elsewhere. */
interface Place {
  readonly source: ModelSource;
  readonly vqgan?: ModelSource | undefined;
}

/** The same for any source. The hub's package is loaded where a name asks for it. */
async function placeOf(source: ModelSource, fetch: boolean | FetchOptions): Promise<Place> {
  if (typeof source !== 'string') return { source };
  if (!source.startsWith('hf:'))
    return { source: existsSync(source) ? source : (findModelPackage(source) ?? source) };
  const { fetchModel, findModel, HubError, howToFetch } = await import('@easel/hub');
  const options = typeof fetch === 'boolean' ? {} : fetch;
  const there = await findModel(source, options.place);
  if (there === undefined && fetch === false)
    throw new HubError(
      `${source} is not in the hub's cache, and nothing is fetched unasked. ${howToFetch(source)}; so does the option fetch.`,
    );
  const found = there ?? (await fetchModel(source, options));
  return found.isConverted
    ? { source: found.converted }
    : { source: found.folder, vqgan: found.vqgan?.folder };
}
