import { isUtf8 } from 'node:buffer';

const decoder = new TextDecoder();

/**
 * Returns a file's name as text. A name in UTF-8 is decoded. In any other name `\xE9` stands for a
 * byte beyond ASCII, so that different names stay different.
 */
export function nameOfBytes(bytes: Uint8Array): string {
  if (isUtf8(bytes)) return decoder.decode(bytes);
  return Array.from(bytes, (byte) =>
    byte < 0x80 ? String.fromCharCode(byte) : `\\x${byte.toString(16).toUpperCase()}`,
  ).join('');
}

/**
 * Returns names of files for reports and encoded sets. A name is the last parts of its path, as
 * many as it takes to tell the files apart.
 */
export function distinctNames(paths: readonly string[]): string[] {
  const parts = paths.map((path) => path.split(/[\\/]+/).filter((part) => part !== '' && part !== '.'));
  const most = parts.reduce((longest, { length }) => Math.max(longest, length), 1);
  const last = (count: number) => parts.map((all) => all.slice(-count).join('/'));
  for (let count = 1; count < most; count++) {
    const names = last(count);
    if (new Set(names).size === new Set(paths).size) return names;
  }
  return last(most);
}
