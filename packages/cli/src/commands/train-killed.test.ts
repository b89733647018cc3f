import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prngKey, randomBits } from '@easel/core';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { nativeStatus } from 'tfjs-backend-native';
import { tinyBartConfig } from '../../../draw/testing/tiny-model.js';
import { startEasel, whenBuilt } from '../../testing/easel-process.js';
import { writeTinySet } from '../../testing/tiny-set.js';

jest.setTimeout(600_000);

/**
 * How many processes are killed. A few by default; EASEL_KILLS=20 for many, which takes some
 * minutes. Where the kills fall depends on the machine's speed, what must come out doesn't.
 */
const kills = Number(process.env.EASEL_KILLS ?? 2);
const steps = 40;

// Native, where it is built, writes checkpoints while the training goes on.
const backend = nativeStatus().available ? 'native' : 'cpu';

let root: string;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'easel-killed-'));
  const { train, tokenizer } = await writeTinySet(root);
  const config = {
    model: { ...tinyBartConfig, dropout: 0.1 },
    tokenizer,
    data: { train, blankCaptions: 0.2 },
    steps,
    batchSize: 4,
    schedule: { learningRate: 0.01, warmupSteps: 2 },
    evaluation: { every: 10, trainRows: 4 },
    log: { every: 1 },
    checkpoint: { every: 2, keep: 2, best: { metric: 'trained.loss', goal: 'lowest' } },
  };
  writeFileSync(join(root, 'config.json'), JSON.stringify(config));
});
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

function startTraining(out: string, prefix: readonly string[] = []) {
  const words = ['train', join(root, 'config.json'), '--out', join(root, out), '--resume', '--quiet'];
  return startEasel([...words, '--backend', backend], prefix);
}

/** The metrics of a run, without what depends on the machine's speed. */
const metrics = (out: string) =>
  readFileSync(join(root, out, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const { samplesPerSecond, tokensPerSecond, peakShare, computeShare, memoryMiB, seconds, ...rest } =
        JSON.parse(line);
      return rest;
    });

const checkpoints = (out: string) => readdirSync(join(root, out, 'checkpoints')).sort();

/** Losses, weights and optimizer of two runs, bit for bit. */
function expectSame(one: string, other: string): void {
  expect(metrics(one)).toEqual(metrics(other));
  expect(checkpoints(one)).toEqual(checkpoints(other));
  const files = ['model.safetensors', 'optimizer.safetensors'].map((name) =>
    join('checkpoints', `step-${String(steps).padStart(8, '0')}`, name),
  );
  for (const file of [...files, join('model', 'model.safetensors')])
    expect(readFileSync(join(root, one, file)).equals(readFileSync(join(root, other, file)))).toBe(true);
}

whenBuilt('easel train in processes that end badly (needs npm run build)', () => {
  /**
   * Milliseconds until the first checkpoint, and until the end, of the run that nobody disturbs.
   */
  const spans = { first: 0, whole: 0 };
  beforeAll(async () => {
    const began = performance.now();
    const { ended } = startTraining('whole');
    const watch = setInterval(() => {
      const folder = join(root, 'whole', 'checkpoints');
      if (spans.first === 0 && existsSync(folder) && readdirSync(folder).length > 0)
        spans.first = performance.now() - began;
    }, 5);
    const end = await ended;
    clearInterval(watch);
    spans.whole = performance.now() - began;
    expect(end).toMatchObject({ code: 0 });
  });

  test(`${kills} of them killed at random moments: the run ends with the bits of one that was not`, async () => {
    const seed = Number(process.env.EASEL_KILL_SEED ?? 1);
    const draws = randomBits(prngKey(seed), kills);
    const told: string[] = [];
    let [run, killed, halfWritten] = [0, 0, 0];
    while (killed < kills) {
      const out = `killed-${run++}`;
      for (;;) {
        const { child, ended } = startTraining(out);
        let timer: ReturnType<typeof setTimeout> | undefined;
        if (killed < kills) {
          // From shortly before the first checkpoint on, for about as long as half the run takes
          // from there.
          const share = (draws[killed] as number) / 2 ** 32;
          const delay = spans.first * 0.9 + (share * (spans.whole - spans.first)) / 2;
          timer = setTimeout(() => child.kill('SIGKILL'), delay);
        }
        const { code, signal, stderr } = await ended;
        clearTimeout(timer);
        if (signal !== 'SIGKILL') {
          expect({ code, stderr }).toMatchObject({ code: 0 });
          break;
        }
        killed++;
        const left = [
          ...(existsSync(join(root, out)) ? readdirSync(join(root, out)) : []),
          ...(existsSync(join(root, out, 'checkpoints')) ? checkpoints(out) : []),
        ];
        if (left.some((name) => /^\..*(partial|old)$/.test(name))) halfWritten++;
        told.push(
          left
            .filter((name) => /^step/.test(name))
            .at(-1)
            ?.slice(-3) ?? 'none',
        );
      }
      expectSame(out, 'whole');
    }
    if (process.env.EASEL_KILLS !== undefined)
      console.log(
        `${killed} processes killed in ${run} runs, ${halfWritten} of them in the midst of a checkpoint or model; newest checkpoint at each kill: ${told.join(' ')}`,
      );
  });

  test('a file that cannot be written to its end: the older checkpoint stays, and the run goes on from it', async () => {
    // A limit on the size of files stands for a full disk: the write of the optimizer's file fails
    // in its midst.
    const first = startTraining('full');
    const watch = setInterval(() => {
      const folder = join(root, 'full', 'checkpoints');
      if (existsSync(folder) && readdirSync(folder).some((name) => name.startsWith('step')))
        first.child.kill('SIGKILL');
    }, 5);
    await first.ended;
    clearInterval(watch);
    const before = checkpoints('full').filter((name) => name.startsWith('step'));
    const contents = before.map((name) =>
      readFileSync(join(root, 'full', 'checkpoints', name, 'optimizer.safetensors')),
    );
    const limited = await startTraining('full', ['sh', '-c', 'ulimit -f 24; exec "$@"', 'sh']).ended;
    expect(limited).toMatchObject({ code: 1 });
    expect(limited.stderr).toMatch(/can't be written.*The last good one is .*step-/);
    expect(checkpoints('full')).toEqual(before);
    for (const [i, name] of before.entries())
      expect(
        readFileSync(join(root, 'full', 'checkpoints', name, 'optimizer.safetensors')).equals(
          contents[i] as Buffer,
        ),
      ).toBe(true);
    if (process.env.EASEL_KILLS === undefined) return; // that a run goes on from an older checkpoint is shown above
    expect(await startTraining('full').ended).toMatchObject({ code: 0 });
    expectSame('full', 'whole');
  });
});
