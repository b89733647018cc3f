// Copies the repository's configs into the package that npm packs in the current folder: node
// copy-configs.mjs FOLDER; --remove takes the copy away again, so that the repository has one of each.
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { remove: { type: 'boolean' } },
});
const [folder] = positionals;
rmSync(folder, { recursive: true, force: true });
// Recipes and experiments work on data of this repository and stay with it.
if (!values.remove)
  for (const kind of ['models', 'train'])
    cpSync(join(import.meta.dirname, '..', 'configs', kind), join(folder, kind), { recursive: true });
