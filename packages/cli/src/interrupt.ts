import { whileWritingFiles } from './closed-stream.js';
import { tellOrphan } from './orphan.js';

/** Exit code of an interrupted run if no signal gives another: 128 + 2 (SIGINT). */
export const INTERRUPTED_EXIT_CODE = 130;

/**
 * Signals that stop a command, with their conventional exit codes: 128 plus the signal's number.
 */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129, SIGUSR2: 140 } as const;
type StopSignal = keyof typeof EXIT_CODES;
const STOP_SIGNALS = Object.keys(EXIT_CODES) as StopSignal[];

let received: StopSignal | undefined;

/** Returns the exit code of an interrupted run: that of the signal that came first. */
export function interruptedExitCode(): number {
  return received === undefined ? INTERRUPTED_EXIT_CODE : EXIT_CODES[received];
}

/** Options of `interruptible`. */
export interface InterruptibleOptions {
  /** What is said on stderr at the first signal; null: nothing. */
  readonly message?: string | null;
  /** Exit code after an abort (default: the signal's). */
  readonly exitCode?: number;
}

/**
 * Runs `work` with an abort signal. SIGINT (Ctrl-C), SIGTERM, SIGHUP (the terminal has gone) and
 * SIGUSR2 (which MPI launchers pass on) set it off. The work then ends at its next safe point and keeps what is finished. A second signal
 * ends the program at once. After an abort the exit code is that of the signal, or `exitCode`,
 * whether the work returned or threw.
 */
export async function interruptible<T>(
  work: (signal: AbortSignal) => Promise<T>,
  {
    message = 'Stopping at the next safe point; once more to stop at once.',
    exitCode,
  }: InterruptibleOptions = {},
): Promise<T> {
  const controller = new AbortController();
  const onSignal = (name: StopSignal) => {
    if (controller.signal.aborted) return endAtOnce(name);
    received = name;
    controller.abort(); // whoever draws on the terminal takes it away first
    if (message !== null) process.stderr.write(`\n${message}\n`);
  };
  received = undefined;
  for (const name of STOP_SIGNALS) process.on(name, onSignal);
  const stopWatching = tellOrphan();
  try {
    return await whileWritingFiles(() => work(controller.signal));
  } finally {
    stopWatching();
    for (const name of STOP_SIGNALS) process.off(name, onSignal);
    if (controller.signal.aborted) process.exitCode = exitCode ?? interruptedExitCode();
  }
}

/**
 * Ends this process by the signal itself, so that the system ends it. `process.exit` waits for the
 * process's threads, and one of them may hang in a file that never answers.
 */
function endAtOnce(name: StopSignal): void {
  process.removeAllListeners(name);
  process.kill(process.pid, name);
}

/** Whether an error only says that the work was aborted. */
export function isAbort(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'name' in error && error.name === 'AbortError';
}
