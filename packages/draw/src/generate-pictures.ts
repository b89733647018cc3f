import type { PictureParts } from './picture-parts.js';
import { PictureQueue, type PictureQueueOptions } from './picture-queue.js';
import type { Picture, PicturePreview, PictureRequest } from './picture-request.js';

/** Options of `generatePictures`. */
export interface GeneratePicturesOptions
  extends Omit<PictureRequest, 'preview'>,
    Pick<PictureQueueOptions, 'memory' | 'previewShare'> {
  /** Number of pictures drawn at a time (default 8). More is faster and takes more memory. */
  readonly batch?: number;
  /** Called with the number of codes drawn so far, of `total` in all. */
  readonly onTokens?: (done: number, total: number) => void;
  /** Called with pictures as far as they are drawn. */
  readonly onPreview?: ((preview: PicturePreview) => void) | undefined;
}

/**
 * Draws pictures by a PictureQueue of their own. They come in order, each as soon as it is finished.
 * Pictures behind the one that is read are drawn on meanwhile, at most twice `batch` of them.
 * An abort ends the drawing after the present step, with the signal's reason; pictures that were
 * finished have come before.
 *
 * Throws ConfigError for a setting out of range, DataError for a prompt with an id that the model
 * has no embedding of.
 */
export async function* generatePictures(
  parts: PictureParts,
  options: GeneratePicturesOptions,
): AsyncGenerator<Picture> {
  const { batch = 8, memory, previewShare, onTokens, onPreview, ...request } = options;
  const { prompts, images = 1, search } = request;
  const queue = new PictureQueue(parts, {
    slots: Math.max(1, Math.min(batch, prompts.length * images)),
    beams: search?.way === 'beams' ? search.beams : 0,
    memory,
    ...(previewShare === undefined ? {} : { previewShare }),
  });
  try {
    for await (const event of queue.submit({ ...request, preview: onPreview !== undefined })) {
      if (event.type === 'tokens') onTokens?.(event.done, event.total);
      if (event.type === 'preview') onPreview?.(event.preview);
      if (event.type === 'picture') yield event.picture;
    }
  } finally {
    await queue.close();
  }
}
