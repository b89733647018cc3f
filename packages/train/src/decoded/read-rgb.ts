import { open } from 'node:fs/promises';
import type { Raster } from '@easel/core';
import sharp, { type Metadata, type Sharp } from 'sharp';
import { undecodable } from './undecodable.js';

/**
 * Returns the RGB bytes of a picture file as they are stored. Alpha is dropped and not blended.
 * EXIF orientation and colour profiles are ignored. Grey and palettes become RGB. Inks (CMYK) and
 * grey of 16 bits become what Pillow makes of them. All this is Pillow's `convert("RGB")`, which
 * the original programs use. Throws PictureError, naming the file, for a file that can't be
 * decoded.
 */
export async function readRgb(path: string, content?: Uint8Array): Promise<Raster> {
  try {
    const picture = sharp(content ?? path, { failOn: 'error', ignoreIcc: true });
    const metadata = await picture.metadata();
    if (metadata.space === 'cmyk') return await readInks(picture, metadata);
    if (metadata.space === 'grey16' && !(await hasGreyAlpha(metadata, content ?? path)))
      return await readGrey16(picture);
    const { data, info } = await picture
      .removeAlpha()
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new Error(`decoded to ${info.channels} channels`);
    return { data, width: info.width, height: info.height, channels: 3 };
  } catch (error) {
    throw undecodable(path, error, content);
  }
}

/**
 * Reads cyan, magenta, yellow and black, where 255 is all ink. libvips would show these inks as a
 * press does. Pillow takes from the light that black leaves the share of each ink. Of 16 bits it
 * takes the high byte. Source: Pillow `src/libImaging/Convert.c` cmyk2rgb, `ImagingUtils.h`
 * MULDIV255.
 */
async function readInks(picture: Sharp, { depth }: Metadata): Promise<Raster> {
  const wide = depth === 'ushort';
  const { data, info } = await picture
    .pipelineColourspace('cmyk')
    .toColourspace('cmyk')
    .raw({ depth: wide ? 'ushort' : 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const inks = wide ? highBytes(data) : data;
  const rgb = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < rgb.length; from += channels) {
    const light = 255 - (inks[from + 3] as number);
    for (let ink = 0; ink < 3; ink++)
      rgb[to++] = Math.max(0, light - share(inks[from + ink] as number, light));
  }
  return { data: rgb, width, height, channels: 3 };
}

/** a·b / 255, rounded as Pillow does. */
function share(a: number, b: number): number {
  const product = a * b + 128;
  return ((product >> 8) + product) >> 8;
}

function highBytes(words: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: words.length / 2 }, (_, i) => words[2 * i + 1] as number);
}

/** Reads grey as Pillow's mode I;16 gives it: values beyond 255 are white. */
async function readGrey16(picture: Sharp): Promise<Raster> {
  const { data, info } = await picture
    .removeAlpha()
    .toColourspace('grey16')
    .raw({ depth: 'ushort' })
    .toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++)
    rgb.fill(data[2 * i + 1] === 0 ? (data[2 * i] as number) : 255, 3 * i, 3 * i + 3);
  return { data: rgb, width, height, channels: 3 };
}

/** Byte of a PNG file that tells its colour type, and the type of grey with alpha. */
const PNG_COLOUR_TYPE = 25;
const GREY_WITH_ALPHA = 4;

/**
 * Whether a PNG of 16-bit grey has an alpha channel. Pillow reads such a file as RGBA. A file in
 * which one shade is declared transparent has no alpha channel.
 */
async function hasGreyAlpha({ channels, format }: Metadata, source: string | Uint8Array): Promise<boolean> {
  if (channels === 1 || format !== 'png') return false;
  if (typeof source !== 'string') return source[PNG_COLOUR_TYPE] === GREY_WITH_ALPHA;
  const file = await open(source);
  try {
    const { buffer } = await file.read(new Uint8Array(1), 0, 1, PNG_COLOUR_TYPE);
    return buffer[0] === GREY_WITH_ALPHA;
  } finally {
    await file.close();
  }
}
