/** Exit code of a run that a signal ended, by convention 128 + 2 (SIGINT). */
export const INTERRUPTED_EXIT_CODE = 130;

/**
 * Runs `work` with a signal that SIGINT (Ctrl-C) and SIGTERM abort. The work ends at its next safe point and keeps what is finished; a second
 * signal ends the program at once. After an abort the exit code is 130, whether the work returned or threw.
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(INTERRUPTED_EXIT_CODE);
    process.stderr.write('\nStopping at the next safe point; once more to stop at once.\n');
    controller.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    return await work(controller.signal);
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
    if (controller.signal.aborted) process.exitCode = INTERRUPTED_EXIT_CODE;
  }
}

/** Whether an error only says that the work was aborted. */
export function isAbort(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'name' in error && error.name === 'AbortError';
}
