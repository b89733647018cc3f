import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Optimizer } from '@easel/core';
import { fromMsgpack } from '@easel/core/node';
import { parseSeq2SeqConfig } from '@easel/train';
import {
  ORIGINAL_STATE,
  originalStateLayout,
  readOriginalState,
  type StateSubject,
  writeOriginalState,
} from '@easel/train/internals';
import * as tf from '@tensorflow/tfjs';
import type { Checks } from '../../checks.js';
import type { TrainFlags } from '../optimizers/recorded-run.js';

/** Returns our settings of the optimizer for the trainer's flags. */
export function optimizerSettings(flags: TrainFlags): StateSubject['optimizer'] {
  const names: Readonly<Record<string, string>> = { adam: 'adamw', distributed_shampoo: 'shampoo' };
  const given = (flag: string, name: string) => (flag in flags ? { [name]: flags[flag] } : {});
  const config = {
    model: {},
    tokenizer: 'none',
    data: { train: 'none' },
    steps: 1,
    schedule: { learningRate: 1 },
    optimizer: {
      name: names[String(flags.optim)] ?? flags.optim,
      ...given('weight_decay', 'weightDecay'),
      ...given('max_grad_norm', 'clippingThreshold'),
      shampoo: {
        ...given('block_size', 'blockSize'),
        ...given('skip_preconditioning_dim_size_gt', 'largestDimension'),
        ...given('graft_type', 'graft'),
        ...given('optim_quantized', 'quantized'),
      },
    },
  };
  return parseSeq2SeqConfig(config).optimizer;
}

const DTYPES: Readonly<Record<string, string>> = { F32: 'float32', I32: 'int32', I8: 'int8' };

/**
 * Writes the optimizer's state as the original does, compares the file's tree with the recorded
 * one, and reads it back.
 */
export async function compareWrittenState(
  checks: Checks,
  recorded: Readonly<Record<string, unknown>>,
  optimizer: Optimizer,
  subject: StateSubject,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'easel-state-'));
  try {
    const path = join(folder, ORIGINAL_STATE);
    const state = optimizer.state();
    await writeOriginalState(path, subject, state);
    const { entries } = fromMsgpack(new Uint8Array(await readFile(path)), path);
    const tree = Object.fromEntries([
      ...[...entries.values()].map(({ name, dtype, shape }) => [name, [DTYPES[dtype], [...shape]]]),
      ...originalStateLayout(subject, (weight) => state.has(`v_row.${weight}`)).emptyMaps.map((name) => [
        name,
        {},
      ]),
    ]);
    const sorted = (pairs: [string, unknown][]) => pairs.sort(([a], [b]) => (a < b ? -1 : 1));
    const want = Object.entries(recorded).map(([name, value]): [string, unknown] => [
      name.replaceAll('/', '.'),
      value,
    ]);
    checks.equal('tree of opt_state.msgpack', 'written', sorted(Object.entries(tree)), sorted(want));
    const back = await readOriginalState(path, subject);
    for (const [name, tensor] of state)
      checks.equal(
        'opt_state.msgpack read back',
        name,
        [...((await back.get(name)?.data()) ?? [])],
        [...(await tensor.data())],
      );
    checks.equal('opt_state.msgpack read back', 'number of tensors', back.size, state.size);
    tf.dispose([...back.values()]);
  } finally {
    await rm(folder, { recursive: true });
  }
}
