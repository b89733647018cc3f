// npm run bench -- [NAME...] [--json FILE] [--python PATH] [--rounds N]
// Times Easel's native backend beside its peers, each in a process of its own, in turns within one run; medians of all repeats.
// ratio = fastest peer ÷ ours, so above 1 we are ahead. A peer that is not installed is named and left out:
// python -m pip install numpy threadpoolctl torch   brings both Python peers.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { cases } from './cases.mjs';

const { values: options, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'string' },
    python: { type: 'string', default: 'python3' },
    rounds: { type: 'string', default: '7' },
  },
});
const here = new URL('./peers/', import.meta.url).pathname;
const contestants = [
  ['easel', process.execPath, [`${here}tfjs_peer.mjs`, 'native']],
  ['openblas', options.python, [`${here}python_peer.py`, 'numpy']],
  ['torch', options.python, [`${here}python_peer.py`, 'torch']],
  ['tfjs-wasm', process.execPath, [`${here}tfjs_peer.mjs`, 'wasm']],
];

/** A peer process: one request, one answer. Resolves to undefined once it has died. */
class Peer {
  constructor(name, command, args) {
    this.name = name;
    this.process = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.errors = '';
    this.process.stderr.on('data', (data) => {
      this.errors += data;
    });
    this.process.stdin.on('error', () => {});
    this.waiting = [];
    this.gone = false;
    const end = () => {
      this.gone = true;
      for (const resolve of this.waiting.splice(0)) resolve(undefined);
    };
    this.process.on('error', end);
    const lines = createInterface({ input: this.process.stdout });
    lines.on('line', (line) => {
      if (line.startsWith('{')) this.waiting.shift()?.(JSON.parse(line));
    });
    lines.on('close', end);
  }
  ask(request) {
    if (this.gone) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.waiting.push(resolve);
      this.process.stdin.write(`${JSON.stringify(request)}\n`);
    });
  }
}

const median = (list) => {
  const sorted = [...list].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

const chosen = cases.filter((c) => wanted.length === 0 || wanted.some((w) => c.name.includes(w)));
if (chosen.length === 0)
  throw new Error(`no case named ${wanted.join(', ')}; there are ${cases.map((c) => c.name).join(', ')}`);

const peers = [];
for (const [name, command, args] of contestants) {
  const peer = new Peer(name, command, args);
  const about = await peer.ask({ command: 'describe' });
  if (about) {
    peers.push(peer);
    console.error(`${name}: ${JSON.stringify(about)}`);
  } else console.error(`${name}: left out (${peer.errors.trim().split('\n').pop() || 'did not start'})`);
}
console.error(`cpu: ${cpus()[0].model} × ${cpus().length}\n`);
if (peers[0]?.name !== 'easel') throw new Error('the native backend did not start: run `npx easel doctor`');

const rows = [];
for (const test of chosen) {
  const times = new Map(peers.map((p) => [p, []]));
  const repeats = Math.max(1, Math.min(50, Math.round(4e9 / test.flop)));
  for (let round = 0; round < Number(options.rounds); round++)
    for (const peer of peers) {
      const answer = await peer.ask({ command: 'run', ...test, repeats });
      if (answer?.ms) times.get(peer).push(...answer.ms);
    }
  const [ours, ...others] = peers.map((p) => [
    p.name,
    times.get(p).length ? median(times.get(p)) : undefined,
  ]);
  const measured = others.filter(([, ms]) => ms !== undefined);
  const fastest = Math.min(...measured.map(([, ms]) => ms));
  rows.push({
    name: test.name,
    unit: 'ms',
    easel: ours[1],
    peers: Object.fromEntries(measured),
    limit: null,
    ratio: measured.length ? fastest / ours[1] : null,
    gflops: test.flop / ours[1] / 1e6,
  });
  const last = rows.at(-1);
  if (rows.length === 1) {
    const names = peers.slice(1).map((p) => p.name);
    console.log(`| case | easel ms | GFLOP/s | ${names.join(' ms | ')} ms | ratio |`);
    console.log(`|---|--:|--:|${names.map(() => '--:|').join('')}--:|`);
  }
  const show = (ms) => (ms === undefined ? '–' : ms.toPrecision(3));
  console.log(
    `| ${last.name} | ${show(last.easel)} | ${last.gflops.toFixed(0)} | ${peers
      .slice(1)
      .map((p) => show(last.peers[p.name]))
      .join(' | ')} | ${last.ratio?.toFixed(2) ?? '–'} |`,
  );
}
if (options.json) writeFileSync(options.json, `${JSON.stringify(rows, null, 2)}\n`);
for (const peer of peers) peer.process.stdin.end();
