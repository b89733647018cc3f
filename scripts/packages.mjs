// The packages of this repository that are published, and the tarballs that npm would publish of them.
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative, sep } from 'node:path';

export const root = join(import.meta.dirname, '..');
export const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));
export const rootManifest = readJson(join(root, 'package.json'));

const native = join(root, 'packages', 'tfjs-backend-native');
const { FILE } = createRequire(import.meta.url)(join(native, 'native', 'find-addon.cjs'));

/** @typedef {Readonly<{ folder: string, manifest: Record<string, any> }>} Package */

/** Packages of a folder, as npm's workspaces have them. */
function packagesIn(folder) {
  return readdirSync(join(root, folder))
    .map((name) => join(root, folder, name))
    .filter((path) => existsSync(join(path, 'package.json')))
    .map((path) => ({ folder: path, manifest: readJson(join(path, 'package.json')) }))
    .filter(({ manifest }) => !manifest.private);
}

/** Packages that are programs. @type {Package[]} */
export const programs = packagesIn('packages');
/** Packages that are models: files without a program. @type {Package[]} */
export const models = packagesIn('data/models');

/**
 * What npm packs of folders, by the packages' names: each tarball, and the paths in it. With
 * `scripts`, the packages' own `prepack` builds them first.
 */
export function npmPack(folders, destination, { scripts = false } = {}) {
  const flags = ['--json', '--pack-destination', destination, ...(scripts ? [] : ['--ignore-scripts'])];
  const stdio = ['ignore', 'pipe', scripts ? 'inherit' : 'ignore'];
  const printed = execFileSync('npm', ['pack', ...flags, ...folders], {
    cwd: root,
    encoding: 'utf8',
    stdio,
    maxBuffer: 1 << 28,
  });
  // Scripts print in front of the JSON, and npm prints a list or, in later versions, an object.
  const json = JSON.parse(printed.slice(printed.search(/^[[{]$/m)));
  return new Map(
    Object.values(json).map(({ name, filename, files }) => [
      name,
      { tarball: join(destination, filename), files: files.map(({ path }) => path) },
    ]),
  );
}

/** Prebuilt addons that scripts/stage-addon.mjs of the native backend has put down, by platform. */
function stagedAddons() {
  const folder = join(native, 'prebuilds');
  return existsSync(folder) ? readdirSync(folder).filter((name) => existsSync(join(folder, name, FILE))) : [];
}

/** Writes the folder of a platform's package, which holds its addon alone, and returns it. */
function writePlatformPackage(platform, destination) {
  const { version, license, engines } = readJson(join(native, 'package.json'));
  const [os, cpu, libc] = platform.split('-');
  const name = `tfjs-backend-native-${platform}`;
  const folder = join(destination, name);
  mkdirSync(folder, { recursive: true });
  const manifest = {
    name,
    version,
    description: `The addon of tfjs-backend-native for ${platform}`,
    keywords: ['tfjs-backend-native', os, cpu],
    license,
    publishConfig: { access: 'public' },
    engines,
    os: [os],
    cpu: [cpu],
    ...(libc === undefined ? {} : { libc: [libc === 'gnu' ? 'glibc' : libc] }),
    main: FILE,
    files: [FILE],
  };
  writeJson(join(folder, 'package.json'), manifest);
  writeFileSync(
    join(folder, 'README.md'),
    `# ${name}\n\nThe addon of [tfjs-backend-native](https://www.npmjs.com/package/tfjs-backend-native) for ${platform}.\nnpm installs it with that package, where it fits.\n`,
  );
  copyFileSync(join(native, 'LICENSE'), join(folder, 'LICENSE'));
  copyFileSync(join(native, 'prebuilds', platform, FILE), join(folder, FILE));
  return folder;
}

const writeJson = (path, value) => writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);

/**
 * Makes the tarballs of a release in `destination`: all packages, built, with the `repository` of the root's
 * package.json, and a package for each platform whose addon is in prebuilds/ (this one's is put there),
 * on which the native backend's depends. Returns the tarballs by the packages' names.
 */
export function packRelease(destination) {
  const staging = join(destination, 'staging');
  rmSync(staging, { recursive: true, force: true });
  mkdirSync(staging, { recursive: true });
  const all = [...programs, ...models];
  execFileSync('node', [join(native, 'scripts', 'stage-addon.mjs')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const platforms = stagedAddons();
  const built = npmPack(
    all.map(({ folder }) => folder),
    staging,
    { scripts: true },
  );
  const folders = all.map(({ folder: source, manifest: { name } }) => {
    const folder = join(staging, name);
    mkdirSync(folder, { recursive: true });
    execFileSync('tar', ['-xzf', built.get(name).tarball, '-C', folder, '--strip-components=1']);
    const path = join(folder, 'package.json');
    const { scripts, devDependencies, ...manifest } = readJson(path);
    // What is left of the scripts is what an installation runs.
    if (scripts?.install !== undefined) manifest.scripts = { install: scripts.install };
    if (rootManifest.repository !== undefined)
      manifest.repository = {
        ...rootManifest.repository,
        directory: relative(root, source).split(sep).join('/'),
      };
    if (source === native)
      manifest.optionalDependencies = Object.fromEntries(
        platforms.map((platform) => [`${name}-${platform}`, manifest.version]),
      );
    writeJson(path, manifest);
    return folder;
  });
  folders.push(...platforms.map((platform) => writePlatformPackage(platform, staging)));
  const packed = npmPack(folders, destination);
  rmSync(staging, { recursive: true });
  return packed;
}
