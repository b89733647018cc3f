/**
 * What a file turns out to be that isn't what its name says, by its first bytes, and what to do
 * about it.
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

/** Bytes that tell what a file is. */
export const SIGNATURE_BYTES = 512;

/**
 * What a file is by its first bytes: a sentence without its full stop, as "it is compressed with
 * gzip. Unpack it first"; undefined if they are none of those that are known.
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
