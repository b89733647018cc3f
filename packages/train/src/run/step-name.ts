/**
 * Name of what a run's folder holds of the state after so many updates, so that names sort as steps
 * do.
 */
export function stepName(step: number): string {
  return `step-${String(step).padStart(8, '0')}`;
}
