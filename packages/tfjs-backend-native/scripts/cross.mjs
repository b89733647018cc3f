// Builds for another architecture of Linux, and runs the result here. This takes a cross-compiler,
// and QEMU's user mode.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildAddon } from '../native/gyp/build.mjs';

const packageDir = join(import.meta.dirname, '..');

/**
 * For each architecture, by Node's name: GNU's name, QEMU's name, e_machine of its ELF files, and
 * Debian's packages.
 */
const ARCHITECTURES = {
  arm64: {
    triple: 'aarch64-linux-gnu',
    emulators: ['qemu-aarch64', 'qemu-aarch64-static'],
    machine: 183,
    packages: { compiler: 'g++-aarch64-linux-gnu', emulator: 'qemu-user' },
  },
};

function architecture(arch) {
  if (process.platform !== 'linux' || !(arch in ARCHITECTURES))
    throw new Error(
      `cannot build for ${process.platform} ${arch} here: the cross-compilers that are known are Linux's for ${Object.keys(ARCHITECTURES).join(', ')}`,
    );
  return ARCHITECTURES[arch];
}

function runs(command) {
  return spawnSync(command, ['--version']).status === 0;
}

/**
 * The names of the tools: CC, CXX, AR and STRIP of the environment, else GNU's for the
 * architecture.
 */
export function crossTools(arch) {
  const { triple } = architecture(arch);
  const {
    CC = `${triple}-gcc`,
    CXX = `${triple}-g++`,
    AR = `${triple}-ar`,
    STRIP = `${triple}-strip`,
  } = process.env;
  return { CC, CXX, AR, STRIP };
}

/**
 * The command, as a list, that runs the architecture's programs here. Its libraries are the
 * cross-compiler's. Undefined without QEMU.
 */
export function emulator(arch) {
  const { emulators, triple } = architecture(arch);
  const found = emulators.find(runs);
  return found && [found, '-L', `/usr/${triple}`];
}

/**
 * What is missing to build for the architecture and, with `toRun`, to run the result. Undefined if
 * nothing is missing.
 */
export function missingTools(arch, { toRun }) {
  const { packages, emulators } = architecture(arch);
  const missing = [];
  const { CXX } = crossTools(arch);
  if (!runs(CXX)) missing.push(`${CXX} (Debian: apt install ${packages.compiler})`);
  if (toRun && emulator(arch) === undefined)
    missing.push(`${emulators[0]} (Debian: apt install ${packages.emulator})`);
  return missing.length > 0 ? missing.join(' and ') : undefined;
}

/**
 * Builds the addon for another architecture by binding.gyp, in a folder of its own, which it
 * returns. The addon is where findAddon looks for it there.
 */
export function crossBuild(arch) {
  const missing = missingTools(arch, { toRun: false });
  if (missing !== undefined) throw new Error(`to build for ${arch} here, this is missing: ${missing}`);
  const folder = join(packageDir, 'build', 'cross', `${process.platform}-${arch}`);
  mkdirSync(folder, { recursive: true });
  for (const part of ['binding.gyp', 'native'])
    cpSync(join(packageDir, part), join(folder, part), { recursive: true, preserveTimestamps: true });
  const problem = buildAddon(folder, { arch, env: { ...process.env, ...crossTools(arch) } });
  if (problem !== undefined)
    throw new Error(`the addon could not be built for ${arch}. Cause:\n  ${problem}`);
  const machine = readFileSync(join(folder, 'build', 'Release', 'tfjs_backend_native.node')).readUInt16LE(18);
  if (machine !== architecture(arch).machine)
    throw new Error(`${crossTools(arch).CXX} makes files of ELF machine ${machine}, not of ${arch}: see CXX`);
  return folder;
}
