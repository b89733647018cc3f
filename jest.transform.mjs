// @swc/jest, with the globals of inner loops as constants of each module. Tests run in a context of node:vm, where
// looking a global up costs some hundred nanoseconds each time: a loop over Math.max spent most of its time on that.
// What sandboxInjectedGlobals does for CommonJS (tfjs), jest has not for ES modules.
import { createHash } from 'node:crypto';
import swc from '@swc/jest';

/** Names that no module declares itself: that would be a SyntaxError. */
export const LOOP_GLOBALS = [
  'Math',
  'Number',
  'Float32Array',
  'Float64Array',
  'Int32Array',
  'Uint8Array',
  'Uint32Array',
];

const PRELUDE = `const { ${LOOP_GLOBALS.join(', ')} } = globalThis;`;

function withGlobals(result) {
  return { ...result, code: `${PRELUDE} ${result.code}` }; // on the first line, so that lines stay what they are
}

export default {
  createTransformer(options) {
    const transformer = swc.createTransformer(options);
    return {
      ...transformer,
      getCacheKey: (...given) =>
        createHash('sha256')
          .update(PRELUDE + transformer.getCacheKey(...given))
          .digest('hex')
          .slice(0, 32),
      process: (...given) => withGlobals(transformer.process(...given)),
      processAsync: async (...given) => withGlobals(await transformer.processAsync(...given)),
    };
  },
};
