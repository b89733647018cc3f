import { runsHere } from './among-ranks.js';
import { outliveReaders } from './closed-stream.js';
import type { Command } from './command.js';
import { commandOf, runCommandLine } from './command-line.js';
import { compareWeightsCommand } from './commands/compare-weights.js';
import { convert } from './commands/convert.js';
import { decode } from './commands/decode.js';
import { demo } from './commands/demo.js';
import { doctor } from './commands/doctor.js';
import { encode } from './commands/encode.js';
import { generate } from './commands/generate.js';
import { init } from './commands/init.js';
import { inspect } from './commands/inspect.js';
import { judge } from './commands/judge.js';
import { learn } from './commands/learn.js';
import { modelsFetch, modelsList, modelsRemove, modelsVerify } from './commands/models.js';
import { report } from './commands/report.js';
import { serve } from './commands/serve.js';
import { sweep } from './commands/sweep.js';
import { tokenizerTrain } from './commands/tokenizer-train.js';
import { train } from './commands/train.js';
import { trainVqgan } from './commands/train-vqgan.js';
import { tune } from './commands/tune.js';
import { removeEmptyFolders } from './output-folder.js';
import { reportError } from './report-error.js';

/** Every command, in the order of `easel --help`. */
export const commands: readonly Command[] = [
  generate,
  serve,
  demo,
  init,
  learn,
  tune,
  encode,
  decode,
  train,
  trainVqgan,
  judge,
  sweep,
  report,
  tokenizerTrain,
  convert,
  compareWeightsCommand,
  modelsList,
  modelsFetch,
  modelsVerify,
  modelsRemove,
  inspect,
  doctor,
];

/**
 * Runs one command line (without `node` and the script's name). Results go to stdout, everything
 * else to stderr; never rejects. Sets `process.exitCode`: 0 done, 1 an error, 2 a command line that
 * can't be understood, 130, 143 or 129 interrupted by Ctrl-C, SIGTERM or SIGHUP. Folders that a
 * failed command made and left empty are removed.
 */
export async function main(argv: readonly string[]): Promise<void> {
  outliveReaders();
  try {
    const command = commandOf(commands, argv);
    if (command !== undefined && !runsHere(command.name)) return;
    await runCommandLine(commands, argv);
  } catch (error) {
    process.exitCode = reportError(error, commandOf(commands, argv)?.name ?? '');
    await removeEmptyFolders();
  }
}
