// Lists C++ sources for binding.gyp, one path a line:
//
//   node sources.mjs serial|avx2|avx512|neon|portable
//
// The sources of a CPU target are native/kernels/<family>/<target>.cc. amx.cc is compiled as
// avx512.cc is; its functions ask for the rest by attribute. `portable` lists the families' other
// files, runtime and binding.
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';

const TARGETS = ['serial', 'avx2', 'avx512', 'neon'];
/** Targets whose files are compiled as another target's. */
const AS = { amx: 'avx512' };
const native = join(import.meta.dirname, '..');

/** The paths of the .cc files of a folder of native/, relative to the package. */
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
