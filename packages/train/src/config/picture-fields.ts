import { ConfigError } from '@easel/core';
import { type Field, integer, list, oneOf, optional, real, section, text } from '@easel/core/config';
import { ORIGINAL_PREPARATIONS } from '../original/picture-preparation.js';
import type { SourceSettings } from '../sources/open-pictures.js';

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
  weight: optional(real({ above: 0 })),
};

/**
 * One source of pictures by its path, or with more settings; or a list of such, which are mixed.
 */
export const pictureSources: Field<readonly SourceSettings[]> = (value, at) => {
  const one: Field<SourceSettings> = (item, place) => {
    const { weight, ...rest } = section(sourceFields)(
      typeof item === 'string' ? { path: item } : item,
      place,
    );
    return { ...rest, ...(weight !== null && { weight }) };
  };
  const single = (typeof value === 'string' && value !== '') || (typeof value === 'object' && value !== null);
  if (!single || (Array.isArray(value) && value.length === 0))
    throw new ConfigError(
      `${at}: expected the path of pictures, an object with "path", or a list of such, ${value === undefined ? 'it is missing' : `got ${JSON.stringify(value)}`}.`,
    );
  return Array.isArray(value) ? list(one, [])(value, at) : [one(value, at)];
};

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
