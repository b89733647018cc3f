// Runs cases on a tfjs backend: node tfjs.mjs native|wasm|cpu|tensorflow [DIR], DIR being the
// folder whose node_modules holds tfjs-node. A family's tfjs.mjs has the plain tfjs programs; on
// `native` its easel.mjs takes precedence, which may use @easel/core.
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { kindsOf } from '../kinds.mjs';
import { inputsOf } from './tfjs_inputs.mjs';

const [backend, folder] = process.argv.slice(2);
const { tf, about, extra } = await load();
if (!(await tf.setBackend(backend))) throw new Error(`tfjs backend '${backend}' did not start`);
await tf.ready();
const inputs = inputsOf(tf);

async function load() {
  if (backend === 'tensorflow') {
    const require = createRequire(join(resolve(folder), 'x.cjs'));
    require('@tensorflow/tfjs-node');
    const tf = require('@tensorflow/tfjs');
    const { version } = require('@tensorflow/tfjs-node/package.json');
    return { tf, about: () => ({ 'tfjs-node': version, tensorflow: tf.backend().binding.TF_Version }) };
  }
  const tf = await import('@tensorflow/tfjs');
  if (backend === 'wasm') await import('@tensorflow/tfjs-backend-wasm');
  if (backend !== 'native') return { tf, about: () => ({ tfjs: tf.version_core }) };
  const { nativeStatus } = await import('tfjs-backend-native');
  return {
    tf,
    extra: { ...(await import('@easel/core')), ...(await import('@easel/core/internals')) },
    about: () => ({ tfjs: tf.version_core, ...nativeStatus() }),
  };
}

/**
 * Least time in ms that a case runs before it is timed. A short case also runs a least number of
 * times, because JavaScript's compiler goes by the number of runs: a product of 0.18 ms took 0.22
 * ms for the first two thousand runs.
 */
const WARM_MS = 80;
const WARM_RUNS = 4000;
const LONGEST_WARM_MS = 1000;
/** A case is short if a run takes less than this many ms. */
const SHORT_MS = 2;

/** Files of a family that are for this backend. */
const FILES = extra === undefined ? ['tfjs.mjs'] : ['tfjs.mjs', 'easel.mjs'];

let prepared;
function forget() {
  if (prepared === undefined) return;
  prepared = undefined;
  tf.engine().endScope();
  tf.disposeVariables();
  globalThis.gc?.();
}

async function timed(run, inner) {
  const start = performance.now();
  for (let i = 0; i < inner; i++) {
    const pending = run();
    if (pending !== undefined) await pending; // a step that waits for its numbers
  }
  return performance.now() - start;
}

const answers = {
  describe: about,
  /**
   * Makes the inputs and runs until the engine has compiled the case. Returns the time of the
   * shortest run. A kind returns a function; its result, or the result of its promise, is disposed.
   */
  async prepare({ family, kind, args, inner }) {
    const make = (await kindsOf(family, FILES))[kind];
    if (make === undefined) return { unsupported: true };
    forget();
    tf.engine().startScope();
    prepared = { inner }; // even if this fails, so that its tensors are freed
    const once = make({ tf, core: extra, ...inputs }, args ?? {});
    prepared.run = () => {
      const result = once();
      if (result instanceof Promise) return result.then((tensors) => void tf.dispose(tensors ?? []));
      if (result !== undefined) tf.dispose(result);
    };
    await prepared.run();
    const start = performance.now();
    let ms = Infinity;
    let spent = 0;
    const warm = (runs) =>
      spent >= WARM_MS && (runs >= WARM_RUNS || ms >= SHORT_MS * inner || spent >= LONGEST_WARM_MS);
    for (let runs = 0; !warm(runs); runs += inner) {
      ms = Math.min(ms, await timed(prepared.run, inner));
      spent = performance.now() - start;
    }
    return { ms };
  },
  async run({ turnMs, warm = true }) {
    const { run, inner } = prepared;
    const ms = [];
    const start = performance.now();
    if (warm) await timed(run, inner);
    while (ms.length === 0 || (performance.now() - start < turnMs && ms.length < 500))
      ms.push(await timed(run, inner));
    return { ms };
  },
  /** Returns the most resident bytes so far. */
  peak: () => ({ bytes: process.resourceUsage().maxRSS * 1024 }),
  forget() {
    forget();
    return {};
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...request } = JSON.parse(line);
  let answer;
  try {
    answer = await answers[command](request);
  } catch (error) {
    answer = { failed: String(error?.message ?? error).split('\n')[0] };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
