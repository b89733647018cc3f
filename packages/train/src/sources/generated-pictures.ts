import { type OpenableModule, openModule } from './open-module.js';
import { type CaptionedPicture, PictureError, type PictureSource, type ReadRange } from './picture-source.js';

/** A picture that a generator makes when its bytes are asked for. */
export interface GeneratedPicture {
  /** Its name in reports and encoded sets: relative, '/' between folders. */
  readonly file: string;
  readonly captions: readonly string[];
  /** Returns the content of a picture file, such as a PNG. */
  bytes(): Promise<Uint8Array>;
}

/** A generator that is open. */
export interface PictureGenerator {
  /** Number of pictures. */
  readonly length: number;
  /** Changes whenever a picture or caption does. */
  readonly digest: string;
  /** Returns picture `n`, 0 ≤ n < length: the same each time, whatever else was asked for. */
  picture(n: number): GeneratedPicture;
}

/** What a module exports that makes pictures. */
export type GeneratorModule = OpenableModule<PictureGenerator>;

/**
 * Opens a module that makes pictures as a source: `scenes.mjs?seed=1&count=1000`. The module is
 * imported, so that its code runs. Pictures are made when they are read, from any number on. Throws
 * DataError for a module that can't be imported or is none of pictures; ConfigError for settings
 * that it doesn't have or that can't be.
 */
export async function openGenerator(path: string): Promise<PictureSource> {
  const where = `Pictures ${path}`;
  const generator = await openModule<PictureGenerator>(path, where, 'Pictures from a program');
  return {
    description: path,
    length: generator.length,
    digest: generator.digest,
    leftOut: [],
    read: (range) => generated(generator, path, range),
    async close() {},
  };
}

async function* generated(
  generator: PictureGenerator,
  path: string,
  { from = 0, to = generator.length, captions = true }: ReadRange = {},
): AsyncGenerator<CaptionedPicture> {
  for (let n = from; n < Math.min(to, generator.length); n++) {
    const picture = generator.picture(n);
    const place = `${path}, picture ${n}`;
    yield {
      file: picture.file,
      path: place,
      captions: captions ? picture.captions : [],
      async bytes() {
        try {
          return await picture.bytes();
        } catch (error) {
          throw new PictureError('unreadable', `${place}: ${(error as Error).message}`, { cause: error });
        }
      },
    };
  }
}
