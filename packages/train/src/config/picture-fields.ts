import { type Field, integer, oneOf, optional, real, text } from '@easel/core/config';
import { ORIGINAL_PREPARATIONS } from '../original/picture-preparation.js';
import type { SourceSettings } from '../sources/open-pictures.js';
import { sourcesField, sourceWeight } from './sources-field.js';

const sourceFields = {
  /** A folder of pictures, tar shards or parquet files, with braces as a shell has them. */
  path: text(),
  /** Caption list of a picture folder. */
  captions: optional(text()),
  /**
   * Column of parquet files that holds the picture files' bytes; null: the first of the usual
   * names.
   */
  imageColumn: optional(text()),
  /** Column that holds the captions; null: the first of the usual names. */
  captionColumn: optional(text()),
  /**
   * Of several sources, pictures come from each in proportion to this; null for all: each picture
   * comes as often as any other.
   */
  weight: sourceWeight,
};

/**
 * One source of pictures by its path, or with more settings; or a list of such, which are mixed.
 */
export const pictureSources: Field<readonly SourceSettings[]> = sourcesField(sourceFields, 'pictures');

/** How pictures become squares, and which are passed over. */
export const pictureShapeFields = {
  /**
   * 'cover': a square of a picture; 'contain': the whole picture, with background beside it; or as
   * an original program cut it.
   */
  fit: oneOf(['cover', 'contain', ...ORIGINAL_PREPARATIONS]),
  /**
   * With 'cover': the square in the middle; or one by chance, another each time if pictures are
   * streamed.
   */
  crop: oneOf(['centre', 'random']),
  /** CSS colour under transparent pixels. */
  background: text({ default: '#ffffff' }),
  /** Pictures whose shorter side has fewer pixels are left out; 0: none. */
  minSide: integer({ min: 0, default: 0 }),
  /**
   * Pictures whose longer side is more than so many times the shorter one are left out; 0: none.
   */
  maxAspect: real({ min: 0, default: 0 }),
};
