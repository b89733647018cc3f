/** A value as an error message shows it: as JSON, cut off after eighty characters. */
export function showValue(value: unknown): string {
  // JSON has no NaN and no Infinity.
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
