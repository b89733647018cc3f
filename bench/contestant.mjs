// A process that takes part in the bench. It reads one JSON request a line and writes one JSON
// answer a line. Between its turns it is stopped (SIGSTOP), so that its threads, which may spin at
// a barrier, take no time from the others.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export class Contestant {
  #process;
  #waiting = [];
  #gone = false;
  #errors = '';

  /**
   * Starts the program. `parse` turns an answer's line into a value (JSON by default), `format` a
   * request into a line.
   */
  constructor(name, command, args, { env = {}, format = JSON.stringify } = {}) {
    this.name = name;
    this.format = format;
    this.#process = spawn(command, args, { stdio: 'pipe', env: cleanEnvironment(env) });
    this.#process.stderr.on('data', (data) => {
      this.#errors = (this.#errors + data).slice(-4000);
    });
    this.#process.stdin.on('error', () => {});
    const end = () => {
      this.#gone = true;
      for (const resolve of this.#waiting.splice(0)) resolve(undefined);
    };
    this.#process.on('error', (error) => {
      this.#errors += error.message;
      end();
    });
    const lines = createInterface({ input: this.#process.stdout });
    lines.on('line', (line) => {
      if (line.startsWith('{')) this.#waiting.shift()?.(JSON.parse(line));
    });
    lines.on('close', end);
  }

  /** The last line that the program wrote on stderr. It most likely says why the program ended. */
  get lastWords() {
    return this.#errors.trim().split('\n').pop();
  }

  /** Lets the process run until it has answered. Returns undefined if the process has ended. */
  async ask(request) {
    if (this.#gone) return undefined;
    this.#process.kill('SIGCONT');
    const answer = await new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#process.stdin.write(`${this.format(request)}\n`);
    });
    if (!this.#gone) this.#process.kill('SIGSTOP');
    return answer;
  }

  end() {
    if (this.#gone) return;
    this.#process.kill('SIGCONT');
    this.#process.kill('SIGTERM');
  }
}

/** Returns the environment without variables that would force slower kernels on a peer. */
function cleanEnvironment(added) {
  const env = { ...process.env };
  for (const name of Object.keys(env))
    if (/^(OPENBLAS_|MKL_|OMP_|ONEDNN_|GOMP_|XLA_)/.test(name)) delete env[name];
  return { ...env, ...added };
}
