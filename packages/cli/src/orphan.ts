/** Milliseconds between two checks of the parent process. */
const LOOK_MILLISECONDS = 1000;

/**
 * Watches the process that started this one, and says once on stderr if it ends first. A signal to
 * `npx` alone ends npx and not the program that it runs. Returns a function that ends the watch.
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
