import { selectBackend } from '@easel/core';
import { textOption } from './options.js';

/** `--backend`, shared by the commands that compute. */
export const backendOption = textOption(
  'backend',
  'tensor backend: auto (the fastest that starts), native, wasm, cpu, gpu, tensorflow, webgpu; default: the variable EASEL_BACKEND, else auto',
);

/**
 * Starts the backend asked for, and says on stderr which one runs and why. Throws EaselError if one
 * was asked for and does not start.
 */
export async function startBackend(args: {
  readonly backend?: string | undefined;
  readonly quiet?: boolean;
}): Promise<void> {
  const choice = await selectBackend(args.backend);
  if (!args.quiet) process.stderr.write(`Backend: ${choice.name} (${choice.reason}).\n`);
}
