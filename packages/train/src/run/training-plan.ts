/** How many numbers a part of a model has. */
export interface ParameterGroup {
  readonly name: string;
  readonly count: number;
  /** Of these, trained. */
  readonly trained: number;
}

/** What a run holds in memory at its peak, in bytes. */
export interface MemoryPlan {
  readonly weights: number;
  /** 0 where each is used as it comes: those in work are counted with the activations. */
  readonly gradients: number;
  readonly optimizer: number;
  /** What the forward pass keeps for the gradient, what is in work, and blocks kept for reuse. */
  readonly activations: number;
  /**
   * The program itself, with the data that it has read and what of a checkpoint is on its way to
   * disk.
   */
  readonly process: number;
  readonly total: number;
  /** Floating-point operations of an update's products, as they were played through. */
  readonly flop: number;
}

/** How long an update takes, and how that is known. */
export interface TimePlan {
  /**
   * By updates on this machine, or from the products at the peak of its multiply-adds, which no run
   * reaches.
   */
  readonly how: 'measured' | 'at least';
  /** Updates that were timed. */
  readonly updates: number;
  readonly secondsPerUpdate: number;
  /** Of all updates, without evaluations and checkpoints. */
  readonly seconds: number;
}

/** What a run will be, before it is begun. */
export interface TrainingPlan {
  /** All settings, with the model's. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly steps: number;
  readonly parameters: readonly ParameterGroup[];
  /** Undefined where the native backend is not built. */
  readonly memory: MemoryPlan | undefined;
  /** What this machine has left, in bytes. */
  readonly availableBytes: number;
  /** Floating-point operations of an update (undefined where they can't be told), and of this machine in a second (undefined without the native backend). */
  readonly flop: number | undefined;
  readonly peakFlops: number | undefined;
  /** Undefined where it could neither be measured nor estimated. */
  readonly time: TimePlan | undefined;
}
