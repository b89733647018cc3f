import { DataError } from '@easel/core';
import { defaultPictureShape, type PictureShape } from '../decoded/decode-picture.js';
import { decodeBatches } from '../decoded/picture-batches.js';
import type { PictureSource } from '../sources/picture-source.js';
import { FEATURE_SIDE, type JudgedPrompt, type JudgedPrompts } from './judged-prompts.js';
import { type GalleryPicture, pictureFeatures } from './retrieval.js';

/** Pictures that are decoded at a time. */
const AT_ONCE = 32;

/** Judged prompts that come from captions, and the pictures that were passed over. */
export interface JudgedCaptions extends JudgedPrompts {
  /** Pictures that can't be decoded. */
  readonly skipped: number;
}

/**
 * The captions of a source as prompts, each of which asks for its own picture. The source's pictures
 * are the gallery. Pictures that share a caption, or are joined by several such, count as one
 * concept, since a drawing of the caption may be either. Pictures without a caption are in the
 * gallery alone. Throws DataError if no picture that can be decoded has a caption.
 */
export async function judgedCaptions(
  source: PictureSource,
  { fit = defaultPictureShape.fit }: { readonly fit?: PictureShape['fit'] | undefined } = {},
): Promise<JudgedCaptions> {
  const features = new Map<string, Float32Array>();
  const asked: { readonly prompt: string; readonly file: string }[] = [];
  const groups = new Groups();
  let skipped = 0;
  const batches = decodeBatches(source.read(), {
    batchSize: AT_ONCE,
    shape: { ...defaultPictureShape, size: FEATURE_SIDE, fit },
    onSkip: () => skipped++,
  });
  for await (const { pictures, pixels } of batches)
    for (const [i, { file, captions }] of pictures.entries()) {
      const bytes = FEATURE_SIDE * FEATURE_SIDE * 3;
      features.set(file, pictureFeatures(pixels.subarray(i * bytes, (i + 1) * bytes), FEATURE_SIDE));
      for (const caption of new Set(captions)) {
        if (caption === '') continue;
        asked.push({ prompt: caption, file });
        groups.join(`file ${file}`, `caption ${caption}`);
      }
    }
  if (asked.length === 0)
    throw new DataError(`${source.description}: no caption in it belongs to a picture that can be decoded.`);
  const concept = (file: string) => groups.of(`file ${file}`);
  const once = new Map(asked.map((wish) => [wish.prompt, wish]));
  const prompts: JudgedPrompt[] = [...once.values()].map((wish) => ({
    ...wish,
    concept: concept(wish.file),
  }));
  const gallery = new Map<string, GalleryPicture>();
  for (const [file, found] of features) gallery.set(file, { concept: concept(file), features: found });
  return { name: 'captions', prompts, gallery, skipped };
}

/** Names that are joined to groups, each known by one of its names. */
class Groups {
  private readonly parents = new Map<string, string>();

  of(name: string): string {
    const parent = this.parents.get(name);
    return parent === undefined ? name : this.of(parent);
  }

  join(a: string, b: string): void {
    const [one, other] = [this.of(a), this.of(b)];
    if (one !== other) this.parents.set(other, one);
  }
}
