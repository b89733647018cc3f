import { type CaptionedPicture, PictureError, type SkippedPicture } from '../sources/picture-source.js';
import { type CropPlace, cropPlace, decodePicture, type PictureShape } from './decode-picture.js';

/** Pictures and their pixels. */
export interface PictureBatch<P> {
  readonly pictures: P[];
  /** uint8 [pictures.length, size, size, 3] */
  readonly pixels: Uint8Array;
  /**
   * Number of pictures that were taken from the source for the batch. Those that were passed over
   * are included.
   */
  readonly taken: number;
}

/** How pictures are made into batches. */
export interface BatchOptions<P> {
  readonly batchSize: number;
  readonly shape: PictureShape;
  readonly onSkip: (skipped: SkippedPicture) => void;
  /** Says where a picture is cut. By default the shape and the picture's name say it. */
  readonly place?: (picture: P) => CropPlace | undefined;
}

/** The parts of a picture that decoding needs. */
export type DecodablePicture = Pick<CaptionedPicture, 'file' | 'path' | 'bytes' | 'problem'> &
  Partial<Pick<CaptionedPicture, 'captions'>>;

/** Pictures whose bytes were read and whose decoding is under way. */
interface Started<P> {
  readonly wanted: readonly P[];
  readonly decoding: Promise<(Uint8Array | PictureError)[]>;
}

/**
 * Reads and decodes pictures a batch at a time. Before a batch is yielded, the bytes of the next
 * one have been read and its decoding has begun on other threads. The decoding goes on while the
 * caller computes, even if the caller leaves the event loop no time. Pictures that can't be read or
 * decoded go to `onSkip` and are left out, so a batch may be smaller. A batch without any picture
 * is still yielded.
 */
export async function* decodeBatches<P extends DecodablePicture>(
  pictures: AsyncIterable<P> | Iterable<P>,
  { batchSize, shape, onSkip, place = ({ file }) => cropPlace(shape, file) }: BatchOptions<P>,
): AsyncGenerator<PictureBatch<P>> {
  const source = iteratorOf(pictures);
  const pictureBytes = shape.size * shape.size * 3;

  const start = async (): Promise<Started<P> | undefined> => {
    const wanted: P[] = [];
    while (wanted.length < batchSize) {
      const { value, done } = await source.next();
      if (done) break;
      wanted.push(value);
    }
    if (wanted.length === 0) return undefined;
    const contents = await Promise.all(
      wanted.map(({ problem, bytes }) => problem ?? orPictureError(bytes())),
    );
    const decoding = Promise.all(
      contents.map((content, i) => {
        if (content instanceof PictureError) return content;
        const picture = wanted[i] as P;
        return orPictureError(decodePicture(picture.path, shape, content, place(picture)));
      }),
    );
    decoding.catch(() => {}); // reported when awaited; not as unhandled if the caller stops before
    return { wanted, decoding };
  };

  let next = start();
  next.catch(() => {});
  try {
    for (;;) {
      const current = await next;
      if (current === undefined) return;
      next = start();
      next.catch(() => {});
      const decoded = await current.decoding;
      const kept: P[] = [];
      const pixels = new Uint8Array(current.wanted.length * pictureBytes);
      for (const [i, result] of decoded.entries()) {
        const picture = current.wanted[i] as P;
        if (result instanceof PictureError) {
          const captions = picture.captions?.length ?? 0;
          onSkip({
            file: picture.file,
            kind: result.kind,
            reason: result.message,
            ...(captions > 0 && { captions }),
          });
          continue;
        }
        pixels.set(result, kept.length * pictureBytes);
        kept.push(picture);
      }
      await next.catch(() => {}); // what went wrong there is for the next turn
      yield {
        pictures: kept,
        pixels: pixels.subarray(0, kept.length * pictureBytes),
        taken: current.wanted.length,
      };
    }
  } finally {
    await next.catch(() => {});
    await source.return?.(undefined);
  }
}

function iteratorOf<P>(pictures: AsyncIterable<P> | Iterable<P>): AsyncIterator<P> | Iterator<P> {
  return Symbol.asyncIterator in pictures ? pictures[Symbol.asyncIterator]() : pictures[Symbol.iterator]();
}

async function orPictureError<T>(work: Promise<T>): Promise<T | PictureError> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof PictureError) return error;
    throw error;
  }
}
