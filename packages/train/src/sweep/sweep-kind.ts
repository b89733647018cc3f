/** What a run of a sweep needs of the sweep. */
export interface SweepRunOptions {
  /**
   * Its own folder; an earlier sitting may have left a part of the run in it, from which it goes
   * on.
   */
  readonly out: string;
  /** Stops it at its next safe point. */
  readonly signal?: AbortSignal | undefined;
  /** Tells how many units are done, of how many, and what is worth a glance, e.g. the loss. */
  readonly onProgress: (done: number, total: number, note: string) => void;
}

/**
 * A kind of work that a sweep can repeat with other settings. Its numbers are what it leaves in
 * `metrics.jsonl` of its folder, as a training run does: `{"step": 200, "kind": "eval", "loss":
 * 2.1}` is the number `eval.loss`.
 */
export interface SweepKind {
  /** What `kind` of the base's settings says. */
  readonly name: string;
  /** Plural of what its progress counts. */
  readonly unit: string;
  /**
   * Checks settings without starting anything and returns the units of such a run; null if only the
   * run itself can tell. Throws ConfigError.
   */
  check(settings: Readonly<Record<string, unknown>>): number | null;
  /**
   * Returns false if the signal stopped it. Throws TrainingError for a run that came to nothing,
   * which does not end the sweep; anything else does.
   */
  run(settings: Readonly<Record<string, unknown>>, options: SweepRunOptions): Promise<boolean>;
}
