// Which file is the addon: the one that was built in this package, else the one of the package that npm
// has installed for this platform. CommonJS, since both builds of the package and the installer load it.
const { existsSync } = require('node:fs');
const { join } = require('node:path');

const FILE = 'tfjs_backend_native.node';

/** This machine's platform, as its package is named: linux-x64-gnu, linux-arm64-musl, darwin-arm64, win32-x64. */
function platformName(arch = process.arch) {
  const libc =
    process.platform === 'linux' ? [require('detect-libc').familySync() === 'musl' ? 'musl' : 'gnu'] : [];
  return [process.platform, arch, ...libc].join('-');
}

/**
 * Returns the addon's path. TFJS_NATIVE_ADDON names another folder whose build/Release has it. Throws
 * Error, with the name of the package that is missing, if there is none.
 */
function findAddon(packageDir) {
  const { TFJS_NATIVE_ADDON: other } = process.env;
  const built = join(other || packageDir, 'build', 'Release', FILE);
  if (existsSync(built)) return built;
  if (other) throw new Error(`TFJS_NATIVE_ADDON is ${other}, and there is no ${built}`);
  const name = `tfjs-backend-native-${platformName()}`;
  try {
    return require.resolve(`${name}/${FILE}`);
  } catch {
    throw new Error(`it was not built here, and the package ${name} is not installed`);
  }
}

module.exports = { FILE, findAddon, platformName };
