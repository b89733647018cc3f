import { EaselError } from '@easel/core';
import { type Addon, ELEMENTS, ENDS, KINDS } from './addon.js';
import { type AllReduceOptions, type Communicator, type Memory, RankError } from './communicator.js';

/** What an operation is called with, beside its kind. */
interface Call {
  readonly element?: (typeof ELEMENTS)[number];
  readonly ordered?: boolean;
  readonly root?: number;
  readonly arrays?: readonly Memory[];
  readonly message?: string;
}

/** The communicator over all processes that mpirun started. */
export class MpiCommunicator implements Communicator {
  readonly rank: number;
  readonly size: number;
  readonly host: string;
  private readonly addon: Addon;

  private constructor(addon: Addon, rank: number, size: number, host: string) {
    this.addon = addon;
    this.rank = rank;
    this.size = size;
    this.host = host;
  }

  /** Starts MPI, once in a process. Throws EaselError if it can't be started. */
  static start(addon: Addon): Promise<MpiCommunicator> {
    return new Promise((resolve, reject) => {
      addon.start((error, rank, size, host) => {
        if (error === '') resolve(new MpiCommunicator(addon, rank, size, host));
        else reject(new EaselError(`MPI: ${error}.`));
      });
    });
  }

  async allReduce(
    values: Float32Array | Uint16Array | readonly Float32Array[],
    { order = 'any' }: AllReduceOptions = {},
  ): Promise<void> {
    const element = values instanceof Uint16Array ? 'bfloat16' : 'float32';
    await this.call('allReduce', { element, ordered: order === 'ranks', arrays: listOf(values) });
  }

  async broadcast(values: Memory | readonly Memory[], root = 0): Promise<void> {
    await this.call('broadcast', { root: this.checked(root), arrays: listOf(values) });
  }

  gather(bytes: Uint8Array, root = 0): Promise<readonly Uint8Array[]> {
    return this.call('gather', { root: this.checked(root), arrays: [bytes] });
  }

  async barrier(): Promise<void> {
    await this.call('barrier', {});
  }

  async abandon(message: string): Promise<RankError> {
    try {
      await this.call('abandon', { message });
    } catch (error) {
      if (error instanceof RankError) return error;
      throw error;
    }
    throw new Error('MpiCommunicator: an abandoned operation was not');
  }

  recover(): void {
    this.addon.recover();
  }

  abort(code: number): void {
    this.addon.abort(code);
  }

  async close(): Promise<void> {
    await this.call('close', {});
  }

  private checked(root: number): number {
    if (Number.isInteger(root) && root >= 0 && root < this.size) return root;
    throw new EaselError(`MPI: expected a rank from 0 to ${this.size - 1}, got ${root}.`);
  }

  private call(
    kind: (typeof KINDS)[number],
    { element = 'float32', ordered = true, root = 0, arrays = [], message = '' }: Call,
  ): Promise<readonly Uint8Array[]> {
    return new Promise((resolve, reject) => {
      this.addon.submit(
        KINDS.indexOf(kind),
        ELEMENTS.indexOf(element),
        ordered,
        root,
        arrays,
        message,
        (end, rank, why, received) => {
          if (ENDS[end] === 'done') resolve(received);
          else if (ENDS[end] === 'abandoned') reject(new RankError(rank, why));
          else reject(new EaselError(`MPI: ${kind} failed on rank ${this.rank} (${this.host}): ${why}.`));
        },
      );
    });
  }
}

function listOf<T extends Memory>(values: T | readonly T[]): readonly T[] {
  return ArrayBuffer.isView(values) ? [values] : values;
}
