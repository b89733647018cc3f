import { existsSync } from 'node:fs';

/**
 * What a family's kinds do, by name: of its files of these names, a later one's in place of an
 * earlier one's.
 */
export async function kindsOf(family, files) {
  const found = {};
  for (const file of files) {
    const url = new URL(`families/${family}/${file}`, import.meta.url);
    if (existsSync(url)) Object.assign(found, (await import(url.href)).kinds);
  }
  return found;
}
