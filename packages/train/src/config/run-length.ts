/**
 * Paths of the settings of a run's length, where a resumed run may change them: the learning rate
 * of a step, and whatever else a step does, must not depend on how many steps there are.
 */
export function freeLength(schedule: { readonly decay: string }, others: readonly boolean[]): string[] {
  const open = schedule.decay === 'none' || schedule.decay === 'exponential';
  return open && others.every((free) => free) ? ['steps', 'epochs'] : [];
}

/**
 * Describes the length of a run in words: its updates, else its epochs. Returns undefined if the
 * settings say neither.
 */
export function runLength({ steps, epochs }: Readonly<Record<string, unknown>>): string | undefined {
  if (steps != null) return String(steps);
  return epochs == null ? undefined : `${String(epochs)} epochs`;
}

/** Length of a run in updates, and where it comes from. */
export interface RunLength {
  readonly steps: number;
  /** The setting that gives it; 'default': neither does, and it follows from the set's size. */
  readonly from: 'steps' | 'epochs' | 'default';
  /** Passes over the data, unless the length comes from `steps`. */
  readonly epochs?: number;
}

/**
 * Passes over the data of a run whose settings name no length: as many as make about the shipped
 * model's number of updates. A large set is gone through `least` times, a small one `most` times.
 */
const DEFAULT_EPOCHS = {
  seq2seq: { updates: 3000, least: 5, most: 300 },
  vqgan: { updates: 5500, least: 5, most: 400 },
} as const;

/** Most passes that are sensible: a small set is then learnt by heart. */
export const MOST_EPOCHS = { vqgan: DEFAULT_EPOCHS.vqgan.most, seq2seq: DEFAULT_EPOCHS.seq2seq.most };

/** Returns the passes of a run whose settings name no length, for so many updates a pass. */
export function defaultEpochs(kind: keyof typeof DEFAULT_EPOCHS, updatesPerEpoch: number): number {
  const { updates, least, most } = DEFAULT_EPOCHS[kind];
  return Math.min(most, Math.max(least, Math.round(updates / Math.max(1, updatesPerEpoch))));
}

/**
 * Returns the length of a run by its settings and its data. `updatesIn` counts the updates of so many
 * passes; it is asked only if `steps` is null.
 */
export async function lengthOf(
  kind: keyof typeof DEFAULT_EPOCHS,
  { steps, epochs }: { readonly steps: number | null; readonly epochs: number | null },
  updatesIn: (epochs: number) => number | Promise<number>,
): Promise<RunLength> {
  if (steps !== null) return { steps, from: 'steps' };
  if (epochs !== null) return { steps: await updatesIn(epochs), from: 'epochs', epochs };
  const passes = defaultEpochs(kind, await updatesIn(1));
  return { steps: await updatesIn(passes), from: 'default', epochs: passes };
}
