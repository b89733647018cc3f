import { ORIGINAL_PREPARATIONS } from '../data/original-preparation.js';
import type { SourceSettings } from '../data/open-pictures.js';
import { choice, type Field, integer, list, optional, real, section, text } from './fields.js';

const sourceFields = {
  /** A folder of pictures, tar shards or parquet files, with braces as a shell has them. */
  path: text(),
  /** Caption list of a picture folder. */
  captions: optional(text()),
  /** Column of parquet files that holds the picture files' bytes; null: the first of the usual names. */
  imageColumn: optional(text()),
  /** Column that holds the captions; null: the first of the usual names. */
  captionColumn: optional(text()),
  /** Of several sources, pictures come from each in proportion to this. */
  weight: real({ above: 0, default: 1 }),
};

/** One source of pictures by its path, or with more settings; or a list of such, which are mixed. */
export const pictureSources: Field<readonly SourceSettings[]> = (value, at) => {
  const one: Field<SourceSettings> = (item, place) =>
    section(sourceFields)(typeof item === 'string' ? { path: item } : item, place);
  if (!Array.isArray(value)) return [one(value ?? text()(value, at), at)];
  const sources = list(one, [])(value, at);
  return sources.length > 0 ? sources : [one(text()(undefined, at), at)];
};

/** How pictures become squares, and which are passed over. */
export const pictureShapeFields = {
  /** 'cover': a square of a picture; 'contain': the whole picture, with background beside it; or as an original program cut it. */
  fit: choice(['cover', 'contain', ...ORIGINAL_PREPARATIONS]),
  /** With 'cover': the square in the middle; or one by chance, another each time if pictures are streamed. */
  crop: choice(['centre', 'random']),
  /** CSS colour under transparent pixels. */
  background: text({ default: '#ffffff' }),
  /** Pictures whose shorter side has fewer pixels are left out; 0: none. */
  minSide: integer({ min: 0, default: 0 }),
  /** Pictures whose longer side is more than so many times the shorter one are left out; 0: none. */
  maxAspect: real({ min: 0, default: 0 }),
};
