import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { DataError } from '@easel/core';

/** Returns the length in bytes of the longest valid beginning of `bytes`. */
function validUtf8Bytes(bytes: Uint8Array): number {
  let valid = 0;
  let invalid = bytes.length + 1;
  while (invalid - valid > 1) {
    const middle = (valid + invalid) >> 1;
    try {
      // In a stream, a sequence that is cut off at the end is not yet an error.
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, middle), { stream: true });
      valid = middle;
    } catch {
      invalid = middle;
    }
  }
  return valid;
}

/**
 * Reads the lines of a UTF-8 file that are not blank, trimmed. The path `-` stands for stdin.
 * Throws DataError, with line and byte, if it is not valid UTF-8.
 */
export async function readLines(path: string): Promise<string[]> {
  const bytes = path === '-' ? await buffer(process.stdin) : await readFile(path);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    const place = validUtf8Bytes(bytes);
    const line = bytes.subarray(0, place).toString('latin1').split('\n').length;
    throw new DataError(
      `${path}: line ${line} is not valid UTF-8 (near byte ${place} of the file). Save the file as UTF-8.`,
    );
  }
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
