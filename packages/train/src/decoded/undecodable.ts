import { foreignKindOf } from '../sources/foreign-file.js';
import { PictureError } from '../sources/picture-source.js';

/**
 * The PictureError of a picture that a decoder refuses. It says what else the content is, if that
 * is known.
 */
export function undecodable(path: string, error: unknown, content: Uint8Array | undefined): PictureError {
  const foreign = content && foreignKindOf(content);
  const reason =
    foreign ??
    (content?.length === 0
      ? 'its file is empty'
      : `can't be decoded (${(error as Error).message.split('\n')[0]})`);
  return new PictureError('undecodable', `Picture ${path}: ${reason}.`);
}
