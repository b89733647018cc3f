// Compiles those of this package's C++ sources that have changed, without node-gyp. It serves
// builds that are no addons to install: sanitizers, and the kernels' own tests. The CPU targets'
// flags are those of binding.gyp.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { hashSources } from '../native/gyp/source-hash.mjs';

const packageDir = join(import.meta.dirname, '..');

const AVX2 = ['-mavx2', '-mfma', '-mf16c'];
const AVX512 = ['-mavx512f', '-mavx512bw', '-mavx512dq', '-mavx512vl', ...AVX2, '-mprefer-vector-width=512'];
/**
 * The CPU targets of each architecture, with the flags of their files. Other architectures have the
 * serial target alone.
 */
const TARGETS = { x64: { avx2: AVX2, avx512: AVX512 }, arm64: { neon: [] } };

/** The sources of the addon for an architecture: path in the package, flags of the CPU target. */
export function sourcesOf(arch) {
  return Object.entries({ portable: [], serial: [], ...TARGETS[arch] }).flatMap(([target, flags]) => {
    const { stdout } = spawnSync(process.execPath, [join('native', 'gyp', 'sources.mjs'), target], {
      cwd: packageDir,
      encoding: 'utf8',
    });
    return stdout
      .trim()
      .split('\n')
      .map((path) => ({ path, flags }));
  });
}

/**
 * The addon's own object of each of its sources, by path, if the addon in build/Release was made of
 * these very sources; otherwise empty. Its flags are those of binding.gyp with -O3.
 */
export function addonObjects() {
  const release = join(packageDir, 'build', 'Release');
  const stamp = join(release, 'sources.sha256');
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== hashSources(packageDir)) return new Map();
  const objects = join(release, 'obj.target');
  if (!existsSync(objects)) return new Map();
  return new Map(
    readdirSync(objects, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .flatMap(({ name: target }) =>
        readdirSync(join(objects, target), { recursive: true })
          .filter((file) => file.endsWith('.o'))
          .map((file) => [
            `${file.replaceAll('\\', '/').slice(0, -'.o'.length)}.cc`,
            join(objects, target, file),
          ]),
      ),
  );
}

/** Runs a command in the package's folder. Throws Error unless it ends with 0. */
export async function run(command, args) {
  const child = spawn(command, args, { cwd: packageDir, stdio: 'inherit' });
  const status = await new Promise((done) => child.once('close', done).once('error', () => done(-1)));
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}`);
}

/**
 * Compiles sources into `folder`, as many at a time as there are processors. Returns the objects.
 * Flags are those of binding.gyp, then each source's own.
 */
export async function compile({ compiler, sources, folder }) {
  mkdirSync(folder, { recursive: true });
  const common = ['-std=c++17', '-fPIC', '-pthread', '-fno-exceptions', '-fno-rtti', '-Inative'];
  const headers = readdirSync(join(packageDir, 'native'), { recursive: true })
    .filter((file) => file.endsWith('.h'))
    .map((file) => statSync(join(packageDir, 'native', file)).mtimeMs);
  const newestHeader = Math.max(...headers);
  const objects = [];
  const queue = [];
  for (const { path, flags } of sources) {
    const object = join(folder, `${path.replaceAll('/', '-')}.o`);
    objects.push(object);
    const newest = Math.max(newestHeader, statSync(join(packageDir, path)).mtimeMs);
    if (!existsSync(object) || statSync(object).mtimeMs <= newest)
      queue.push([...common, ...flags, '-c', path, '-o', object]);
  }
  const work = async () => {
    for (let args = queue.shift(); args !== undefined; args = queue.shift()) await run(compiler, args);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return objects;
}
