import { EaselError } from '@easel/core';
import { interruptedExitCode, isAbort } from './interrupt.js';
import { UsageError } from './usage-error.js';

/** The meanings of the system's error codes for a person, with what to try. */
const systemErrors: Readonly<Record<string, string>> = {
  EACCES: 'permission denied. Give another path, or the right to use this one.',
  EPERM: 'the operation is not permitted there. Give another path.',
  EROFS: 'the file system is read-only. Give another path.',
  ENOSPC: 'the disk is full. What was finished before is kept; make room and run the command again.',
  EDQUOT: 'the disk quota is used up. What was finished before is kept; make room and run the command again.',
  ENOENT: 'no such file or folder.',
  ENOTDIR: 'a part of the path is a file, not a folder.',
  EISDIR: 'this is a folder; a file was expected.',
  EEXIST: 'this exists already.',
  EMFILE: 'too many open files. Raise the limit (ulimit -n).',
};

/**
 * Returns the paragraph that explains an error with a cause outside the program to a person.
 * Returns undefined for any other error.
 */
export function explain(error: unknown): string | undefined {
  if (error instanceof EaselError || error instanceof UsageError) return error.message;
  if (typeof error !== 'object' || error === null) return undefined;
  const { name, message, code, path, syscall } = error as Partial<NodeJS.ErrnoException>;
  if (name === 'SafetensorsError') return message;
  const meaning = code === undefined ? undefined : systemErrors[code];
  return meaning === undefined ? undefined : `${path ?? syscall ?? 'file system'}: ${meaning}`;
}

/**
 * Writes an error to stderr as one paragraph and returns the exit code: 2 for a command line that
 * can't be understood, the signal's code for an interrupted run, else 1. An error of the program
 * itself is one line. With EASEL_DEBUG set, the stack of any error follows.
 */
export function reportError(error: unknown, command: string): number {
  if (isAbort(error)) return interruptedExitCode();
  const known = explain(error);
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const paragraph =
    known ??
    `${text} — this is a fault of Easel. Run it again with EASEL_DEBUG=1 to see where, and report it.`;
  process.stderr.write(
    `easel${command === '' ? '' : ` ${command}`}: ${paragraph.replace(/\s*\n\s*/g, ' ')}\n`,
  );
  if (process.env.EASEL_DEBUG && error instanceof Error && error.stack)
    process.stderr.write(`${error.stack}\n`);
  return error instanceof UsageError ? 2 : 1;
}
