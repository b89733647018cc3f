import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A terminal answers within milliseconds, or far away within a good part of a second. */
const PATIENCE_MILLISECONDS = 1000;

const CTRL_C = '\x03';

/** The stream that answers come from. */
export interface AnswerStream {
  readonly isTTY?: boolean;
  readonly readableEnded: boolean;
  readonly isRaw?: boolean;
  setRawMode?(on: boolean): unknown;
  on(event: 'data', listener: (data: Buffer) => void): unknown;
  off(event: 'data', listener: (data: Buffer) => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

/**
 * Sends a query to the terminal and resolves with the answer, or with what came within a second. It
 * sends nothing, and the answer is empty, where there is no terminal to read from, or this process
 * is in the background: to change a terminal's mode would stop it. Ctrl-C is passed on.
 */
export async function askTerminal(
  query: string,
  isComplete: (answer: string) => boolean,
  input: AnswerStream = process.stdin,
  output: { write(text: string): unknown } = process.stderr,
): Promise<string> {
  if (!input.isTTY || input.readableEnded || input.setRawMode === undefined || !isInForeground()) return '';
  const wasRaw = input.isRaw ?? false;
  let answer = '';
  input.setRawMode(true); // the answer comes at once, and is not shown
  try {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(end, PATIENCE_MILLISECONDS);
      function end(): void {
        clearTimeout(timer);
        input.off('data', onData);
        resolve();
      }
      function onData(data: Buffer): void {
        const text = data.toString('latin1');
        answer += text;
        if (text.includes(CTRL_C)) process.kill(process.pid, 'SIGINT');
        if (text.includes(CTRL_C) || isComplete(answer)) end();
      }
      input.on('data', onData);
      input.resume();
      output.write(query);
    });
  } finally {
    input.pause();
    input.setRawMode(wasRaw);
  }
  return answer;
}

/** Whether this process is in its terminal's foreground; false if that cannot be said. */
function isInForeground(): boolean {
  if (process.platform === 'win32') return true;
  try {
    const [group, foreground] = process.platform === 'linux' ? groupsOfProc() : groupsOfPs();
    return group === foreground;
  } catch {
    return false;
  }
}

/** The process group, and the one in the terminal's foreground. */
function groupsOfProc(): [string | undefined, string | undefined] {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // state, parent, group, session, tty, foreground
  return [fields[2], fields[5]];
}

function groupsOfPs(): [string | undefined, string | undefined] {
  const text = execFileSync('ps', ['-o', 'pgid=,tpgid=', '-p', `${process.pid}`], { encoding: 'utf8' });
  const [group, foreground] = text.trim().split(/\s+/);
  return [group, foreground];
}
