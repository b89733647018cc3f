// Shows that what would be published works for a stranger: `npm run pack-test`. It packs all packages, installs
// the tarballs in an empty folder, with no compiler, make or Python on the path and no network but the npm
// registry (or npm's cache), and there
//   draws by `npx easel generate`, runs the library example of README.md, trains a few steps from a config
//   that came along, computes by `require` as well as by `import`, and compiles a strict TypeScript
//   program under every kind of module resolution that is supported.
// Prints a line a check with its seconds, and ends with 1 where one fails. --keep leaves the folder;
// --node COMMAND runs the checks by another Node.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { parseArgs } from 'node:util';
import { packRelease, root } from './packages.mjs';

const { values: options } = parseArgs({
  options: { keep: { type: 'boolean', default: false }, node: { type: 'string', default: process.execPath } },
});
/** The longest that one command may take, in ms. */
const LIMIT = 300_000;

const home = mkdtempSync(join(tmpdir(), 'easel-pack-'));
const app = join(home, 'app');
const bin = join(home, 'bin');

/** Runs a command. Returns its stdout, or throws an error with all that it printed. */
function run(command, args, { cwd = app, env = {} } = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env: { ...environment, ...env },
    encoding: 'utf8',
    timeout: LIMIT,
    maxBuffer: 1 << 28,
  });
  if (status !== 0)
    throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? `${stdout}\n${stderr}`}`);
  return stdout;
}

/** Runs a program of the app's folder and returns what it prints last, as JSON. */
function runProgram(name, text, ...flags) {
  writeFileSync(join(app, name), text);
  return JSON.parse(
    run('node', [...flags, name])
      .trim()
      .split('\n')
      .at(-1),
  );
}

function expectEqual(what, got, expected) {
  if (JSON.stringify(got) !== JSON.stringify(expected))
    throw new Error(`${what}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}`);
}

// A path on which there is only Node, npm and what a shell script of npm's needs.
mkdirSync(bin);
mkdirSync(app);
const found = (name) =>
  process.env.PATH.split(delimiter)
    .map((folder) => join(folder, name))
    .find(existsSync);
symlinkSync(options.node, join(bin, 'node'));
for (const name of ['npm', 'npx', 'sh', 'env', 'uname']) symlinkSync(found(name), join(bin, name));
const environment = {
  ...process.env,
  PATH: bin,
  CC: '/no/compiler',
  CXX: '/no/compiler',
  HF_HUB_OFFLINE: '1',
};
// What npm run of the repository told this process must not reach the app.
for (const name of Object.keys(environment))
  if (/^(npm_|INIT_CWD|NODE_|EASEL_|TFJS_)/i.test(name)) delete environment[name];

let failed = 0;
async function check(what, body) {
  const start = performance.now();
  let told = 'ok    ';
  let detail = '';
  try {
    detail = (await body()) ?? '';
  } catch (error) {
    failed += 1;
    told = 'WRONG ';
    detail = error.message;
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${told} ${what} (${seconds} s)${detail === '' ? '' : `: ${detail}`}`);
  return told === 'ok    ';
}

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

/** The first code block of README.md's section "Use in code". */
function libraryExample() {
  const text = readFileSync(join(root, 'README.md'), 'utf8');
  const section = text.slice(text.indexOf('\n## Use in code'));
  return section.match(/```ts\n([\s\S]*?)```/)[1];
}

const COMMONJS = `
const tf = require('@tensorflow/tfjs');
const { nativeStatus } = require('tfjs-backend-native');
const { generatePictures } = require('@easel/draw');
const { openPictureModel } = require('@easel/draw/node');
const { selectBackend } = require('@easel/core');
(async () => {
  const product = tf.matMul(tf.ones([300, 200]), tf.fill([200, 400], 0.5));
  const sum = product.sum().dataSync()[0];
  await selectBackend();
  const model = await openPictureModel('@easel/model-emoji');
  let pictures = 0;
  for await (const { pixels } of generatePictures(model, { prompts: ['a dog'] })) pictures += pixels.data.length;
  const { available, path } = nativeStatus();
  console.log(JSON.stringify({ available, path, backend: tf.getBackend(), sum, pictures }));
})();`;

/** A model saved and loaded, and a picture encoded and decoded, as a program for tfjs-node does it. */
const STAND_IN = `
const tf = require('tfjs-node-native');
(async () => {
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3] })] });
  await model.save('file://' + process.cwd() + '/model');
  const loaded = await tf.loadLayersModel('file://' + process.cwd() + '/model/model.json');
  const picture = tf.node.decodeImage(await tf.node.encodePng(tf.fill([4, 5, 3], 7, 'int32')));
  console.log(JSON.stringify([tf.getBackend(), loaded.countParams(), picture.shape, picture.max().dataSync()[0]]));
})();`;

const TYPESCRIPT = `
import * as tf from '@tensorflow/tfjs';
import { selectBackend, type BackendChoice } from '@easel/core';
import { BpeTokenizer, DalleBart } from '@easel/bart';
import { openClip } from '@easel/clip/node';
import { generatePictures, type PictureModel } from '@easel/draw';
import { openPictureModel } from '@easel/draw/node';
import { trainSeq2Seq } from '@easel/train';
import { Vqgan } from '@easel/vqgan';
import { startServer } from '@easel/server';
import { SafetensorsFile } from 'safetensors-ts';
import { nativeStatus, type NativeStatus } from 'tfjs-backend-native';
import { unidecode } from 'unidecode-ts';
export const choice: Promise<BackendChoice> = selectBackend('cpu');
export const status: NativeStatus = nativeStatus();
export const parts = [tf, BpeTokenizer, DalleBart, openClip, trainSeq2Seq, Vqgan, startServer, SafetensorsFile, unidecode];
export async function draw(): Promise<number> {
  const model: PictureModel = await openPictureModel('@easel/model-emoji');
  let values = 0;
  for await (const { pixels } of generatePictures(model, { prompts: ['a cat'] })) values += pixels.data.length;
  return values;
}`;

