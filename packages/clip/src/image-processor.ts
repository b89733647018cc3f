import {
  crop,
  DataError,
  type PictureSize,
  type Raster,
  RESIZE_FILTERS,
  type ResizeFilter,
  resize,
} from '@easel/core';
import {
  anything,
  type Field,
  flag,
  mismatch,
  optional,
  readSettings,
  real,
  section,
  snakeCase,
} from '@easel/core/config';

/**
 * The steps that turn pictures into pixels for the image tower. A step that is undefined is left
 * out.
 */
export interface ImageProcessorConfig {
  /**
   * The size after resizing. With `shortestEdge` the short side gets that length, and the long side
   * follows in proportion, truncated. Otherwise both sides are given.
   */
  readonly resizeTo: { readonly shortestEdge: number } | PictureSize | undefined;
  readonly filter: ResizeFilter;
  /** The size of the centre cut. Where the picture is smaller, it is padded with black. */
  readonly cropTo: PictureSize | undefined;
  /** Factor by which bytes are multiplied, as 1/255 for [0, 1]. */
  readonly rescale: number | undefined;
  /** (x − mean) / std, for each channel. */
  readonly normalize: { readonly mean: readonly number[]; readonly std: readonly number[] } | undefined;
}

const STANDARD_FILTER: ResizeFilter = 'bicubic';
const STANDARD_MEAN: readonly number[] = [0.48145466, 0.4578275, 0.40821073];
const STANDARD_STD: readonly number[] = [0.26862954, 0.26130258, 0.27577711];

/** Returns the steps with which OpenAI's models were trained, for a picture of `side` pixels. */
export function defaultImageProcessor(side = 224): ImageProcessorConfig {
  return {
    resizeTo: { shortestEdge: side },
    filter: STANDARD_FILTER,
    cropTo: { height: side, width: side },
    rescale: 1 / 255,
    normalize: { mean: STANDARD_MEAN, std: STANDARD_STD },
  };
}

/**
 * Keys that do not change the steps. Conversion to RGB always takes place, because the towers take
 * nothing else.
 */
const IGNORED_SETTINGS: ReadonlySet<string> = new Set(
  `feature_extractor_type image_processor_type processor_class do_convert_rgb data_format input_data_format default_to_square device
  return_tensors _valid_processor_keys disable_grouping do_pad pad_size`.split(/\s+/),
);

const isSide = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 1;

function bothSides(value: unknown): PictureSize | undefined {
  const { height, width } = (value ?? {}) as { height?: unknown; width?: unknown };
  return isSide(height) && isSide(width) ? { height, width } : undefined;
}

/**
 * Reads a size: a number of pixels stands for both sides, `{"height": …, "width": …}` gives each
 * side.
 */
const size: Field<PictureSize> = (value, at) => {
  const found = isSide(value) ? { height: value, width: value } : bothSides(value);
  if (found === undefined)
    throw mismatch(at, 'a number of pixels from 1 or {"height": …, "width": …}', value);
  return found;
};

/**
 * Reads a size to resize to: a number of pixels or `{"shortest_edge": …}` gives the short side,
 * `{"height": …, "width": …}` both sides.
 */
const resizing: Field<NonNullable<ImageProcessorConfig['resizeTo']>> = (value, at) => {
  const { shortest_edge: edge = value } = (value ?? {}) as { shortest_edge?: unknown };
  const found = isSide(edge) ? { shortestEdge: edge } : bothSides(value);
  if (found === undefined)
    throw mismatch(at, 'a number of pixels from 1, {"shortest_edge": …} or {"height": …, "width": …}', value);
  return found;
};

/** Reads a filter by Pillow's number. */
const filter: Field<ResizeFilter> = (value, at) => {
  if (value === undefined || value === null) return STANDARD_FILTER;
  const found = RESIZE_FILTERS[value as number];
  if (found === undefined) throw mismatch(at, `a filter of Pillow, 0 to ${RESIZE_FILTERS.length - 1}`, value);
  return found;
};

/** Reads a number for each channel, or one number for all three. */
const channels: Field<readonly number[]> = (value, at) => {
  const each = typeof value === 'number' ? [value, value, value] : value;
  if (Array.isArray(each) && each.length === 3 && each.every(Number.isFinite)) return each as number[];
  throw mismatch(at, 'three numbers', value);
};

const deviations: Field<readonly number[]> = (value, at) => {
  const found = channels(value, at);
  if (found.includes(0)) throw mismatch(at, 'three numbers without 0', value);
  return found;
};

const read = section(
  {
    doResize: flag(true),
    size: optional(anything),
    resample: filter,
    doCenterCrop: flag(true),
    cropSize: optional(anything),
    doRescale: flag(true),
    rescaleFactor: real({ above: 0, default: 1 / 255 }),
    doNormalize: flag(true),
    imageMean: optional(channels),
    imageStd: optional(deviations),
  },
  { nameOf: snakeCase, ignored: IGNORED_SETTINGS },
);

