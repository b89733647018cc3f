// Random programs of kernels and their gradients, on this backend against TensorFlow, finite differences in float64
// and the adjoint identity:
//   node scripts/fuzz.mjs --python PYTHON [--cases 20000] [--seed 1] [--backend native|cpu] [--families strings,pools] [--record FILE --each 20]
// PYTHON has TensorFlow (pip install tensorflow-cpu). A seed is one program, so that `--seed S --cases 1` shows a fault
// again. --record writes seeds with TensorFlow's answers for the tests, `--each` of a kernel and those of --keep. Ends
// with 1 where something differs. Runs the sources: no build, but the addon, is needed.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import './typescript-hooks.mjs';

const { values: options } = parseArgs({
  options: {
    python: { type: 'string', default: 'python3' },
    cases: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    backend: { type: 'string', default: 'native' },
    record: { type: 'string' },
    each: { type: 'string', default: '3' },
    keep: { type: 'string', default: '' },
    families: { type: 'string', default: '' },
    verbose: { type: 'boolean', default: false },
  },
});

process.env.TFJS_NATIVE_POISON = '1';
const tf = await import('@tensorflow/tfjs');
await import('../src/index.ts');
const { digestOf, drawProgram } = await import('../testing/fuzz/families.ts');
const { adjointFaults, faultsOf, runFuzz } = await import('../testing/fuzz/check.ts');
await tf.setBackend(options.backend);

const script = join(import.meta.dirname, '../../../reference/tfjs-kernels.py');
/** TensorFlow in a process of its own, which a fault of TensorFlow's may end: `ask` then gives undefined, and the next one begins. */
function startReference() {
  const child = spawn(options.python, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.on('error', () => undefined);
  return { child, answers: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
}
let reference = startReference();

const first = Number(options.seed);
const count = Number(options.cases);
const perFamily = new Map();
const only = new Set(options.families.split(',').filter((family) => family !== ''));
const keep = new Set(options.keep.split(',').map(Number));
const recorded = [];
const recordedPer = new Map();
let faults = 0;
let done = 0;

/** Programs in work at TensorFlow: it computes while this process does. */
const AHEAD = 64;
const waiting = [];
let next = first;
const send = () => {
  while (next < first + count && only.size > 0 && !only.has(drawProgram(next).family)) next += 1;
  if (next >= first + count) return;
  const program = drawProgram(next);
  waiting.push([next, program]);
  reference.child.stdin.write(`${JSON.stringify(program)}\n`);
  next += 1;
};
for (let i = 0; i < AHEAD; i++) send();

while (waiting.length > 0) {
  const [seed, program] = waiting.shift();
  const line = await reference.answers.next();
  if (line.done) {
    console.log(`seed ${seed} ${program.steps.map(({ kernel }) => kernel).join('>')}: TensorFlow ended`);
    reference = startReference();
    for (const [, ahead] of waiting) reference.child.stdin.write(`${JSON.stringify(ahead)}\n`);
    send();
    continue;
  }
  send();
  const answer = JSON.parse(line.value);
  const tally = perFamily.get(program.family) ?? {
    programs: 0,
    gradients: 0,
    adjoints: 0,
    slopes: 0,
    refused: 0,
    accepted: 0,
    faults: 0,
  };
  perFamily.set(program.family, tally);
  tally.programs += 1;
  done += 1;
  if (done % 1000 === 0) console.error(`${done} programs, ${faults} differ`);
  let found = [];
  try {
    const run = runFuzz(program);
    if (answer.error !== undefined) {
      tally.accepted += 1;
      if (options.verbose)
        console.log(`seed ${seed} ${program.steps.at(-1).kernel}: TensorFlow refuses: ${answer.error}`);
    } else {
      found = faultsOf(program, run, answer);
      tally.slopes += (answer.slopes ?? []).filter((slope) => slope !== null).length;
      tally.gradients += (answer.gradients ?? []).filter((gradient) => gradient !== null).length;
      tally.adjoints += program.linear?.length ?? 0;
      if (found.length === 0) found = adjointFaults(program);
    }
  } catch (error) {
    if (answer.error !== undefined) tally.refused += 1;
    else found = [`throws ${error.message.split('\n')[0].slice(0, 200)}`];
  }
  if (found.length > 0) {
    faults += 1;
    tally.faults += 1;
    const shapes = program.leaves.map((leaf) => `[${leaf.shape}]${leaf.dtype[0]}`).join(' ');
    console.log(
      `seed ${seed} ${program.steps.map(({ kernel }) => kernel).join('>')} ${shapes} ${JSON.stringify(program.steps.at(-1).attrs)}: ${found.join('; ')}`,
    );
  } else if (options.record !== undefined && answer.error === undefined) {
    const kind =
      program.family === 'chains'
        ? `chains ${seed % 12}`
        : `${program.family} ${program.steps.at(-1).kernel}`;
    const kept = recordedPer.get(kind) ?? 0;
    const text = JSON.stringify({ seed, digest: digestOf(program), answer });
    if (keep.has(seed) || (kept < Number(options.each) && text.length < 1200)) {
      recordedPer.set(kind, kept + 1);
      recorded.push(text);
    }
  }
}
reference.child.stdin.end();
console.table(Object.fromEntries(perFamily));
console.log(`${count} programs from seed ${first} on ${options.backend}: ${faults} differ`);
if (options.record !== undefined) writeFileSync(options.record, `[\n${recorded.join(',\n')}\n]\n`);
process.exitCode = faults === 0 ? 0 : 1;
