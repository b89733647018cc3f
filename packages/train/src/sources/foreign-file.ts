/**
 * Some files are not what their names say. This file tells by their first bytes what they are, and
 * says what the user can do.
 */

const SIGNATURES: readonly (readonly [signature: string, said: string])[] = [
  [
    'version https://git-lfs.github.com/spec/',
    'it is a Git LFS pointer and not the file itself. Fetch the file: git lfs pull',
  ],
  ['\x1f\x8b', 'it is compressed with gzip. Unpack it first'],
  ['\x28\xb5\x2f\xfd', 'it is compressed with zstd. Unpack it first'],
  ['BZh91AY&SY', 'it is compressed with bzip2. Unpack it first'],
  ['\xfd7zXZ\x00', 'it is compressed with xz. Unpack it first'],
  ['\x04\x22\x4d\x18', 'it is compressed with lz4. Unpack it first'],
  ['PK\x03\x04', 'it is a zip archive. Unpack it first'],
  ['Rar!\x1a\x07', 'it is a RAR archive. Unpack it first'],
  ['7z\xbc\xaf\x27\x1c', 'it is a 7-Zip archive. Unpack it first'],
  ['\xff\xfe', 'it is text in UTF-16. Save it as UTF-8'],
  ['\xfe\xff', 'it is text in UTF-16. Save it as UTF-8'],
];

/** Number of bytes at a file's start that `foreignKindOf` looks at. */
export const SIGNATURE_BYTES = 512;

/**
 * Says what a file is by its first bytes, e.g. "it is compressed with gzip. Unpack it first". The
 * last full stop is left to the caller. Returns undefined for bytes that aren't known here.
 */
export function foreignKindOf(head: Uint8Array): string | undefined {
  const start = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, SIGNATURE_BYTES)).toString(
    'latin1',
  );
  const found = SIGNATURES.find(([signature]) => start.startsWith(signature));
  if (found !== undefined) return found[1];
  if (/^\s*<(!doctype html|html)/i.test(start))
    return 'it is a web page, as servers send in place of a file. Fetch it again';
  return undefined;
}
