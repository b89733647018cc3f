// The test suites of tfjs-data, tfjs-converter and tfjs-layers on cpu and on native:
//   node suites.mjs TFJS [data|converter|layers …]
// TFJS is a checkout of tensorflow/tfjs at tfjs-v4.22.0. Prints a line of JSON a suite. Ends with 1 where a spec fails
// on native that passes on cpu.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { transformSync } from '@swc/core';

const require = createRequire(import.meta.url);
const [tfjs, ...names] = process.argv.slice(2);
const { SUITE: suite, BACKEND: backend } = process.env;

/** Loads TypeScript and ES modules as CommonJS whose exports can be spied on; packages from node_modules. */
function loader() {
  const loaded = new Map();
  const fileOf = (path) =>
    [path, `${path}.ts`, `${path}.js`, join(path, 'index.ts'), join(path, 'index.js')].find(
      (file) => /\.[jt]s$/.test(file) && existsSync(file),
    );
  const folderOf = (name) => join(import.meta.dirname, 'node_modules', name);
  const load = (path) => {
    // The converter's lists of operations are made by its build: the npm package has them.
    const built = path.replace(join(tfjs, 'tfjs-converter/src'), folderOf('@tensorflow/tfjs-converter/dist'));
    const file = fileOf(path) ?? fileOf(built);
    if (file === undefined) throw new Error(`no module at ${path}`);
    if (loaded.has(file)) return loaded.get(file).exports;
    const module = { exports: {} };
    loaded.set(file, module);
    const { code } = transformSync(readFileSync(file, 'utf8').replace(/\/\/# sourceMappingURL=.*/g, ''), {
      configFile: false,
      swcrc: false,
      jsc: {
        target: 'es2020',
        parser: file.endsWith('.ts') ? { syntax: 'typescript' } : { syntax: 'ecmascript' },
      },
      module: { type: 'commonjs', strictMode: false },
    });
    // Spies assign to exports, which must then be what importers see.
    const replaceable = code
      .replace('for(var name in all)Object', 'for(const name in all)Object')
      .replace(
        'Object.defineProperty(target, name, {',
        'Object.defineProperty(target, name, { configurable: true, set: (value) => Object.defineProperty(target, name, { value, writable: true }),',
      )
      // tfjs-layers has specs for cpu alone, which are not about the backend.
      .replace("testEnv.backendName === 'cpu'", `testEnv.backendName === '${backend}'`);
    const find = (id) => {
      if (id.startsWith(`tfjs-${suite}/`)) return require(join(tfjs, id));
      if (id.endsWith('.json')) return require(join(dirname(file), id));
      if (id.startsWith('.')) return load(join(dirname(file), id));
      const [, name, inside] =
        /^(@tensorflow\/tfjs-(?:core|converter|data|layers|backend-cpu))(\/.*)?$/.exec(id) ?? [];
      return name === undefined ? require(id) : load(join(folderOf(name), inside ?? 'dist/index.js'));
    };
    new Function('module', 'exports', 'require', '__dirname', `${replaceable}\n//# sourceURL=${file}`)(
      module,
      module.exports,
      find,
      dirname(file),
    );
    return module.exports;
  };
  return { load, core: (path) => load(join(folderOf('@tensorflow/tfjs-core/dist'), path)) };
}

/** Runs one suite on one backend in this process. Prints the specs as JSON: { passed: […], failed: {name: message} }. */
async function runSuite() {
  await import('tfjs-backend-native');
  const Jasmine = (await import('jasmine')).default;
  const runner = new Jasmine();
  runner.exitOnCompletion = false;
  runner.loadConfig({ spec_dir: '.', spec_files: [], random: false });
  runner.clearReporters();
  const counts = { passed: [], pending: [], failed: {} };
  runner.addReporter({
    specDone: ({ fullName, status, failedExpectations }) => {
      if (status === 'failed') counts.failed[fullName] = failedExpectations[0]?.message ?? '';
      else counts[status === 'passed' ? 'passed' : 'pending'].push(fullName);
    },
  });
  const { load, core } = loader();
  const tf = core('index.js');
  core('public/chained_ops/register_all_chained_ops.js');
  core('register_all_gradients.js');
  const { setTestEnvs } = core('jasmine_util.js');
  setTestEnvs([{ name: 'suite', backendName: backend, flags: {}, isDataSync: true }]);
  Error.stackTraceLimit = 10;
  await tf.setBackend(backend);
  for (const level of ['log', 'warn', 'info']) console[level] = () => undefined;
  const source = join(tfjs, `tfjs-${suite}`, 'src');
  const specs = readdirSync(source, { recursive: true })
    .filter((file) => file.endsWith('_test.ts'))
    .sort();
  load(join(source, 'index.ts')); // modules that import each other come in this order
  const unloaded = {};
  for (const spec of specs) {
    try {
      load(join(source, spec));
    } catch (error) {
      unloaded[spec] = String(error?.message).split('\n')[0];
    }
  }
  await runner.execute();
  process.stdout.write(`\n${JSON.stringify({ ...counts, unloaded })}\n`, () => process.exit(0));
}

if (suite !== undefined) await runSuite();
else {
  for (const name of names.length > 0 ? names : ['data', 'converter', 'layers']) {
    const [cpu, native] = ['cpu', 'native'].map((on) => {
      const { stdout, stderr } = spawnSync(process.execPath, [import.meta.filename, tfjs], {
        encoding: 'utf8',
        maxBuffer: 1 << 28,
        env: { ...process.env, SUITE: name, BACKEND: on, NODE_ENV: 'test' },
      });
      const line = stdout.trim().split('\n').at(-1);
      try {
        return JSON.parse(line);
      } catch {
        throw new Error(`tfjs-${name} on ${on}:\n${stdout.slice(-2000)}\n${stderr.slice(-4000)}`);
      }
    });
    const passedOnNative = new Set(native.passed);
    const worse = cpu.passed
      .filter((spec) => !passedOnNative.has(spec))
      .map((spec) => [spec, native.failed[spec] ?? 'did not run']);
    const count = ({ passed, failed, pending }) => ({
      passed: passed.length,
      failed: Object.keys(failed).length,
      pending: pending.length,
    });
    console.log(
      JSON.stringify({
        name: `tfjs-${name}'s suite`,
        cpu: count(cpu),
        native: count(native),
        worse: Object.fromEntries(worse),
        failedOnCpu: cpu.failed,
        unloaded: native.unloaded,
        ok: worse.length === 0,
      }),
    );
    if (worse.length > 0) process.exitCode = 1;
  }
}
