import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';

/** What begins the name of a package that is a model: `@easel/model-emoji` is the model emoji. */
const MODEL_PACKAGES = '@easel/model-';

/** A name that npm allows, with or without a scope. It is never a path with `.`, `/` or `~` first. */
const PACKAGE_NAME = /^(@[a-z0-9-][a-z0-9-._]*\/)?[a-z0-9-][a-z0-9-._]*$/;

/**
 * Finds a model that npm has installed: `@scope/name` is the package of that name, and a name
 * without a scope the package `@easel/model-NAME`. It is looked for where Node looks for packages,
 * from each folder of `from` (default: the current one, then Easel's own). In a clone of Easel its
 * models are in data/models. Returns the model's folder, or undefined if there is none.
 */
export function findModelPackage(
  name: string,
  from: readonly string[] = [process.cwd(), import.meta.dirname],
): string | undefined {
  if (!PACKAGE_NAME.test(name)) return undefined;
  const packageName = name.startsWith('@') ? name : `${MODEL_PACKAGES}${name}`;
  for (const start of from) {
    const found = installed(packageName, start) ?? inClone(packageName, start);
    if (found !== undefined) return found;
  }
  return undefined;
}

function installed(packageName: string, from: string): string | undefined {
  try {
    const manifest = createRequire(resolve(from, 'x.js')).resolve(`${packageName}/package.json`);
    return existsSync(join(dirname(manifest), 'config.json')) ? dirname(manifest) : undefined;
  } catch {
    return undefined; // Node finds no such package
  }
}

/** A clone has its models whether npm has linked them as packages or not. */
function inClone(packageName: string, from: string): string | undefined {
  if (!packageName.startsWith(MODEL_PACKAGES)) return undefined;
  const inside = join('data', 'models', packageName.slice(MODEL_PACKAGES.length));
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    if (existsSync(join(folder, inside, 'config.json'))) return join(folder, inside);
    if (dirname(folder) === folder) return undefined;
  }
}
