import type { Command } from './command.js';
import { commandOf, runCommandLine } from './command-line.js';
import { convert } from './commands/convert.js';
import { decode } from './commands/decode.js';
import { doctor } from './commands/doctor.js';
import { encode } from './commands/encode.js';
import { generate } from './commands/generate.js';
import { inspect } from './commands/inspect.js';
import { report } from './commands/report.js';
import { sweep } from './commands/sweep.js';
import { tokenizerTrain } from './commands/tokenizer-train.js';
import { train } from './commands/train.js';
import { trainVqgan } from './commands/train-vqgan.js';
import { reportError } from './report-error.js';

/** Every command, in the order of `easel --help`. */
export const commands: readonly Command[] = [
  generate,
  encode,
  decode,
  train,
  trainVqgan,
  sweep,
  report,
  tokenizerTrain,
  convert,
  inspect,
  doctor,
];

/** A reader that goes away (`easel inspect … | head`) is no error. */
function endAtClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
}

/**
 * Runs one command line (without `node` and the script's name). Results go to stdout, everything else to stderr; never rejects.
 * Sets `process.exitCode`: 0 done, 1 an error, 2 a command line that can't be understood, 130 interrupted.
 */
export async function main(argv: readonly string[]): Promise<void> {
  if (!process.stdout.listeners('error').includes(endAtClosedPipe))
    process.stdout.on('error', endAtClosedPipe);
  try {
    await runCommandLine(commands, argv);
  } catch (error) {
    process.exitCode = reportError(error, commandOf(commands, argv)?.name ?? '');
  }
}
