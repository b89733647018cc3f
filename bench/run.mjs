// npm run bench -- [NAME...] [--json FILE] [--python PATH] [--tfjs-node DIR] [--rounds N]
// [--peers LIST] [--cpu serial|avx2|avx512] [--list] Times Easel's native backend beside its peers, each in a process of its
// own, in turns within one run; medians of all repeats. README.md says how peers are installed, and
// how to read the table. NAME is a part of a case's name, or a family's.
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { cases } from './cases.mjs';
import { Contestant } from './contestant.mjs';
import { Machine } from './machine/machine.mjs';
import { median } from './median.mjs';

const { values: options, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'string' },
    python: { type: 'string', default: process.env.EASEL_BENCH_PYTHON ?? 'python3' },
    'tfjs-node': { type: 'string', default: process.env.EASEL_BENCH_TFJS_NODE },
    rounds: { type: 'string', default: '7' },
    peers: { type: 'string' },
    cpu: { type: 'string' },
    list: { type: 'boolean', default: false },
  },
});

/**
 * Least time of one turn, in ms. A turn is one run that is not timed, then timed runs until this
 * time is over.
 */
const TURN_MS = 40;
/**
 * A peer that takes this many ms for a run, and this many times as long as Easel, gets one turn
 * only.
 */
const SLOW_MS = 200;
const SLOW_RATIO = 6;

/** This peer takes part only in rows that ask for it. */
const ON_DEMAND = 'torch-compiled';

/** For rows with a process of their own: passes over all contestants, and runs of a pass. */
const ALONE_PASSES = 2;
const ALONE_RUNS = 2;

/**
 * Peers allocate their results with malloc, which gives large blocks back to the system each time.
 * A layer norm of 32 MB then takes PyTorch 8 to 30 ms in place of 1.3, all of it page faults. With
 * these settings glibc keeps the memory, as Easel's pool does. OpenMP's threads are bound to cores.
 * Otherwise two threads may spin on one core after a pause, and every barrier takes a scheduler's
 * time slice (8 ms).
 */
const PEER_ENVIRONMENT = {
  MALLOC_MMAP_MAX_: '0',
  MALLOC_TRIM_THRESHOLD_: '100000000000',
  MALLOC_ARENA_MAX: '1',
  OMP_PROC_BIND: 'true',
  TF_CPP_MIN_LOG_LEVEL: '2',
  JAX_PLATFORMS: 'cpu',
};

/**
 * What makes each contestant use an instruction set and no more. A peer that is not named cannot be
 * forced: the wasm backend has one of its own, XLA and TensorFlow choose for themselves.
 */
const FORCED = {
  serial: {
    easel: { TFJS_NATIVE_CPU: 'serial' },
    openblas: { OPENBLAS_CORETYPE: 'Prescott' },
    torch: {
      ATEN_CPU_CAPABILITY: 'default',
      ONEDNN_MAX_CPU_ISA: 'SSE41',
      MKL_ENABLE_INSTRUCTIONS: 'SSE4_2',
    },
  },
  avx2: {
    easel: { TFJS_NATIVE_CPU: 'avx2' },
    openblas: { OPENBLAS_CORETYPE: 'Haswell' },
    torch: { ATEN_CPU_CAPABILITY: 'avx2', ONEDNN_MAX_CPU_ISA: 'AVX2', MKL_ENABLE_INSTRUCTIONS: 'AVX2' },
  },
  avx512: {
    easel: { TFJS_NATIVE_CPU: 'avx512' },
    openblas: { OPENBLAS_CORETYPE: 'SkylakeX' },
    torch: {
      ATEN_CPU_CAPABILITY: 'avx512',
      ONEDNN_MAX_CPU_ISA: 'AVX512_CORE',
      MKL_ENABLE_INSTRUCTIONS: 'AVX512',
    },
  },
};
if (options.cpu !== undefined && !Object.hasOwn(FORCED, options.cpu))
  throw new Error(`--cpu: expected one of ${Object.keys(FORCED).join(', ')}, got ${options.cpu}`);

/** The variables that force a contestant, or none. */
function forced(name) {
  return options.cpu === undefined ? {} : (FORCED[options.cpu][name.replace(/-compiled$/, '')] ?? {});
}

/** A contestant's name in the table: with a star if it could not be forced. */
function columnName(name) {
  return options.cpu === undefined || Object.keys(forced(name)).length > 0 ? name : `${name}*`;
}

const chosen = cases.filter(
  (test) => wanted.length === 0 || wanted.some((word) => test.name.includes(word) || test.family === word),
);
if (chosen.length === 0)
  throw new Error(`no case named ${wanted.join(', ')}; npm run bench -- --list names them`);
if (options.list) {
  for (const { family, name } of chosen) console.log(`${family.padEnd(12)} ${name}`);
  process.exit(0);
}

