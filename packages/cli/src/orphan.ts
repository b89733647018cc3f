/** Milliseconds between two looks at who the parent is. */
const LOOK_MILLISECONDS = 1000;

/**
 * Says on stderr, once, if the process that started this one ends before it: a signal to `npx` alone ends npx and not
 * what it runs. Returns what ends the watch.
 */
export function tellOrphan(): () => void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    process.stderr.write(
      `\nThe process that started this one (npx, npm or a shell) has ended; this one goes on. Stop it with: kill ${process.pid}\n`,
    );
  }, LOOK_MILLISECONDS);
  timer.unref();
  return () => clearInterval(timer);
}
