/** Characters that are kept, at most. */
const LONGEST = 60;

/**
 * The words of a prompt as a part of a file's name: lower-case letters and digits of any script,
 * joined by hyphens. Empty if there is none.
 */
export function promptSlug(prompt: string): string {
  const words =
    prompt
      .normalize('NFC')
      .toLowerCase()
      .match(/[\p{L}\p{N}][\p{L}\p{N}\p{M}]*/gu) ?? [];
  return [...words.join('-')].slice(0, LONGEST).join('').replace(/-$/, '');
}
