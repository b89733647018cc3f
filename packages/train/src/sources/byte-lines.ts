import { type FileHandle, open } from 'node:fs/promises';
import { DataError } from '@easel/core';

/** Bytes read at a time. */
const PIECE_BYTES = 1 << 16;

/** The longest line, in bytes. A file with a longer one is no text file. */
const MAX_LINE_BYTES = 1 << 26;

const NEWLINE = 0x0a;

/**
 * Yields the lines of a file as bytes, without their line feeds, from byte `start` on. The lines
 * are bytes and not text for two reasons: the reader checks a line's encoding, and Node's readline
 * takes U+2028 inside a caption for a line's end. A handle that the caller gives stays open. Throws
 * DataError for a line longer than 64 MiB, and whatever the file system throws.
 */
export async function* fileLines(from: string | FileHandle, start = 0): AsyncGenerator<Buffer> {
  const file = typeof from === 'string' ? await open(from) : from;
  try {
    let rest: Buffer[] = [];
    let restBytes = 0;
    for (let at = start; ; ) {
      const piece = Buffer.allocUnsafe(PIECE_BYTES);
      const { bytesRead } = await file.read(piece, 0, PIECE_BYTES, at);
      if (bytesRead === 0) break;
      at += bytesRead;
      let begin = 0;
      for (
        let end = piece.indexOf(NEWLINE);
        end >= 0 && end < bytesRead;
        end = piece.indexOf(NEWLINE, begin)
      ) {
        const line = piece.subarray(begin, end);
        yield restBytes === 0 ? line : Buffer.concat([...rest, line]);
        rest = [];
        restBytes = 0;
        begin = end + 1;
      }
      if (begin < bytesRead) rest.push(piece.subarray(begin, bytesRead));
      restBytes += bytesRead - begin;
      if (restBytes > MAX_LINE_BYTES)
        throw new DataError(
          `a line of more than ${MAX_LINE_BYTES} bytes before byte ${at}. Is it a text file?`,
        );
    }
    if (restBytes > 0) yield Buffer.concat(rest);
  } finally {
    if (typeof from === 'string') await file.close();
  }
}
