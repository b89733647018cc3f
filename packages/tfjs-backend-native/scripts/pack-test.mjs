// Shows that a packed tarball installs and computes in an empty folder on a machine without a
// compiler, make or Python: `node scripts/pack-test.mjs`, after tsc -b. It takes tfjs from the npm
// registry or npm's cache. If it fails, it ends with 1 and says why.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

const packageDir = join(import.meta.dirname, '..');
const prebuilds = join(packageDir, 'prebuilds');
const hadPrebuilds = existsSync(prebuilds);
const folder = mkdtempSync(join(tmpdir(), 'tfjs-backend-native-'));

const PROGRAM = `
import * as tf from '@tensorflow/tfjs';
import { nativeStatus } from 'tfjs-backend-native';
await tf.ready();
const product = tf.matMul(tf.ones([300, 200]), tf.fill([200, 400], 0.5));
const x = tf.variable(tf.tensor1d([4]));
const optimizer = tf.train.adam(0.5);
for (let i = 0; i < 100; i++) optimizer.minimize(() => x.sub(1).square().sum());
console.log(JSON.stringify({
  backend: tf.getBackend(), ...nativeStatus(), sum: product.sum().dataSync()[0], x: x.dataSync()[0],
}));`;

/** Runs a command in `cwd`. Returns its output, or throws an error with it. */
function run(command, args, cwd, env = process.env) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, env, encoding: 'utf8' });
  if (status !== 0)
    throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? `${stdout}\n${stderr}`}`);
  return stdout;
}

/** A folder for PATH that holds only node, npm and a shell. */
function pathWithoutCompiler() {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  for (const name of ['node', 'npm', 'npx', 'sh', 'env', 'uname']) {
    const found = run('sh', ['-c', `command -v ${name}`], folder).trim();
    symlinkSync(found, join(bin, name));
  }
  return bin;
}

try {
  const packed = run('npm', ['pack', '--silent', '--pack-destination', folder], packageDir);
  const tarball = join(folder, packed.trim().split('\n').at(-1));
  const app = join(folder, 'app');
  mkdirSync(app);
  writeFileSync(join(app, 'package.json'), '{ "name": "app", "type": "module", "private": true }');
  writeFileSync(join(app, 'program.mjs'), PROGRAM);
  const env = { ...process.env, PATH: pathWithoutCompiler(), CC: '/no/compiler', CXX: '/no/compiler' };
  delete env.TFJS_BACKEND_NATIVE_PREBUILD;
  const install = ['install', '--no-audit', '--no-fund', '--prefer-offline', '--foreground-scripts'];
  const log = run('npm', [...install, tarball, '@tensorflow/tfjs@4.22.0'], app, env);
  const result = JSON.parse(run('node', ['program.mjs'], app, env).trim().split('\n').at(-1));
  const fits =
    log.includes('a prebuilt addon loads') &&
    result.available === true &&
    result.backend === 'native' &&
    result.path.includes(join('tfjs-backend-native', 'prebuilds')) &&
    result.sum === 300 * 400 * 100 &&
    Math.abs(result.x - 1) < 0.1;
  if (!fits) throw new Error(`not as expected: ${JSON.stringify(result)}\n${log}`);
  const { target, cpu, threads } = result;
  console.log(`pack-test: ${basename(tarball)} installs and computes: ${target}, ${threads} threads, ${cpu}`);
} catch (error) {
  console.error(`pack-test: ${error.message}`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true });
  if (!hadPrebuilds) rmSync(prebuilds, { recursive: true, force: true }); // an old one must not serve in place of a build
}
