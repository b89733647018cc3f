// Puts the built addon, without its symbols, into prebuilds/<platform>/, of which `npm run pack` of the
// repository makes this platform's package. One binary serves every CPU of the platform. Publish from a
// tree that holds the folders of all platforms.
//
// `node scripts/stage-addon.mjs` takes what install.mjs has built. With `--arch arm64`, on Linux of
// another architecture, it builds with a cross-compiler, beside the build of this machine. CC, CXX,
// AR and STRIP name the tools; else they are Debian's.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { crossBuild, crossTools } from './cross.mjs';

const { FILE, platformName } = createRequire(import.meta.url)('../native/find-addon.cjs');

const packageDir = join(import.meta.dirname, '..');
const { arch } = parseArgs({ options: { arch: { type: 'string', default: process.arch } } }).values;

function fail(message) {
  console.error(`stage-addon: ${message}`);
  process.exit(1);
}

let built = join(packageDir, 'build', 'Release', 'tfjs_backend_native.node');
let stripper = 'strip';
if (arch !== process.arch) {
  try {
    stripper = crossTools(arch).STRIP;
    built = join(crossBuild(arch), 'build', 'Release', 'tfjs_backend_native.node');
  } catch (error) {
    fail(error.message);
  }
} else if (!existsSync(built)) {
  fail(`there is no ${built}; run: node ${join(packageDir, 'install.mjs')}`);
}
const folder = join(packageDir, 'prebuilds', platformName(arch));
const prebuilt = join(folder, FILE);
mkdirSync(folder, { recursive: true });
copyFileSync(built, prebuilt);
const strip = spawnSync(stripper, process.platform === 'darwin' ? ['-x', prebuilt] : [prebuilt]);
console.log(
  `stage-addon: ${prebuilt}${strip.status === 0 ? '' : ` (with symbols: there is no ${stripper} here)`}`,
);
