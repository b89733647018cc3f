/** A value as an error message shows it: as JSON, cut off after eighty characters. */
export function showValue(value: unknown): string {
  // NaN and Infinity have no JSON.
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
