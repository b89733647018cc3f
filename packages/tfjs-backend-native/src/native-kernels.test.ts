import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { CPU_TARGETS } from './addon.js';

// The kernels' own C++ test (native/test), on this machine's instruction sets and, emulated, on
// AArch64's. The kernels are the addon's own objects, so that only the test is compiled.
const packageDir = join(import.meta.dirname, '..');
const script = join(packageDir, 'scripts', 'test-kernels.mjs');

function runs(command: string): boolean {
  return spawnSync(command, ['--version']).status === 0;
}

/** Why an architecture's test cannot run here, or undefined. */
function reasonToSkip(arch: string): string | undefined {
  const native = arch === process.arch;
  const needed = native ? [process.env.CXX ?? 'g++'] : ['aarch64-linux-gnu-g++', 'qemu-aarch64'];
  if (!native && (arch !== 'arm64' || process.platform !== 'linux'))
    return `no emulator of ${arch} is known here`;
  const missing = needed.filter((command) => !runs(command));
  return missing.length > 0 ? `without ${missing.join(' and ')}` : undefined;
}

/** AVX-512 with matrix registers: a family that has no amx.cc runs its avx512.cc there. */
const REQUIRED = CPU_TARGETS.filter((target) => target !== 'amx');

test('a family with a file for one vector target has one for each', () => {
  const kernels = join(packageDir, 'native', 'kernels');
  const families = readdirSync(kernels, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const { name } of families) {
    const files = readdirSync(join(kernels, name));
    const present = REQUIRED.filter((target) => files.includes(`${target}.cc`));
    expect([name, ...(present.length > 0 ? present : REQUIRED)]).toEqual([name, ...REQUIRED]);
  }
});

for (const arch of new Set([process.arch, 'arm64'])) {
  const reason = reasonToSkip(arch);
  const define = reason === undefined ? test : test.skip;
  define(
    `the C++ kernel test passes on ${arch}${reason === undefined ? '' : ` (skipped: ${reason})`}`,
    () => {
      const { status, stdout, stderr } = spawnSync(process.execPath, [script, '--arch', arch], {
        encoding: 'utf8',
      });
      if (status !== 0 || !/^\d+ comparisons, 0 failed$/m.test(stdout))
        throw new Error(`ended with ${status}:\n${stdout}\n${stderr}`);
    },
    600_000,
  );
}
