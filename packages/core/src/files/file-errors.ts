import { CheckpointError } from '../errors.js';

/**
 * The file system's code of an error (ENOENT, ENOSPC …), or undefined for any other error. The
 * error is recognized by its shape and not by its class, since it may come from another realm.
 */
export function errorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

/**
 * Turns an error of the file system into a CheckpointError that names what could not be read. Any
 * other error is returned unchanged.
 */
export function asReadError(error: unknown, path: string): unknown {
  const code = errorCode(error);
  if (code === undefined || error instanceof CheckpointError) return error;
  const denied = code === 'EACCES' || code === 'EPERM';
  return new CheckpointError(
    `${path}: cannot be read (${code}).${denied ? ' You may not read it: check its permissions.' : ` ${(error as Error).message}.`}`,
    { cause: error },
  );
}
