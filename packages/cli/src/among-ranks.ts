import { type Communicator, launchedBy, oneProcess, openCommunicator, RankError } from '@easel/mpi';
import { Ranks } from '@easel/train/internals';
import { explain } from './report-error.js';
import { UsageError } from './usage-error.js';

/** Commands whose work ranks share, or refuse by themselves, and what any rank may ask. */
const SHARED: readonly string[] = ['train', 'train-vqgan', 'encode', 'doctor'];

/**
 * Whether a command runs in this process. Of ranks that an MPI launcher started, none runs a command
 * whose work they can't share: each would do all of it. Rank 0 throws UsageError then, for all.
 */
export function runsHere(command: string, environment: NodeJS.ProcessEnv = process.env): boolean {
  const launch = launchedBy(environment);
  if (launch === undefined || SHARED.includes(command)) return true;
  if (launch.rank > 0) return false;
  throw new UsageError(
    `${launch.size} processes were started, but easel ${command} runs in one. Start it without mpirun; train and encode share their work.`,
  );
}

/**
 * Runs a command's work on each of the ranks that an MPI launcher started, or in this process alone.
 * Rank 0 speaks for all: it prints the error of whichever rank failed, and the exit code of the job
 * is its own. The launcher would end the others at once if a rank left with an error.
 *
 * At Ctrl-C Open MPI's mpirun leaves its ranks a second, which may not be enough for a checkpoint.
 * It passes SIGUSR2 on and waits.
 */
export async function amongRanks(work: (communicator: Communicator) => Promise<void>): Promise<void> {
  if (launchedBy() === undefined) {
    await work(oneProcess);
    return;
  }
  const communicator = await openCommunicator();
  const leads = communicator.rank === 0;
  try {
    await work(communicator);
    await communicator.close();
  } catch (error) {
    const own = error instanceof RankError ? undefined : error;
    const told = await new Ranks(communicator).tell(own === undefined ? error : new Error(messageOf(own)));
    await communicator.close();
    if (leads) throw own ?? told;
  } finally {
    if (!leads) process.exitCode = 0;
  }
}

function messageOf(error: unknown): string {
  return explain(error) ?? (error instanceof Error ? `${error.name}: ${error.message}` : String(error));
}
