// Builds the addon over the MPI library that mpicc compiles for, offline. It never fails an install:
// without mpicc everything but runs of several processes works. `node install.mjs` builds it later,
// or again; MPICC names another compiler wrapper, such as mpicc.mpich.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const packageDir = import.meta.dirname;
const build = join(packageDir, 'build');
const addon = join(build, 'easel_mpi.node');
const stamp = join(build, 'sources.sha256');
const wrapper = process.env.MPICC ?? 'mpicc';

const run = (command, args, env = {}) =>
  spawnSync(command, args, { encoding: 'utf8', env: { ...process.env, ...env } });

/** The C++ sources, and a digest of all that the addon is made of. */
function sources() {
  const folder = join(packageDir, 'native');
  const files = readdirSync(folder).sort();
  const hash = createHash('sha256').update(run(wrapper, ['-show']).stdout);
  for (const file of files) hash.update(readFileSync(join(folder, file)));
  const units = files.filter((file) => file.endsWith('.cc')).map((file) => join(folder, file));
  return { units, digest: hash.digest('hex') };
}

function main() {
  if (process.platform === 'win32') return 'not built: Windows is not supported';
  if (run(wrapper, ['-show']).status !== 0)
    return (
      `not built, since there is no ${wrapper}: one process trains as before. For runs of several, install MPI ` +
      `(Debian: apt install openmpi-bin libopenmpi-dev; macOS: brew install open-mpi), then run: node ${join(packageDir, 'install.mjs')}`
    );
  const { units, digest } = sources();
  if (existsSync(addon) && existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return 'up to date';
  const { include_dir: include } = createRequire(import.meta.url)('node-api-headers');
  mkdirSync(build, { recursive: true });
  // The wrappers compile C; both take another compiler, which keeps their flags for the C library.
  const compiler = process.env.CXX ?? 'c++';
  const flags = ['-std=c++17', '-O3', '-fPIC', '-fvisibility=hidden', '-Wall', '-Wextra', '-pthread'];
  const shared = process.platform === 'darwin' ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared'];
  const fresh = `${addon}.${process.pid}`;
  const { status, error, stderr } = run(
    wrapper,
    [...flags, ...shared, '-DNAPI_VERSION=8', `-I${include}`, ...units, '-o', fresh],
    { OMPI_CC: compiler, MPICH_CC: compiler },
  );
  if (status !== 0)
    return `could not be built: ${error?.message ?? stderr.split('\n').slice(0, 12).join('\n  ')}`;
  renameSync(fresh, addon);
  writeFileSync(stamp, digest);
  return 'built';
}

let outcome;
try {
  outcome = main();
} catch (error) {
  outcome = `could not be built: ${error instanceof Error ? error.message : error}`;
}
console.log(`@easel/mpi: ${outcome}`);
