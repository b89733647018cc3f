import { EaselError } from '@easel/core';

/** How a sum over the ranks is added up. */
export interface AllReduceOptions {
  /**
   * 'ranks': in the order of the ranks, ((x₀ + x₁) + x₂) + …, so that the sum is the same bits as
   * one process's. 'any' (default): by the MPI library's own algorithm, whose order depends on the
   * number of ranks. Sums of bfloat16 are always in the order of the ranks.
   */
  readonly order?: 'any' | 'ranks';
}

/** Typed arrays whose memory the ranks exchange. */
export type Memory = Float32Array | Int32Array | Uint8Array | Uint16Array | Float64Array;

/**
 * The processes of one job, and this process's place among them.
 *
 * All ranks call the same operations in the same order, with arrays of the same lengths. Operations
 * may be called before earlier ones have ended; they take place one after the other, in a thread of
 * their own, so the event loop goes on. A process that waits for others sleeps. Arrays must not be
 * touched until their operation has ended.
 *
 * Operations throw RankError if a rank has abandoned the work, on all ranks at the same operation,
 * and EaselError if MPI fails or the ranks call different operations.
 */
export interface Communicator {
  /** Number of this process, from 0. */
  readonly rank: number;
  /** Number of processes. */
  readonly size: number;
  /** Name of this process's machine. */
  readonly host: string;
  /**
   * Adds up arrays over the ranks, in place: float32, or bfloat16 as Uint16Array. Several arrays
   * count as one. bfloat16 is added in float32 and rounded once, to nearest, ties to even.
   */
  allReduce(
    values: Float32Array | Uint16Array | readonly Float32Array[],
    options?: AllReduceOptions,
  ): Promise<void>;
  /** Gives the arrays of rank `root` (default 0) to all, in place. Several arrays count as one. */
  broadcast(values: Memory | readonly Memory[], root?: number): Promise<void>;
  /**
   * Brings each rank's bytes, of any length, to rank `root` (default 0), which gets them in the order of the
   * ranks. The others get an empty list.
   */
  gather(bytes: Uint8Array, root?: number): Promise<readonly Uint8Array[]>;
  /** Ends when all ranks have come here. */
  barrier(): Promise<void>;
  /**
   * Makes the operation to which the others come next throw RankError with this message, there and
   * for all further operations until each calls `recover`. Returns the error that all got: that of the
   * lowest rank, where several abandon the work at once.
   */
  abandon(message: string): Promise<RankError>;
  /** Lets operations begin again after abandoned work. All ranks go on at the same operation. */
  recover(): void;
  /** Ends all processes of the job, soon, without waiting for anything. */
  abort(code: number): void;
  /** Waits for the other ranks and ends MPI. Nothing may be called afterwards. */
  close(): Promise<void>;
}

/** The error of an operation that a rank has abandoned. */
export class RankError extends EaselError {
  override readonly name = 'RankError';
  /** The rank that gave up. */
  readonly rank: number;
  /** Why, in its words. */
  readonly reason: string;

  constructor(rank: number, reason: string) {
    super(`Rank ${rank}: ${reason}`);
    this.rank = rank;
    this.reason = reason;
  }
}
