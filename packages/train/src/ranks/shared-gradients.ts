import { eventLoopTurn } from '@easel/core/internals';
import * as tf from '@tensorflow/tfjs';
import type { Ranks } from './ranks.js';
import { type SharedTensor, shareTensor } from './tensor-memory.js';

/** Gradients of so many bytes are summed at a time; a larger one is by itself. */
const BUCKET_BYTES = 16 << 20;

/** How the ranks add up. */
export interface SummingSettings {
  /**
   * 'micro-batches': in the order of an update's micro-batches, which gives the same bits as one
   * process. Each round of micro-batches is then summed by itself. 'any': each rank adds up its own,
   * and the MPI library adds up the ranks.
   */
  readonly order: 'any' | 'micro-batches';
}

/** The losses of an update's micro-batches, in their order, and its gradients. */
export interface UpdateGradients {
  readonly losses: tf.Scalar[];
  readonly grads: Map<string, tf.Tensor>;
}

/** A gradient of this rank that is to be summed. */
interface Pending {
  readonly name: string;
  readonly tensor: tf.Tensor;
}

/**
 * The gradients of an update whose micro-batches the ranks share: rank r computes r, r + R, ….
 * Gradients are summed in buckets, by the communicator's thread, while the backward pass goes on.
 */
export class SharedGradients {
  private readonly ranks: Ranks;
  /** Number of micro-batches of the update, of all ranks. */
  private readonly count: number;
  private readonly settings: SummingSettings;
  private readonly losses: Float32Array;
  /** Number of micro-batches that this rank has begun. */
  private own = 0;
  /** Sums so far: of this rank's micro-batches, or with the order of micro-batches, of all. */
  private sums = new Map<string, tf.Tensor>();
  /** Gradients of the bucket that fills up. */
  private bucket: Pending[] = [];
  private bytes = 0;
  /** Sums that are under way. */
  private flights: {
    readonly names: readonly string[];
    readonly tensors: readonly SharedTensor[];
    readonly ended: Promise<void>;
  }[] = [];

  constructor(ranks: Ranks, count: number, settings: SummingSettings) {
    this.ranks = ranks;
    this.count = count;
    this.settings = settings;
    this.losses = new Float32Array(count);
  }

  /**
   * Adds this rank's next micro-batch. `compute` returns its loss, and hands each gradient out as
   * soon as it is whole. The loss is disposed.
   */
  async add(compute: (take: (name: string, gradient: tf.Tensor) => void) => tf.Scalar): Promise<void> {
    const { rank, size } = this.ranks;
    const micro = rank + size * this.own++;
    const isLast = micro + size >= this.count;
    const sums = this.settings.order === 'micro-batches' || isLast;
    const value = compute(
      sums ? (name, gradient) => this.sum(name, gradient) : (name, gradient) => this.keep(name, gradient),
    );
    if (sums) await this.endRound();
    this.losses[micro] = (await value.data())[0] as number;
    value.dispose();
    await eventLoopTurn();
  }

  /**
   * Returns the losses of all micro-batches, and the mean of their gradients in the order of `names`.
   * The caller disposes them.
   */
  async finish(names: Iterable<string>): Promise<UpdateGradients> {
    const { size, communicator } = this.ranks;
    // A rank that has no micro-batch in the last round adds nothing to it.
    if (this.settings.order === 'micro-batches' && this.own < Math.ceil(this.count / size)) {
      for (const [name, { shape }] of [...this.sums]) {
        const nothing = tf.fill(shape, -0);
        this.sum(name, nothing);
        nothing.dispose();
      }
      await this.endRound();
    }
    await communicator.allReduce(this.losses, { order: 'ranks' });
    const grads = new Map<string, tf.Tensor>();
    for (const name of names) {
      const sum = this.sums.get(name) as tf.Tensor;
      grads.set(
        name,
        tf.tidy(() => tf.div(sum, this.count)),
      );
      sum.dispose();
      this.sums.delete(name);
    }
    return { losses: [...this.losses].map((loss) => tf.scalar(loss)), grads };
  }

  /** Disposes what is left of an update that was not finished, when nothing uses it any more. */
  async dispose(): Promise<void> {
    await Promise.allSettled(this.flights.map(({ ended }) => ended));
    for (const { tensors } of this.flights) for (const tensor of tensors) tensor.done().dispose();
    tf.dispose([...this.sums.values(), ...this.bucket.map(({ tensor }) => tensor)]);
    this.sums.clear();
    [this.bucket, this.flights] = [[], []];
  }

  private keep(name: string, gradient: tf.Tensor): void {
    this.sums.set(name, this.plus(this.sums.get(name), gradient));
  }

  /** before + gradient, or the gradient itself, as a tensor of its own. */
  private plus(before: tf.Tensor | undefined, gradient: tf.Tensor): tf.Tensor {
    if (before === undefined) return tf.clone(gradient);
    const sum = tf.tidy(() => tf.add(before, gradient));
    before.dispose();
    return sum;
  }

  /** Puts a gradient into the bucket. A full one goes before it, since its gradients are free by now. */
  private sum(name: string, gradient: tf.Tensor): void {
    if (this.bytes >= BUCKET_BYTES) this.launch();
    const before = this.sums.get(name);
    // In the order of micro-batches all ranks have the sum so far, and rank 0 brings it in.
    const mine = this.settings.order === 'any' || this.ranks.rank === 0;
    if (!mine) before?.dispose();
    this.bucket.push({ name, tensor: this.plus(mine ? before : undefined, gradient) });
    this.sums.delete(name);
    this.bytes += 4 * gradient.size;
  }

  private launch(): void {
    const names = this.bucket.map(({ name }) => name);
    const tensors = this.bucket.map(({ tensor }) => shareTensor(tensor));
    [this.bucket, this.bytes] = [[], 0];
    const order = this.settings.order === 'any' ? 'any' : 'ranks';
    const ended = this.ranks.communicator.allReduce(
      tensors.map(({ memory }) => memory),
      { order },
    );
    ended.catch(() => {}); // what went wrong is for the end of the round
    this.flights.push({ names, tensors, ended });
  }

  private async endRound(): Promise<void> {
    if (this.bucket.length > 0) this.launch();
    for (const { ended } of this.flights) await ended;
    for (const { names, tensors } of this.flights)
      for (const [i, name] of names.entries()) this.sums.set(name, (tensors[i] as SharedTensor).done());
    this.flights = [];
  }
}