const candidates = contestants();
const peers = chosen.some((test) => !test.alone) ? await startPeers() : [];
const [easel] = peers;
if (peers.length > 0 && easel?.name !== 'easel')
  throw new Error('the native backend did not start: run `npx easel doctor`');
const machine = Machine.start(undefined, options.cpu);
const rows = await describeMachine();

const names = [
  ...new Set([...peers.slice(1).map((peer) => peer.name), ...chosen.flatMap(({ alone }) => alone ?? [])]),
];
if (options.cpu !== undefined) {
  const free = names.filter((name) => columnName(name) !== name);
  const rest = free.length > 0 ? `; * cannot be forced and may use more` : '';
  console.log(`Instruction set: ${options.cpu}${rest}\n`);
}
console.log(`| case | unit | easel | limit | of it | ${names.map(columnName).join(' | ')} | ratio |`);
console.log(`|---|---|--:|--:|--:|${names.map(() => '--:|').join('')}--:|`);
for (const test of chosen)
  for (const row of test.alone ? await measureAlone(test) : [await measure(test)]) show(row);
if (options.json) writeFileSync(options.json, `${JSON.stringify(rows, null, 2)}\n`);
for (const peer of peers) peer.end();
machine?.end();

function show(row) {
  rows.push(row);
  const { name, unit, limit, ratio, peers: times } = row;
  const share = limit === null || row.easel === null ? '–' : `${Math.round((100 * limit) / row.easel)} %`;
  const cells = [
    name,
    unit,
    figure(row.easel),
    figure(limit),
    share,
    ...names.map((peer) => figure(times[peer])),
  ];
  console.log(`| ${cells.join(' | ')} | ${ratio?.toFixed(2) ?? '–'} |`);
}

function figure(time) {
  return time === undefined || time === null ? '–' : time >= 1000 ? time.toFixed(0) : time.toPrecision(3);
}

/** Says how each contestant is started, or why it cannot be started. */
function contestants() {
  const file = (name) => new URL(`peers/${name}`, import.meta.url).pathname;
  const node = (...args) => [process.execPath, ['--no-warnings', '--expose-gc', file('tfjs.mjs'), ...args]];
  const python = (which) => [options.python, [file('python.py'), which]];
  return {
    easel: node('native'),
    openblas: python('numpy'),
    torch: python('torch'),
    'torch-compiled': python('torch'),
    jax: python('jax'),
    'tfjs-node': options['tfjs-node'] ? node('tensorflow', options['tfjs-node']) : 'no --tfjs-node DIR',
    'tfjs-wasm': node('wasm'),
  };
}

function isListed(name) {
  return name === 'easel' || options.peers === undefined || options.peers.split(',').includes(name);
}

/** Starts the peers that are installed, and names those that are not. */
async function startPeers() {
  const started = [];
  for (const [name, candidate] of Object.entries(candidates)) {
    if (name === ON_DEMAND || !isListed(name)) continue;
    if (typeof candidate === 'string') {
      console.error(`${name}: left out (${candidate})`);
      continue;
    }
    const peer = new Contestant(name, ...candidate, {
      env: { ...(name === 'easel' ? {} : PEER_ENVIRONMENT), ...forced(name) },
    });
    const about = await peer.ask({ command: 'describe' });
    if (about === undefined) console.error(`${name}: left out (${peer.lastWords || 'did not start'})`);
    else {
      console.error(`${name}: ${JSON.stringify(about)}`);
      started.push(peer);
    }
  }
  return started;
}

/** Prints what the machine is and what it permits, and returns it as rows. */
async function describeMachine() {
  console.error(`cpu: ${cpus()[0].model.trim()} × ${cpus().length}`);
  if (machine === undefined) {
    console.error('limits: left out (no C++ compiler to measure them with)\n');
    return [];
  }
  const made = [];
  for (const threads of [...new Set([1, machine.threads])]) {
    const one = threads === machine.threads ? machine : Machine.start(threads, options.cpu);
    const found = await one.describe();
    if (one !== machine) one.end();
    console.error(
      `machine, ${threads} thread${threads > 1 ? 's' : ''}: FMA peak ${found.gflops.toFixed(0)} GFLOP/s, read ` +
        `${found.readGBps.toFixed(1)} GB/s, read+write ${found.readWriteGBps.toFixed(1)} GB/s ` +
        `(256 MiB; a stream of 64 MiB reads ${found.read64MBps.toFixed(1)} GB/s)`,
    );
    const fact = (what, unit, limit) =>
      made.push({ name: `machine_${what}_${threads}`, unit, easel: null, peers: {}, limit, ratio: null });
    fact('fma_threads', 'GFLOP/s', found.gflops);
    fact('read_threads', 'GB/s', found.readGBps);
    fact('read_write_threads', 'GB/s', found.readWriteGBps);
  }
  console.error('');
  return made;
}

