/** How long a run with these settings is, in words: its updates, or its epochs where it has no number of updates. */
export function runLength({ steps, epochs }: Readonly<Record<string, unknown>>): string {
  return steps == null ? `${String(epochs)} epochs` : String(steps);
}
