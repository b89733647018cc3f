/** Options that a sweep gives to its runs. */
export interface SweepRunOptions {
  /**
   * The run's own folder. If an earlier sitting has left a part of the run in it, the run goes on
   * from there.
   */
  readonly out: string;
  /** Stops the run at its next safe point. */
  readonly signal?: AbortSignal | undefined;
  /** Reports the number of units that are done, their total, and a short note, e.g. the loss. */
  readonly onProgress: (done: number, total: number, note: string) => void;
}

/**
 * A kind of work that a sweep can repeat with other settings. Its results are the numbers in
 * `metrics.jsonl` of its folder, as in a training run: `{"step": 200, "kind": "eval", "loss": 2.1}`
 * is the number `eval.loss`.
 */
export interface SweepKind {
  /** The value of `kind` in the base's settings. */
  readonly name: string;
  /** Plural name of the units that its progress counts. */
  readonly unit: string;
  /**
   * Checks settings without starting anything and returns the units of such a run; null if only the
   * run itself can tell. Throws ConfigError.
   */
  check(settings: Readonly<Record<string, unknown>>): number | null;
  /**
   * Makes a run. Returns false if the signal stopped it. Throws TrainingError for a run that
   * failed, which does not end the sweep. Any other error ends the sweep.
   */
  run(settings: Readonly<Record<string, unknown>>, options: SweepRunOptions): Promise<boolean>;
}
