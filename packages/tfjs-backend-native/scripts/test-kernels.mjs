// Builds native/test with the kernels and runs it: `node scripts/test-kernels.mjs [--arch arm64]
// [--node PATH]`. The program compares every CPU target's table with references in double
// precision, in memory that ends at an unreadable page. It ends with 1 if a comparison fails, and
// with 2 if tools are missing. The kernels are the addon's own objects where it is up to date with
// the sources; otherwise they are compiled.
//
// --arch arm64   on a machine of another architecture: by Debian's cross-compiler, run by QEMU
// --node PATH    also builds the addon for a Node of that architecture and runs addon-check.mjs there
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { addonObjects, compile, run, sourcesOf } from './compile.mjs';
import { crossBuild, crossTools, emulator, missingTools } from './cross.mjs';

const packageDir = join(import.meta.dirname, '..');
const { arch, node } = parseArgs({
  options: { arch: { type: 'string', default: process.arch }, node: { type: 'string' } },
}).values;
const cross = arch !== process.arch;

try {
  const missing = cross ? missingTools(arch, { toRun: true }) : undefined;
  if (missing !== undefined) {
    console.error(`test-kernels: to test ${arch} here, this is missing: ${missing}`);
    process.exit(2);
  }
  const compiler = cross ? crossTools(arch).CXX : (process.env.CXX ?? 'g++');
  const launch = cross ? emulator(arch) : [];
  const folder = join(packageDir, 'build', 'test-kernels', arch);
  const tests = readdirSync(join(packageDir, 'native', 'test'))
    .filter((file) => file.endsWith('.cc'))
    .map((file) => ({ path: `native/test/${file}`, flags: ['-O2'] }));
  const sources = sourcesOf(arch)
    .filter(({ path }) => !path.startsWith('native/binding/'))
    .map(({ path, flags }) => ({ path, flags: ['-O3', ...flags] }));
  const ready = cross ? new Map() : addonObjects();
  const compiled = sources.filter(({ path }) => !ready.has(path));
  const objects = sources.flatMap(({ path }) => ready.get(path) ?? []);
  objects.push(...(await compile({ compiler, sources: [...compiled, ...tests], folder })));
  const program = join(folder, 'kernels_test');
  await run(compiler, ['-pthread', ...objects, '-o', program]);
  const [command, ...args] = [...launch, program];
  await run(command, args);
  if (node !== undefined) {
    const check = join(import.meta.dirname, 'addon-check.mjs');
    process.env.TFJS_NATIVE_ADDON = cross ? crossBuild(arch) : packageDir;
    const [first, ...rest] = [...launch, node, check];
    await run(first, rest);
  }
} catch (error) {
  console.error(`test-kernels: ${error.message}`);
  process.exit(1);
}
