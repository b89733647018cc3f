// node bench/huge-pages.mjs [--folder DIR] [--rounds N] Says what huge pages bring on this machine, as it
// is and with its free memory filled with page cache: the probe of tfjs-backend-native, what follows from
// it, and the time of filling 256 MB of fresh blocks. Each round is a process of its own. The page cache
// is filled by reading a file without data, which is then removed.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, readSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { median } from './median.mjs';

const { values: options } = parseArgs({
  options: {
    folder: { type: 'string', default: tmpdir() },
    rounds: { type: 'string', default: '3' },
    child: { type: 'boolean', default: false },
  },
});
const FILLED_MB = 256;

function freeMegabytes() {
  return Number(/MemFree:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))[1]) / 1024;
}

async function measure() {
  const tf = await import('@tensorflow/tfjs');
  const { nativeStatus } = await import('tfjs-backend-native');
  await tf.setBackend('native');
  const { hugePages } = nativeStatus();
  const begin = performance.now();
  const filled = Array.from({ length: FILLED_MB / 32 }, () => tf.fill([2 ** 23], 1));
  const fillMs = performance.now() - begin;
  tf.dispose(filled);
  console.log(JSON.stringify({ ...hugePages, fillMs }));
}

/** Reads as many zeros, which are nowhere on disk, as memory is free. */
function fillPageCache(folder) {
  const path = join(folder, 'zeros');
  writeFileSync(path, '');
  truncateSync(path, 2 ** 38);
  const file = openSync(path, 'r');
  const piece = new Uint8Array(2 ** 24);
  const bytes = freeMegabytes() * 2 ** 20;
  for (let read = 0; read < bytes; read += piece.length) readSync(file, piece, 0, piece.length, read);
}

function row(state) {
  const script = fileURLToPath(import.meta.url);
  const runs = Array.from({ length: Number(options.rounds) }, () =>
    JSON.parse(execFileSync(process.execPath, ['--no-warnings', script, '--child'], { encoding: 'utf8' })),
  );
  const of = (what, digits) => median(runs.map(what)).toFixed(digits);
  const advised = runs.filter((run) => run.advised).length;
  console.log(
    `| ${state} | ${of((run) => run.withMs, 2)} | ${of((run) => run.withoutMs, 2)} | ${advised} of ${runs.length} | ${of((run) => run.fillMs, 0)} |`,
  );
}

if (options.child) await measure();
else {
  const folder = mkdtempSync(join(options.folder, 'easel-bench-'));
  try {
    console.log('| memory | 4 MB with huge pages, ms | without, ms | asked for | 256 MB filled, ms |');
    console.log('|---|--:|--:|--:|--:|');
    row(`${(freeMegabytes() / 1024).toFixed(1)} GB free`);
    fillPageCache(folder);
    row('full of page cache');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
