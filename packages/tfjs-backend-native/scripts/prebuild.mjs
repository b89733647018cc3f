// Puts the built addon, without its symbols, where node-gyp-build looks for a prebuilt one of this platform: prebuilds/<platform>-<arch>/. One
// binary serves every CPU of the platform. npm runs it before it packs; publish from a tree that holds the folders of all platforms.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

const packageDir = join(import.meta.dirname, '..');
const built = join(packageDir, 'build', 'Release', 'tfjs_backend_native.node');
if (!existsSync(built)) {
  console.error(`prebuild: there is no ${built}; run: node ${join(packageDir, 'install.mjs')}`);
  process.exit(1);
}
const folder = join(packageDir, 'prebuilds', `${process.platform}-${process.arch}`);
const libc = process.platform === 'linux' ? (existsSync('/etc/alpine-release') ? '.musl' : '.glibc') : '';
const prebuilt = join(folder, `tfjs-backend-native.napi${libc}.node`);
mkdirSync(folder, { recursive: true });
copyFileSync(built, prebuilt);
const strip = spawnSync('strip', process.platform === 'darwin' ? ['-x', prebuilt] : [prebuilt]);
console.log(`prebuild: ${prebuilt}${strip.status === 0 ? '' : ' (with symbols: there is no strip here)'}`);
