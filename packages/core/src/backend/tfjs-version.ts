import { EaselError } from '../errors.js';

/** The tfjs on whose private parts fused operations rely; the packages' peer range says the same. */
const SERIES = '4.22.';

/**
 * Throws EaselError if a program runs another tfjs than the one that Easel's packages ask for, as npm
 * installs with --legacy-peer-deps or --force.
 */
export function checkTfjsVersion(version: string): void {
  if (!version.startsWith(SERIES))
    throw new EaselError(
      `@tensorflow/tfjs: expected version ${SERIES}x, got ${version}. Install the one that Easel uses: npm install @tensorflow/tfjs@~${SERIES}0`,
    );
}
