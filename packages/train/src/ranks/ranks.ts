import { createHash } from 'node:crypto';
import { EaselError } from '@easel/core';
import { eventLoopTurn } from '@easel/core/internals';
import { allGatherJson, broadcastBytes, type Communicator, oneProcess, RankError } from '@easel/mpi';
import * as tf from '@tensorflow/tfjs';
import { settingsDifferences } from '../config/settings-differences.js';
import { readTensor } from './tensor-memory.js';

/** Bytes that go from rank 0 to the others at a time. */
const PIECE_BYTES = 64 << 20;

/** Lists the settings that differ between rank 0's and another rank's, as `batchSize is 8 and 4`. */
export function differences(
  first: Readonly<Record<string, unknown>>,
  other: Readonly<Record<string, unknown>>,
): string[] {
  return settingsDifferences(first, other).map((line) =>
    line.replace(' was ', ' is ').replace(', now ', ' and '),
  );
}

/** What the ranks agree on after each update. */
export interface Decision {
  /** Whether the run ends here, because a rank was told to stop. */
  readonly stop: boolean;
  /** Whether rank 0 writes a checkpoint. */
  readonly save: boolean;
}

/**
 * The processes that train one model together. Each has the whole model. Rank 0 leads: it alone
 * reads and writes the run's folder, evaluates and draws; the others compute gradients with it. One
 * process is a leader without others, for which nothing here costs anything.
 */
export class Ranks {
  readonly communicator: Communicator;

  constructor(communicator: Communicator = oneProcess) {
    this.communicator = communicator;
  }

  get rank(): number {
    return this.communicator.rank;
  }

  get size(): number {
    return this.communicator.size;
  }

  /** Returns what any of the ranks wants. */
  async agree(wanted: Decision): Promise<Decision> {
    if (this.size === 1) return wanted;
    const votes = Float32Array.of(Number(wanted.stop), Number(wanted.save));
    await this.communicator.allReduce(votes, { order: 'ranks' });
    return { stop: votes[0] !== 0, save: votes[1] !== 0 };
  }

  /** Returns rank 0's value, which the others' stand in for until then. JSON carries it. */
  async lead<T>(value: T): Promise<T> {
    if (this.size === 1) return value;
    const bytes = await broadcastBytes(this.communicator, new TextEncoder().encode(JSON.stringify(value)));
    return JSON.parse(new TextDecoder().decode(bytes)) as T;
  }

  /**
   * Throws EaselError on all ranks unless all have the same facts, naming what differs and where.
   * `differences` lists what is not the same in two ranks' facts.
   */
  async requireSame<T>(facts: T, differences: (own: T, other: T) => readonly string[]): Promise<void> {
    if (this.size === 1) return;
    const all = await allGatherJson(this.communicator, { host: this.communicator.host, facts });
    const [first, ...others] = all as [(typeof all)[number], ...typeof all];
    for (const [i, { host, facts: other }] of others.entries()) {
      const found = differences(first.facts, other);
      if (found.length > 0)
        throw new EaselError(
          `The ranks don't train the same: ${found.join('; ')} (rank 0 on ${first.host}, then rank ${i + 1} on ${host}). Start all with the same command, files and versions.`,
        );
    }
  }

  /** Gives all ranks rank 0's values of some variables. All have the same names and shapes. */
  async broadcastWeights(weights: ReadonlyMap<string, tf.Variable>): Promise<void> {
    if (this.size === 1) return;
    let some: { readonly weight: tf.Variable; readonly values: Float32Array }[] = [];
    let bytes = 0;
    const send = async () => {
      await this.communicator.broadcast(some.map(({ values }) => values));
      if (this.rank > 0)
        for (const { weight, values } of some)
          tf.tidy(() => weight.assign(tf.tensor(values, weight.shape, 'float32')));
      [some, bytes] = [[], 0];
    };
    for (const weight of weights.values()) {
      // The others' own numbers are nowhere used, so they need not be read.
      const values = this.rank === 0 ? Float32Array.from(readTensor(weight)) : new Float32Array(weight.size);
      some.push({ weight, values });
      bytes += values.byteLength;
      if (bytes >= PIECE_BYTES) await send();
    }
    if (some.length > 0) await send();
  }

  /**
   * Returns rank 0's tensors, such as an optimizer's state, by name. Rank 0 gets its own back; the
   * others dispose theirs.
   */
  async broadcastTensors(own: ReadonlyMap<string, tf.Tensor>): Promise<ReadonlyMap<string, tf.Tensor>> {
    if (this.size === 1) return own;
    const about = await this.lead(
      [...own].map(([name, { shape, dtype }]) => ({ name, shape, dtype: dtype as 'float32' | 'int32' })),
    );
    const received = new Map<string, tf.Tensor>();
    for (const { name, shape, dtype } of about) {
      const size = tf.util.sizeFromShape(shape);
      const make = dtype === 'int32' ? Int32Array : Float32Array;
      const values = this.rank === 0 ? make.from(readTensor(own.get(name) as tf.Tensor)) : new make(size);
      await this.communicator.broadcast(values);
      if (this.rank > 0) received.set(name, tf.tensor(values, shape, dtype));
    }
    return this.rank === 0 ? own : received;
  }

  /**
   * Throws EaselError on all ranks, naming the first one, unless all hold the same numbers, bit for
   * bit. `when` is for the message.
   */
  async requireEqual(tensors: ReadonlyMap<string, tf.Tensor>, when: string): Promise<void> {
    if (this.size === 1) return;
    const digests = await allGatherJson(this.communicator, {
      host: this.communicator.host,
      weights: await digestsOf(tensors),
    });
    const [first, ...others] = digests as [(typeof digests)[number], ...typeof digests];
    for (const [i, { host, weights }] of others.entries()) {
      const other = Object.keys(first.weights).find((name) => weights[name] !== first.weights[name]);
      if (other !== undefined)
        throw new EaselError(
          `${when}: the weight ${other} of rank ${i + 1} (${host}) is not that of rank 0 (${first.host}), though both were updated alike. A machine computes wrongly, or differently: do all have the same kind of processor? TFJS_NATIVE_CPU sets one for all.`,
        );
    }
  }

  /**
   * Tells the other ranks of an error that ends the work, unless it came from one of them. Returns
   * what all ranks got. Operations can then begin again, to end the work in order.
   */
  async tell(error: unknown): Promise<RankError> {
    const told = error instanceof RankError ? error : await this.communicator.abandon(messageOf(error));
    this.communicator.recover();
    return told;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A digest of each tensor's bytes. */
async function digestsOf(tensors: ReadonlyMap<string, tf.Tensor>): Promise<Record<string, string>> {
  const digests: Record<string, string> = {};
  for (const [name, tensor] of tensors) {
    const { buffer, byteOffset, byteLength } = readTensor(tensor);
    digests[name] = createHash('sha256')
      .update(new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength))
      .digest('base64')
      .slice(0, 16);
    await eventLoopTurn();
  }
  return digests;
}
