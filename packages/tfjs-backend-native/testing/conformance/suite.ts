import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { addon, type CpuTarget, setTarget } from '../../src/addon.js';
import '../../src/index.js';
import { esModuleLoader } from './es-modules.js';
import { installJasmine } from './jasmine.js';

/**
 * The specs of tfjs-core 4.22.0 that apply, in Node, to a backend that is not tfjs's own. The cpu
 * backend has two more.
 */
const SPECS = 4230;
/** How many of these are declared with xit. */
const PENDING = 5;
/**
 * The one spec that demands a wrong result. avgPool with explicit padding divides by the number of
 * pixels inside of the picture, and the spec's gradient by the whole window.
 */
const WRONG = ['gradient x=[3,3,1] f=[3,3] s=1 p=explicit'];

/**
 * Defines the whole test suite of tfjs-core as jest tests of the native backend under one
 * instruction set. The suite ships compiled in tfjs-core's npm package. Memory is poisoned when it
 * is taken and released. One more test checks that no spec is missing. If this machine cannot run
 * the instruction set, nothing is defined.
 */
export function defineConformanceSuite(target: CpuTarget): void {
  if (!addon().status().targets.includes(target)) {
    test.skip(`this machine does not run ${target}`, () => undefined);
    return;
  }
  const require = createRequire(import.meta.url);
  const dist = join(dirname(require.resolve('@tensorflow/tfjs-core/package.json')), 'dist');
  const before = { target: addon().status().target, poison: process.env.TFJS_NATIVE_POISON };
  beforeAll(() => {
    setTarget(target);
    process.env.TFJS_NATIVE_POISON = '1'; // read whenever the suite makes a new backend
  });
  afterAll(() => {
    setTarget(before.target);
    if (before.poison === undefined) delete process.env.TFJS_NATIVE_POISON;
    else process.env.TFJS_NATIVE_POISON = before.poison;
  });

  // The specs' own output is silenced. Each file of jest has a console of its own.
  for (const name of ['log', 'warn'] as const) console[name] = () => undefined;
  const counts = installJasmine(new Set(WRONG));
  const core = { core: () => ({}) }; // tfjs-core's jasmine_util only sets a default there
  const load = esModuleLoader(new Map([['jasmine-core/lib/jasmine-core/jasmine.js', core]]));
  load(join(dist, 'index.js'));
  load(join(dist, 'public/chained_ops/register_all_chained_ops.js'));
  load(join(dist, 'register_all_gradients.js'));
  const { setTestEnvs } = load(join(dist, 'jasmine_util.js')) as { setTestEnvs: (envs: unknown[]) => void };
  setTestEnvs([{ name: 'native', backendName: 'native', flags: {}, isDataSync: true }]);
  Error.stackTraceLimit = 10; // jasmine_util makes it infinite, which costs jest half of the time
  load(join(dist, 'tests.js'));

  describe('the suite', () => {
    test(`ran whole on ${target}`, () => {
      expect(addon().status().target).toBe(target);
      expect(counts).toEqual({ defined: SPECS, pending: PENDING, passed: SPECS - PENDING - 1, wrong: 1 });
    });
  });
}
