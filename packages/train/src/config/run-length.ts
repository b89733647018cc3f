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
