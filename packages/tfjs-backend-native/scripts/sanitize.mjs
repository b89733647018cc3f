// Builds the addon with sanitizers and runs this package's kernel tests on it: `node
// scripts/sanitize.mjs [address|thread] [jest pattern …]`. `address` is AddressSanitizer and
// UndefinedBehaviorSanitizer, with every block of memory of exactly the size asked for. `thread` is
// ThreadSanitizer with four threads. Without a name both run. It ends with 1 at the first report.
// It needs Linux and GCC; CXX names another compiler.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { compile, run, sourcesOf } from './compile.mjs';

const require = createRequire(import.meta.url);
const packageDir = join(import.meta.dirname, '..');
const rootDir = join(packageDir, '..', '..');
const compiler = process.env.CXX ?? 'g++';

const SANITIZERS = {
  address: {
    flags: ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'],
    runtime: 'libasan.so',
    environment: {
      // Leaks are not detected, since Node itself frees little at its end.
      ASAN_OPTIONS: 'detect_leaks=0:allocator_may_return_null=1:halt_on_error=1:exitcode=99',
      UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1:exitcode=99',
      TFJS_NATIVE_EXACT_BLOCKS: '1',
    },
  },
  thread: {
    flags: ['-fsanitize=thread'],
    runtime: 'libtsan.so',
    environment: {
      // Node is not built with ThreadSanitizer, so reports about its own locks and memory mean
      // nothing.
      TSAN_OPTIONS:
        'allocator_may_return_null=1:ignore_noninstrumented_modules=1:report_signal_unsafe=0:halt_on_error=1:exitcode=99',
      TFJS_NATIVE_THREADS: '4',
    },
  },
};

/**
 * The tests that run, tfjs-core's suite among them. Tests that measure the process, or that compile
 * programs of their own, do not run.
 */
const TESTS = ['src/(?!memory|native-kernels)'];

function fail(message) {
  console.error(`sanitize: ${message}`);
  process.exit(1);
}

/**
 * Builds what has changed of the addon with a sanitizer. Returns the folder in which it is found.
 */
async function build(name, { flags }) {
  const folder = join(packageDir, 'build', 'sanitize', name);
  const release = join(folder, 'build', 'Release');
  mkdirSync(release, { recursive: true });
  const common = ['-O1', '-g', '-fno-omit-frame-pointer', '-DNAPI_VERSION=8', ...flags];
  common.push(`-I${require('node-api-headers').include_dir}`);
  const sources = sourcesOf(process.arch).map(({ path, flags: own }) => ({
    path,
    flags: [...common, ...own],
  }));
  const addon = join(release, 'tfjs_backend_native.node');
  try {
    const objects = await compile({ compiler, sources, folder });
    await run(compiler, ['-shared', '-pthread', ...flags, '-Wl,-z,nodelete', ...objects, '-o', addon]);
  } catch (error) {
    fail(error.message);
  }
  return folder;
}

/** Where the compiler keeps a library. */
function libraryPath(library) {
  const { stdout } = spawnSync(compiler, [`-print-file-name=${library}`], { encoding: 'utf8' });
  const path = stdout?.trim() ?? '';
  if (!path.includes('/')) fail(`${compiler} has no ${library}`);
  return path;
}

async function check(name, patterns) {
  const sanitizer = SANITIZERS[name];
  const folder = await build(name, sanitizer);
  const jest = join(rootDir, 'node_modules', 'jest', 'bin', 'jest.js');
  const tests = patterns.map((pattern) => `packages/${basename(packageDir)}/${pattern}`);
  const node = ['--experimental-vm-modules', '--no-warnings', jest, '--runInBand', '--testTimeout=600000'];
  // Sanitizers want their memory at fixed addresses, so randomisation is off.
  const { status, signal } = spawnSync('setarch', ['-R', process.execPath, ...node, ...tests], {
    cwd: rootDir,
    stdio: 'inherit',
    env: {
      ...process.env,
      ...sanitizer.environment,
      LD_PRELOAD: libraryPath(sanitizer.runtime),
      TFJS_NATIVE_ADDON: folder,
    },
  });
  if (status !== 0) fail(`${name}: the tests ended with ${status ?? signal}`);
  console.log(`sanitize: ${name}: clean`);
}

const names = process.argv[2] in SANITIZERS ? [process.argv[2]] : Object.keys(SANITIZERS);
const patterns = process.argv.slice(process.argv[2] in SANITIZERS ? 3 : 2);
for (const name of names) await check(name, patterns.length > 0 ? patterns : TESTS);
