// Writes manifest.json into a model's folder, so that damage of its files is found: node
// data/models/manifest.mjs FOLDER. Files for settings that a user may change are left out. Of a
// folder in data/models it also says how damaged files are restored. What makes the folder a package
// is not the model's.
import { readdirSync, writeFileSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { MANIFEST_FILE, makeManifest, manifestToJson } from '@easel/core';
import { folderFiles } from '@easel/core/node';

const root = join(import.meta.dirname, '..', '..');
const leftOut = [MANIFEST_FILE, 'generation.json', 'package.json', 'README.md', 'LICENSE'];

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error('node data/models/manifest.mjs FOLDER');
  process.exitCode = 1;
} else {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((name) => !leftOut.includes(name))
    .sort();
  const path = relative(root, resolve(folder)).split(sep).join('/');
  const restore = path.startsWith('data/models/')
    ? `git checkout -- ${path} (from npm: remove the folder and run npm install; in a copy without git, get Easel again)`
    : null;
  const manifest = await makeManifest(folderFiles(folder), names, restore);
  writeFileSync(join(folder, MANIFEST_FILE), `${JSON.stringify(manifestToJson(manifest), null, 1)}\n`);
  console.log(`${names.length} files`);
}
