import { nativeStatus } from 'tfjs-backend-native';
import { main } from '../src/main.js';

/** The backend of command lines under test: native where its addon is built, since cpu takes several times longer. */
export const testBackend: string = nativeStatus().available ? 'native' : 'cpu';

/** What a command line printed and how it ended. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line in this process, on `testBackend`, and catches what it prints. */
export async function runEasel(...argv: string[]): Promise<Outcome> {
  const { stdout, stderr, exitCode } = process;
  const written = { stdout: '', stderr: '' };
  const originals = { stdout: stdout.write, stderr: stderr.write, log: console.log };
  const catching = (stream: 'stdout' | 'stderr') => (text: string) => {
    written[stream] += text;
    return true;
  };
  stdout.write = catching('stdout') as typeof stdout.write;
  stderr.write = catching('stderr') as typeof stderr.write;
  console.log = (text: unknown) => {
    written.stdout += `${text}\n`;
  };
  const backend = process.env.EASEL_BACKEND;
  process.env.EASEL_BACKEND = testBackend;
  process.exitCode = 0;
  try {
    await main(argv);
    return { code: Number(process.exitCode ?? 0), ...written };
  } finally {
    stdout.write = originals.stdout;
    stderr.write = originals.stderr;
    console.log = originals.log;
    process.exitCode = exitCode;
    if (backend === undefined) delete process.env.EASEL_BACKEND;
    else process.env.EASEL_BACKEND = backend;
  }
}