const NATIVE_TYPESCRIPT = `
import { nativeStatus } from 'tfjs-backend-native';
export const available: boolean = nativeStatus().available;`;

/** module, moduleResolution, and the file's kind of module. */
const RESOLUTIONS = [
  ['nodenext', 'nodenext', 'mts'],
  ['nodenext', 'nodenext', 'cts'],
  ['esnext', 'bundler', 'ts'],
];

try {
  let tarballs = [];
  await check('npm pack of all packages', () => {
    const packed = packRelease(home);
    tarballs = [...packed.values()].map(({ tarball }) => tarball);
    const total = tarballs.reduce((sum, path) => sum + statSync(path).size, 0);
    return `${packed.size} packages, ${megabytes(total)}`;
  });
  writeFileSync(join(app, 'package.json'), '{ "name": "app", "type": "module", "private": true }');
  const installed = await check('npm install in an empty folder, without a compiler', () => {
    const flags = ['--no-audit', '--no-fund', '--prefer-offline', '--foreground-scripts'];
    const log = run('npm', ['install', ...flags, ...tarballs, 'typescript@7.0', '@types/node@20']);
    if (!log.includes('a prebuilt addon loads')) throw new Error(`no prebuilt addon loads:\n${log}`);
    return `${Object.keys(JSON.parse(readFileSync(join(app, 'node_modules', '.package-lock.json'))).packages).length} packages`;
  });
  if (installed) await checks();
} finally {
  if (options.keep) console.log(`kept: ${home}`);
  else rmSync(home, { recursive: true });
}
process.exitCode = failed > 0 ? 1 : 0;

async function checks() {
  await check('npx easel generate "a red heart"', () => {
    const path = run('npx', ['easel', 'generate', 'a red heart']).trim();
    expectEqual('the path', path, join('out', 'a-red-heart-0-0.png'));
    const mine = readFileSync(join(app, path));
    return `${path}, ${mine.length} bytes`;
  });
  await check("README's library example", () => {
    writeFileSync(join(app, 'example.mjs'), libraryExample());
    run('node', ['example.mjs']);
    return `a-red-heart.png, ${statSync(join(app, 'a-red-heart.png')).size} bytes`;
  });
  await check('require', () => {
    const { available, path, backend, sum, pictures } = runProgram('program.cjs', COMMONJS);
    expectEqual(
      'the result',
      [available, backend, sum, pictures],
      [true, 'native', 300 * 400 * 100, 64 * 64 * 3],
    );
    if (!path.includes('tfjs-backend-native-')) throw new Error(`the addon is ${path}`);
    return path.slice(path.lastIndexOf('node_modules'));
  });
  await check('require of tfjs-backend-native without require of ES modules', () => {
    const text = `const { nativeStatus } = require('tfjs-backend-native'); console.log(nativeStatus().available);`;
    expectEqual('available', runProgram('native.cjs', text, '--no-experimental-require-module'), true);
  });
  await check('tfjs-node-native without require of ES modules', () => {
    const got = runProgram('stand-in.cjs', STAND_IN, '--no-experimental-require-module');
    expectEqual('the result', got, ['tensorflow', 8, [4, 5, 3], 7]);
  });
  await check('easel train with a config that came along', () => {
    const args = [
      'easel',
      'train-vqgan',
      'configs/train/emoji-vqgan.json',
      '--out',
      'run',
      '--dry-run',
      '--json',
    ];
    const set = ['--set', `data.train=${join(app, 'out')}`, '--set', 'batchSize=1'];
    writeFileSync(join(app, 'out', 'a-red-heart-0-0.txt'), 'a red heart');
    const { parameters } = JSON.parse(run('npx', [...args, ...set]));
    return `planned: ${JSON.stringify(parameters)} parameters`;
  });
  await check('easel doctor', () => {
    const report = JSON.parse(run('npx', ['easel', 'doctor', '--json']));
    expectEqual('backend and damage', [report.backend.name, report.modelDamage], ['native', null]);
    return `${report.cpu}, ${report.node}`;
  });
  for (const [module, moduleResolution, kind] of RESOLUTIONS)
    await check(`TypeScript, strict, ${moduleResolution}, .${kind}`, () =>
      compile(`types.${kind}`, TYPESCRIPT, { module, moduleResolution }),
    );
  await check('TypeScript, strict, node16, CommonJS: tfjs-backend-native', () =>
    compile('native.cts', NATIVE_TYPESCRIPT, { module: 'node16', moduleResolution: 'node16' }),
  );
}

/**
 * Compiles a program, our declarations included. Those of tfjs 4.22, and of @webgpu/types beside the DOM of
 * TypeScript 7, have faults, which are passed over here and are why a program sets skipLibCheck.
 */
function compile(file, text, modules) {
  writeFileSync(join(app, file), text);
  const lib = ['es2023', 'dom'];
  const compilerOptions = { ...modules, lib, strict: true, noEmit: true, types: ['node'], pretty: false };
  writeFileSync(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [file] }));
  const { stdout, stderr } = spawnSync('node', ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'], {
    cwd: app,
    env: environment,
    encoding: 'utf8',
    timeout: LIMIT,
  });
  const faults = `${stdout}${stderr}`.split('\n').filter((line) => /^\S/.test(line));
  const ours = faults.filter(
    (line) => !/^node_modules\/(?!@easel\/|safetensors-ts|unidecode-ts|tfjs-)/.test(line),
  );
  if (ours.length > 0) throw new Error(ours.join('\n'));
}