/**
 * Parses the content of a preprocessor_config.json of CLIP, in the form of any transformers
 * version.
 *
 * Throws ConfigError for an unknown setting or a value of the wrong kind. `file` is named in
 * messages.
 */
export function parseImageProcessor(json: unknown, file = 'preprocessor_config.json'): ImageProcessorConfig {
  const found = readSettings(read, json, file);
  return {
    resizeTo: found.doResize ? resizing(found.size ?? 224, `${file}: size`) : undefined,
    filter: found.resample,
    cropTo: found.doCenterCrop ? size(found.cropSize ?? 224, `${file}: crop_size`) : undefined,
    rescale: found.doRescale ? found.rescaleFactor : undefined,
    normalize: found.doNormalize
      ? { mean: found.imageMean ?? STANDARD_MEAN, std: found.imageStd ?? STANDARD_STD }
      : undefined,
  };
}

/**
 * Returns the content of a preprocessor_config.json. parseImageProcessor reads it back to an equal
 * config, and transformers to an equal processor.
 */
export function imageProcessorToJson(config: ImageProcessorConfig): Record<string, unknown> {
  const { resizeTo, filter, cropTo, rescale, normalize } = config;
  const size =
    resizeTo !== undefined && 'shortestEdge' in resizeTo
      ? { shortest_edge: resizeTo.shortestEdge }
      : resizeTo;
  return {
    image_processor_type: 'CLIPImageProcessor',
    do_convert_rgb: true,
    do_resize: resizeTo !== undefined,
    ...(size && { size }),
    resample: RESIZE_FILTERS.indexOf(filter),
    do_center_crop: cropTo !== undefined,
    ...(cropTo && { crop_size: cropTo }),
    do_rescale: rescale !== undefined,
    ...(rescale !== undefined && { rescale_factor: rescale }),
    do_normalize: normalize !== undefined,
    ...(normalize && { image_mean: normalize.mean, image_std: normalize.std }),
  };
}

/**
 * Turns a picture into pixels for the image tower: RGB → resize → centre cut → times `rescale` → (x
 * − mean) / std. The result is float32 [height, width, 3].
 *
 * `picture` holds bytes with 3 channels, 4 (alpha is dropped, not blended) or 1 (grey). Resized
 * bytes are equal to Pillow's. The arithmetic after that is NumPy's in transformers 4.25.1: the
 * product is computed in float64 and rounded to float32, the rest is computed in float32. Throws
 * DataError for another number of channels. Source: CLIPImageProcessor of transformers 4.25.1.
 */
export function processImage(picture: Raster, config: ImageProcessorConfig): Raster<Float32Array> {
  const { data, width, height } = cutImage(picture, config);
  const { rescale = 1, normalize } = config;
  const pixels = Float32Array.from(data, (byte) => byte * rescale);
  if (normalize !== undefined) {
    const mean = Float32Array.from(normalize.mean);
    const std = Float32Array.from(normalize.std);
    for (let i = 0; i < pixels.length; i++) {
      const centred = Math.fround((pixels[i] as number) - (mean[i % 3] as number));
      pixels[i] = centred / (std[i % 3] as number);
    }
  }
  return { data: pixels, width, height, channels: 3 };
}

/** Resizes and cuts a picture and returns its bytes. */
export function cutImage(picture: Raster, { resizeTo, filter, cropTo }: ImageProcessorConfig): Raster {
  let image = asRgb(picture);
  if (resizeTo !== undefined) image = resize(image, resizedSize(image, resizeTo), filter);
  if (cropTo === undefined) return image;
  const top = Math.floor((image.height - cropTo.height) / 2);
  const left = Math.floor((image.width - cropTo.width) / 2);
  return crop(image, { top, left, ...cropTo });
}

function resizedSize(picture: Raster, size: NonNullable<ImageProcessorConfig['resizeTo']>): PictureSize {
  if (!('shortestEdge' in size)) return size;
  const { width, height } = picture;
  const short = Math.min(width, height);
  const scaled = (side: number): number =>
    side === short ? size.shortestEdge : Math.trunc((size.shortestEdge * side) / short);
  return { height: scaled(height), width: scaled(width) };
}

function asRgb(picture: Raster): Raster {
  const { data, width, height, channels: count } = picture;
  if (count === 3) return picture;
  if (count !== 1 && count !== 4) {
    throw new DataError(`processImage: expected a picture with 1, 3 or 4 channels, got ${count}.`);
  }
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0; i < rgb.length; i++) {
    rgb[i] = data[Math.floor(i / 3) * count + (count === 1 ? 0 : i % 3)] as number;
  }
  return { data: rgb, width, height, channels: 3 };
}
