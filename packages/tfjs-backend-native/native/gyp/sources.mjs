// Lists C++ sources for binding.gyp, one path a line: `node sources.mjs
// serial|avx2|avx512|neon|portable`. A CPU target's sources are native/kernels/<family>/<target>.cc
// (amx.cc is compiled as avx512.cc, its functions ask for the rest); portable are the families'
// other files, runtime and binding.
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';

const TARGETS = ['serial', 'avx2', 'avx512', 'neon'];
/** Files of a target that is compiled as another one. */
const AS = { amx: 'avx512' };
const native = join(import.meta.dirname, '..');

/** Paths of the .cc files of a folder of native/, relative to the package. */
function sourcesIn(folder) {
  return readdirSync(join(native, folder))
    .filter((file) => file.endsWith('.cc'))
    .sort()
    .map((file) => `native/${folder}/${file}`);
}

const wanted = process.argv[2];
const kernels = readdirSync(join(native, 'kernels'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)
  .sort()
  .flatMap((family) => sourcesIn(`kernels/${family}`));
function targetOf(path) {
  const name = basename(path, '.cc');
  return TARGETS.find((target) => target === (AS[name] ?? name));
}
const sources =
  wanted === 'portable'
    ? [...kernels.filter((path) => !targetOf(path)), ...sourcesIn('runtime'), ...sourcesIn('binding')]
    : kernels.filter((path) => targetOf(path) === wanted);
console.log(sources.join('\n'));
