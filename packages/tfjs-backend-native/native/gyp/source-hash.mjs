// Says of which sources an addon was made: install.mjs stamps a build with it.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

/** A hash of everything that the addon in a package's folder is made of. native/test is no part of it. */
export function hashSources(packageDir) {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch} `);
  const native = join(packageDir, 'native');
  const files = readdirSync(native, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.md'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !relative(native, file).startsWith(`test${sep}`));
  for (const file of [join(packageDir, 'binding.gyp'), ...files].sort()) hash.update(readFileSync(file));
  return hash.digest('hex');
}
