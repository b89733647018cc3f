// Runs programs of other people on this backend and on tfjs's cpu, and compares: node clients/run.mjs [group …], after
// a build. Groups are the names of the programs beside this file:
//   graph-models, language-detection, face-api, nsfwjs, human, upscaler, training, runtimes
//   suites: tfjs's own, from a checkout of tensorflow/tfjs at tfjs-v4.22.0, given by --tfjs FOLDER
// --folder is where the clients of package.json are installed (1.5 GB, from the npm registry alone; kept for the next
// run). Ends with 1 where a client computes something else, leaves something behind, or does not run.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const GROUPS = [
  'graph-models',
  'language-detection',
  'face-api',
  'nsfwjs',
  'human',
  'upscaler',
  'training',
  'runtimes',
];

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    folder: { type: 'string', default: join(tmpdir(), 'tfjs-backend-native-clients') },
    tfjs: { type: 'string' },
  },
});
const wanted = positionals.length > 0 ? positionals : [...GROUPS, ...(options.tfjs ? ['suites'] : [])];
for (const group of wanted)
  if (!GROUPS.includes(group) && (group !== 'suites' || options.tfjs === undefined))
    throw new Error(`no group ${group}; there are ${GROUPS.join(', ')}, and suites with --tfjs FOLDER`);

const here = import.meta.dirname;
const packageDir = join(here, '..');
const folder = resolve(options.folder);

/** Installs what package.json names, unless the last run did. */
function installClients() {
  mkdirSync(folder, { recursive: true });
  const manifest = readFileSync(join(here, 'package.json'), 'utf8');
  const stamp = join(folder, 'installed.json');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === manifest) return;
  writeFileSync(join(folder, 'package.json'), manifest);
  // Some clients ask for an older tfjs as a peer.
  const install = ['install', '--no-audit', '--no-fund', '--legacy-peer-deps'];
  if (spawnSync('npm', install, { cwd: folder, stdio: 'inherit' }).status !== 0)
    throw new Error(`npm install failed in ${folder}`);
  writeFileSync(stamp, manifest);
}

/** Puts the build of this package, what stands in for tfjs-node, and the programs into the folder. */
function placeBackend() {
  const backend = join(folder, 'node_modules/tfjs-backend-native');
  for (const part of ['dist', 'build/Release', 'native/find-addon.cjs', 'install.mjs', 'package.json'])
    cpSync(join(packageDir, part), join(backend, part), { recursive: true });
  for (const part of ['dist', 'package.json'])
    cpSync(join(packageDir, '../tfjs-node', part), join(folder, 'node_modules/@tensorflow/tfjs-node', part), {
      recursive: true,
    });
  for (const file of readdirSync(here))
    if (file.endsWith('.mjs')) cpSync(join(here, file), join(folder, file));
}

installClients();
placeBackend();
let failed = 0;
for (const group of wanted) {
  const args = group === 'suites' ? [resolve(options.tfjs)] : [];
  const { stdout, stderr, status } = spawnSync(process.execPath, [`${group}.mjs`, ...args], {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const reports = stdout.split('\n').filter((line) => line.startsWith('{"name"'));
  for (const line of reports) {
    const { name, ok, error, ...rest } = JSON.parse(line);
    const figures = Object.entries(rest).map(([key, value]) => `${key} ${JSON.stringify(value)}`);
    console.log(`${ok ? 'ok    ' : 'WRONG '} ${name}: ${error ?? figures.join(', ')}`);
  }
  if (status !== 0) failed += 1;
  if (status !== 0 && reports.length === 0) console.error(`WRONG  ${group}: ended with ${status}\n${stderr}`);
}
process.exitCode = failed === 0 ? 0 : 1;
