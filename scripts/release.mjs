// A release, in two steps that a person starts:
//   npm run release -- version [major|minor|patch|…]   sets the next version everywhere, by Lerna; moves what
//     CHANGELOG.md has under "Unreleased" below it; commits and tags, and pushes nothing
//   npm run release -- publish [--dry-run]   packs all packages anew and publishes the tarballs, those first
//     on which others depend
// What `npm run pack-test` tries is what is published: the same tarballs, byte for byte as npm packs them.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packRelease, root, rootManifest } from './packages.mjs';

const USAGE = 'npm run release -- version [BUMP], or npm run release -- publish [--dry-run]';

/** What stands under "Unreleased" goes below a heading of the version and the day. */
export function datedChangelog(text, version, day) {
  const heading = '\n## Unreleased\n';
  if (!text.includes(heading)) throw new Error(`CHANGELOG.md: there is no heading "${heading.trim()}"`);
  return text.replace(heading, `${heading}\n## ${version}, ${day}\n`);
}

/** Names in an order in which each comes after those on which it depends. */
export function inOrder(manifests) {
  const order = [];
  const visit = (name) => {
    if (order.includes(name) || !manifests.has(name)) return;
    const { dependencies, optionalDependencies } = manifests.get(name);
    for (const other of Object.keys({ ...dependencies, ...optionalDependencies })) visit(other);
    order.push(name);
  };
  for (const name of manifests.keys()) visit(name);
  return order;
}

function setVersion(bump) {
  const args = ['lerna', 'version', ...bump, '--no-push'];
  process.exitCode = spawnSync('npx', args, { cwd: root, stdio: 'inherit' }).status ?? 1;
}

/** Lerna runs this between the new version and the commit, as the root's script "version". */
function dateChangelog() {
  const path = join(root, 'CHANGELOG.md');
  const { version } = JSON.parse(readFileSync(join(root, 'lerna.json'), 'utf8'));
  const day = new Date().toISOString().slice(0, 10);
  writeFileSync(path, datedChangelog(readFileSync(path, 'utf8'), version, day));
  execFileSync('git', ['add', path], { cwd: root });
}

function publish(dryRun) {
  if (rootManifest.repository === undefined) {
    const fault = 'package.json of the root has no "repository", which every package carries';
    if (!dryRun) throw new Error(`${fault}: set it before the first release`);
    console.error(`release: ${fault}`);
  }
  const folder = mkdtempSync(join(tmpdir(), 'easel-release-'));
  try {
    const packed = packRelease(folder);
    const manifestOf = (tarball) =>
      JSON.parse(execFileSync('tar', ['-xzOf', tarball, 'package/package.json'], { encoding: 'utf8' }));
    const manifests = new Map([...packed].map(([name, { tarball }]) => [name, manifestOf(tarball)]));
    for (const name of inOrder(manifests)) {
      const { tarball } = packed.get(name);
      const args = ['publish', tarball, '--access', 'public', ...(dryRun ? ['--dry-run'] : [])];
      const { status } = spawnSync('npm', args, { cwd: root, stdio: 'inherit' });
      if (status !== 0) throw new Error(`${name} was not published; what came before it was`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (process.argv[1] === import.meta.filename) {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { 'dry-run': { type: 'boolean', default: false } },
  });
  const [step, ...rest] = positionals;
  if (step === 'version') setVersion(rest);
  else if (step === 'date-changelog') dateChangelog();
  else if (step === 'publish' && rest.length === 0) publish(values['dry-run']);
  else throw new Error(USAGE);
}
