import { crop, type Raster, resize, resizeBilinear } from '@easel/core';
import { roundHalfEven } from '@easel/core/internals';

/** Turns RGB bytes of any size into the square that an original program encoded. */
type Preparation = (picture: Raster, size: number) => Raster;

/** torchvision's CenterCrop: halves to the even offset, black where the picture is too small. */
function torchvisionCrop(picture: Raster, size: number): Raster {
  return crop(picture, {
    top: roundHalfEven((picture.height - size) / 2),
    left: roundHalfEven((picture.width - size) / 2),
    height: size,
    width: size,
  });
}

const PREPARATIONS = {
  /** DALL·E mini's notebooks of July 2021: Lanczos, the long side rounded. */
  'july-2021': (picture, size) => {
    const ratio = size / Math.min(picture.width, picture.height);
    const height = roundHalfEven(ratio * picture.height);
    const width = roundHalfEven(ratio * picture.width);
    return torchvisionCrop(resize(picture, { height, width }, 'lanczos'), size);
  },
  /** Its notebook of September 2021: Lanczos, the long side truncated. */
  'september-2021': (picture, size) => {
    const short = Math.min(picture.width, picture.height);
    const scaled = (side: number): number => (side === short ? size : Math.trunc((size * side) / short));
    const resized = { height: scaled(picture.height), width: scaled(picture.width) };
    return torchvisionCrop(resize(picture, resized, 'lanczos'), size);
  },
  /**
   * taming-transformers' own data: bilinear without a thought for aliasing, the long side rounded,
   * offsets rounded down.
   */
  taming: (picture, size) => {
    const ratio = size / Math.min(picture.width, picture.height);
    const height = roundHalfEven(picture.height * ratio);
    const width = roundHalfEven(picture.width * ratio);
    const resized = resizeBilinear(picture, { height, width });
    const [top, left] = [Math.floor((height - size) / 2), Math.floor((width - size) / 2)];
    return crop(resized, { top, left, height: size, width: size });
  },
} as const satisfies Record<string, Preparation>;

/** The original programs whose preparation Easel has, by program and date. */
export type OriginalPreparation = keyof typeof PREPARATIONS;

/** All names of OriginalPreparation. */
export const ORIGINAL_PREPARATIONS = Object.keys(PREPARATIONS) as readonly OriginalPreparation[];

/**
 * Prepares a picture as an original program did for its VQGAN: uint8 [size, size, 3], equal byte
 * for byte.
 *
 * `picture`: RGB bytes, alpha dropped and not blended. Values of [0, 1] are bytes / 255 in float32
 * (`fromBytes`); taming's own VQGANs work in [−1, 1], which a Vqgan's config says. Throws
 * ShapeError for an impossible size. Sources: borisdayma/dalle-mini `dev/encoding` (July),
 * `dev/notebooks` (September); taming-transformers `taming/data/base.py`, with albumentations
 * 1.3.1; Pillow, torchvision, OpenCV.
 */
export function prepareAsOriginal(picture: Raster, size: number, by: OriginalPreparation): Raster {
  return PREPARATIONS[by](picture, size);
}
