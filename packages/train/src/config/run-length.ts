/**
 * Describes the length of a run in words: its updates, else its epochs. Returns undefined if the
 * settings say neither.
 */
export function runLength({ steps, epochs }: Readonly<Record<string, unknown>>): string | undefined {
  if (steps != null) return String(steps);
  return epochs == null ? undefined : `${String(epochs)} epochs`;
}
