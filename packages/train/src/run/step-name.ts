/**
 * Returns the name of files that belong to the state after so many updates. Names sort in the order
 * of steps.
 */
export function stepName(step: number): string {
  return `step-${String(step).padStart(8, '0')}`;
}