/**
 * Measures two rows, time and peak memory, of a case that needs a process of its own. Each
 * contestant is started, prepared, timed and ended before the next one. Peers have one pass with
 * memory settings that make them fast, and one with their defaults. The faster time and the smaller
 * memory count.
 */
async function measureAlone(test) {
  const { name, flop, alone } = test;
  const best = { ms: {}, bytes: {} };
  const limits = [];
  for (let pass = 0; pass < ALONE_PASSES; pass++) {
    for (const who of ['easel', ...alone].filter(isListed)) {
      if (machine !== undefined && flop) limits.push(flop / (await machine.fma(0.05)) / 1e6);
      const env = { ...(who === 'easel' || pass > 0 ? {} : PEER_ENVIRONMENT), ...forced(who) };
      const contestant = new Contestant(who, ...candidates[who], { env });
      const kind = who === ON_DEMAND ? `${test.kind}_compiled` : test.kind;
      const prepared = await contestant.ask({ command: 'prepare', ...test, kind });
      if (prepared?.ms === undefined) {
        const reason = prepared?.failed ?? (prepared?.unsupported ? 'no such kind' : contestant.lastWords);
        console.error(`${name}: ${who} fails: ${reason}`);
      } else {
        const { ms } = await contestant.ask({
          command: 'run',
          turnMs: (ALONE_RUNS - 0.5) * prepared.ms,
          warm: false,
        });
        const { bytes } = await contestant.ask({ command: 'peak' });
        best.ms[who] = Math.min(best.ms[who] ?? Infinity, median(ms));
        best.bytes[who] = Math.min(best.bytes[who] ?? Infinity, bytes / 2 ** 20);
      }
      contestant.end();
    }
  }
  const row = (name, unit, { easel: ours = null, ...peers }, limit) => {
    const least = Math.min(...Object.values(peers));
    const ratio = ours !== null && Number.isFinite(least) ? least / ours : null;
    return { name, unit, easel: ours, peers, limit, ratio };
  };
  return [
    row(name, 'ms', best.ms, limits.length > 0 ? median(limits) : null),
    row(`${name}_memory`, 'MB', best.bytes, null),
  ];
}

/** Measures the time of passes over memory, one after the other, in ms. */
async function streamTime(passes) {
  let time = 0;
  for (const bytes of passes) time += median(await machine.stream(bytes, 0.04 / passes.length));
  return time;
}

/**
 * Measures one row. All contestants and the machine take turns, so that all see the same clock rate
 * and the same neighbours.
 */
async function measure(test) {
  const { name, unit, inner, flop, bytes } = test;
  const first = new Map();
  for (const peer of peers) {
    const answer = await peer.ask({ command: 'prepare', ...test });
    if (answer?.ms !== undefined) first.set(peer, answer.ms);
    else if (answer?.failed) console.error(`${name}: ${peer.name} fails: ${answer.failed}`);
    else if (answer === undefined && !peer.reported) {
      peer.reported = true;
      console.error(`${name}: ${peer.name} has ended (${peer.lastWords})`);
    }
  }
  const times = new Map(peers.map((peer) => [peer, []]));
  const limits = { flop: [], stream: [] };
  for (let round = 0; round < Number(options.rounds); round++) {
    if (machine !== undefined && flop) limits.flop.push(flop / (await machine.fma(0.02)) / 1e6);
    if (machine !== undefined && bytes) limits.stream.push(await streamTime([bytes].flat()));
    for (const peer of first.keys()) {
      const slow = first.get(peer) > SLOW_MS && first.get(peer) > SLOW_RATIO * (first.get(easel) ?? 0);
      if (slow && round > 0) continue;
      const answer = await peer.ask({ command: 'run', turnMs: TURN_MS });
      if (answer?.ms) times.get(peer).push(...answer.ms);
    }
  }
  for (const peer of peers) await peer.ask({ command: 'forget' });
  const scale = unit === 'us' ? 1000 / inner : 1 / inner;
  const value = (list) => (list.length > 0 ? median(list) * scale : null);
  const ours = value(times.get(easel));
  const measured = {};
  for (const peer of peers.slice(1))
    if (times.get(peer).length > 0) measured[peer.name] = value(times.get(peer));
  const fastest = Math.min(...Object.values(measured));
  const limit = Math.max(...[limits.flop, limits.stream].filter((list) => list.length > 0).map(median));
  return {
    name,
    unit,
    easel: ours,
    peers: measured,
    limit: Number.isFinite(limit) ? limit : null,
    ratio: ours !== null && Number.isFinite(fastest) ? fastest / ours : null,
  };
}
