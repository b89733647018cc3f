import { existsSync } from 'node:fs';

/**
 * Loads the functions of a family's kinds by name, from its files of these names. A later file's
 * function replaces an earlier one's.
 */
export async function kindsOf(family, files) {
  const found = {};
  for (const file of files) {
    const url = new URL(`families/${family}/${file}`, import.meta.url);
    if (existsSync(url)) Object.assign(found, (await import(url.href)).kinds);
  }
  return found;
}
