/** How many commands that write files are at work; their files are worth more than what they print. */
let writingFiles = 0;
let told = false;

/** A reader that goes away (`easel inspect … | head`) ends a command that only prints, and is no error. */
function onStdoutError(error: NodeJS.ErrnoException): void {
  if (!isClosed(error)) throw error;
  if (writingFiles === 0) process.exit();
  if (told) return;
  told = true;
  process.stderr.write('Nobody reads stdout any more; the work goes on, and its files are written.\n');
}

/** A terminal that has gone takes no messages; the work goes on without them. */
function onStderrError(error: NodeJS.ErrnoException): void {
  if (!isClosed(error)) throw error;
}

function isClosed({ code }: NodeJS.ErrnoException): boolean {
  return code === 'EPIPE' || code === 'EIO' || code === 'EBADF' || code === 'ERR_STREAM_DESTROYED';
}

/** Makes this process outlive the readers of its streams, as far as the command at work wants to. */
export function outliveReaders(): void {
  for (const [stream, handler] of [
    [process.stdout, onStdoutError],
    [process.stderr, onStderrError],
  ] as const)
    if (!stream.listeners('error').includes(handler)) stream.on('error', handler);
}

/** Runs a command's work that makes files: it goes on when nobody reads stdout any more, and says so. */
export async function whileWritingFiles<T>(work: () => Promise<T>): Promise<T> {
  writingFiles++;
  try {
    return await work();
  } finally {
    writingFiles--;
  }
}
