// Runs node-gyp on a folder with this package's binding.gyp, offline.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);

/**
 * node-gyp's program: that of this repository, or the one that npm carries and names to install
 * scripts. Undefined if there is neither.
 */
function findNodeGyp() {
  try {
    return join(dirname(require.resolve('node-gyp/package.json')), 'bin', 'node-gyp.js');
  } catch {
    const { npm_config_node_gyp: carried = '' } = process.env;
    return existsSync(carried) ? carried : undefined;
  }
}

/**
 * Builds build/Release/tfjs_backend_native.node in `folder`; `arch` names another architecture.
 * Returns undefined, or the reason why the build failed.
 */
export function buildAddon(folder, { arch, env: given = process.env } = {}) {
  const env = { ...given };
  // npm passes its nodedir in the environment, and node-gyp prefers that to the argument below.
  for (const name of Object.keys(env))
    if (/^npm_(package_)?config_(node_gyp_)?nodedir$/i.test(name)) delete env[name];
  const gyp = findNodeGyp();
  if (gyp === undefined)
    return 'there is no node-gyp: npm has one (npm rebuild tfjs-backend-native), or install it';
  const jobs = String(Math.min(8, availableParallelism()));
  const options = [
    `--nodedir=${import.meta.dirname}`,
    '--force-process-config',
    '--release',
    `--jobs=${jobs}`,
  ];
  if (arch !== undefined) options.push(`--arch=${arch}`);
  for (const step of ['configure', 'build']) {
    const { status, error, stdout, stderr } = spawnSync(process.execPath, [gyp, step, ...options], {
      cwd: folder,
      env,
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    if (error) return error.message;
    if (status !== 0) {
      const lines = `${stdout}\n${stderr}`.split('\n');
      const telling = lines.filter((line) =>
        /\berror\b|not found|No such file|ERR! (find|stack (?!at ))/i.test(line),
      );
      return (telling.length ? telling : lines.slice(-12)).slice(0, 12).join('\n  ');
    }
  }
  return undefined;
}
