/** Number of running commands that write files. Their files are worth more than their output. */
let writingFiles = 0;
let told = false;

/**
 * Handles a reader of stdout that goes away (`easel inspect … | head`). It ends a command that only
 * prints, and it is no error.
 */
function onStdoutError(error: NodeJS.ErrnoException): void {
  if (!isClosed(error)) throw error;
  if (writingFiles === 0) process.exit();
  if (told) return;
  told = true;
  process.stderr.write('Nobody reads stdout any more; the work goes on, and its files are written.\n');
}

/** Handles a terminal that has gone. The work goes on without messages. */
function onStderrError(error: NodeJS.ErrnoException): void {
  if (!isClosed(error)) throw error;
}

function isClosed({ code }: NodeJS.ErrnoException): boolean {
  return code === 'EPIPE' || code === 'EIO' || code === 'EBADF' || code === 'ERR_STREAM_DESTROYED';
}

/** Makes this process outlive the readers of its streams, if the running command writes files. */
export function outliveReaders(): void {
  for (const [stream, handler] of [
    [process.stdout, onStdoutError],
    [process.stderr, onStderrError],
  ] as const)
    if (!stream.listeners('error').includes(handler)) stream.on('error', handler);
}

/** Runs work that writes files. It goes on when nobody reads stdout any more, and says so. */
export async function whileWritingFiles<T>(work: () => Promise<T>): Promise<T> {
  writingFiles++;
  try {
    return await work();
  } finally {
    writingFiles--;
  }
}
