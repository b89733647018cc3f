/**
 * How long a run with these settings is, in words: its updates, else its epochs; undefined where
 * the settings say neither.
 */
export function runLength({ steps, epochs }: Readonly<Record<string, unknown>>): string | undefined {
  if (steps != null) return String(steps);
  return epochs == null ? undefined : `${String(epochs)} epochs`;
}
