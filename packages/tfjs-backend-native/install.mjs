// Where npm has installed no addon for this platform, or one that doesn't load, builds it from source,
// offline. It never fails an install: without a compiler the package still loads, and says why the
// native backend is missing. After a change of a C++ file, `node install.mjs` rebuilds what changed.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildAddon } from './native/gyp/build.mjs';
import { hashSources } from './native/gyp/source-hash.mjs';

const packageDir = import.meta.dirname;
const stamp = join(packageDir, 'build', 'Release', 'sources.sha256');

/**
 * What is wrong with the addon that is found, or undefined if it loads. A child process loads it, so
 * that a crash is contained.
 */
function loadProblem() {
  const finder = JSON.stringify(join(packageDir, 'native', 'find-addon.cjs'));
  const code = `require(require(${finder}).findAddon(${JSON.stringify(packageDir)}))`;
  const { status, signal, stderr } = spawnSync(process.execPath, ['-e', code], { encoding: 'utf8' });
  if (status === 0) return undefined;
  return signal ? `it ends with ${signal}` : (stderr.match(/^\w*Error: .*/m)?.[0] ?? stderr.trim());
}

function main() {
  const hash = hashSources(packageDir);
  if (!existsSync(join(packageDir, 'build')) && loadProblem() === undefined) return 'a prebuilt addon loads';
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash && loadProblem() === undefined)
    return 'up to date';
  const problem = buildAddon(packageDir) ?? loadProblem();
  if (problem === undefined) {
    writeFileSync(stamp, hash);
    return 'built';
  }
  return (
    `the native addon could not be built, so the slower wasm or cpu backend will serve. Cause:\n  ${problem}\n` +
    'Remedy: install a C++17 compiler, make and Python 3 (Debian: apt install g++ make python3; macOS: xcode-select --install), ' +
    'then run: npm rebuild tfjs-backend-native'
  );
}

let outcome;
try {
  outcome = main();
} catch (error) {
  outcome = `the native addon could not be built: ${error instanceof Error ? error.message : error}`;
}
console.log(`tfjs-backend-native: ${outcome}`);
