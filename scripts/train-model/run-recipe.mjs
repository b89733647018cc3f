// Goes through the stages of a recipe. Each is a sequence of commands, done once for its inputs.
import { spawn } from 'node:child_process';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { finished } from 'node:stream/promises';
import { ConfigError, DataError, EaselError } from '@easel/core';
import { writeJson } from '@easel/core/internals/node';
import { lockFolder } from '@easel/train/internals';
import { readFigure } from './figures.mjs';
import { inputsOf } from './recipe.mjs';

/** File in a recipe's folder with what is known of its stages. */
export const STATE_FILE = 'recipe.json';

/**
 * Goes through a recipe's stages below `root`. A stage that is done with the same inputs is passed
 * over. A stage that was stopped goes on. What is known of the stages is kept in STATE_FILE.
 *
 * `from` leaves the stages before it as they are; `only` also those behind it. `restart` deletes
 * what a stage and those that depend on it made in the recipe's folder, and does them anew. `signal`
 * stops the running command, which ends at its next safe point. `output` is the descriptor of the
 * file into which commands write what is not kept (default: stderr).
 *
 * Returns { complete, rows } for `tableOf`. Throws ConfigError for stages that do not fit together
 * or a begun stage whose inputs changed, EaselError for a command that fails.
 */
export async function runRecipe(root, recipe, options = {}) {
  const folder = join(root, recipe.out);
  await mkdir(folder, { recursive: true });
  const lock = await lockFolder(folder);
  try {
    return await new Sitting(root, recipe, await readState(folder), options).run();
  } finally {
    await lock.release();
  }
}

async function readState(folder) {
  const file = join(folder, STATE_FILE);
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return {};
  try {
    const { version, stages } = JSON.parse(text);
    if (version === 1 && typeof stages === 'object' && stages !== null) return stages;
  } catch {}
  throw new DataError(
    `${file}: damaged, or of another version of Easel. Choose another --out, or delete it to begin anew.`,
  );
}

/** One sitting of a recipe. `known` is what is known of its stages, by name. */
class Sitting {
  constructor(root, recipe, known, { from, only, restart, signal, say = () => {}, output = 2 }) {
    Object.assign(this, { root, recipe, known, from, only, restart, signal, say, output });
    this.rows = [];
    for (const [option, name] of Object.entries({ from, only, restart }))
      if (name !== undefined && !recipe.stages.some((stage) => stage.name === name))
        throw new ConfigError(
          `--${option}: expected one of ${recipe.stages.map((stage) => stage.name).join(', ')}, got "${name}".`,
        );
  }

  async run() {
    const { stages } = this.recipe;
    if (this.restart !== undefined) await this.forget(this.restart);
    const first = stages.findIndex(({ name }) => name === (this.only ?? this.from));
    let stopped = false;
    for (const [i, stage] of stages.entries()) {
      const untouched = i < first || (this.only !== undefined && stage.name !== this.only);
      const state = stopped || untouched ? (this.isDone(stage) ? 'was done' : '–') : await this.do(stage, i);
      if (state === 'stopped') stopped = true;
      const { seconds, figures } = this.known[stage.name] ?? {};
      this.rows.push({ name: stage.name, state, seconds, figures });
    }
    return { complete: !stopped, rows: this.rows };
  }

  isDone({ name, makes }) {
    return this.known[name]?.done === true && makes.every((path) => existsSync(join(this.root, path)));
  }

  /** Does a stage, or passes it over. Returns how it ended. */
  async do(stage, index) {
    for (const name of stage.after)
      if (!this.isDone(this.recipe.stages.find((other) => other.name === name)))
        throw new ConfigError(
          `Stage ${stage.name} needs stage ${name}, which is not done. Leave out --only and --from, or give --from ${name}.`,
        );
    const earlier = Object.fromEntries(stage.after.map((name) => [name, this.known[name].inputs]));
    const inputs = await inputsOf(this.root, stage, earlier);
    const before = this.known[stage.name];
    const changed = before === undefined ? [] : differences(before.inputs, inputs);
    if (before !== undefined && changed.length === 0 && this.isDone(stage)) return 'was done';
    if (changed.length > 0 && stage.resumes) throw this.refusal(stage, changed);
    this.say(`${index + 1}/${this.recipe.stages.length}  ${stage.name}: ${stage.does}`);
    const goesOn = changed.length === 0 && stage.resumes;
    const spent = goesOn ? (before?.seconds ?? 0) : 0;
    const began = performance.now();
    const seconds = () => spent + (performance.now() - began) / 1000;
    await this.keep(stage.name, { inputs, done: false, seconds: spent });
    let complete = false;
    try {
      complete = await this.commands(stage);
    } finally {
      if (!complete) await this.keep(stage.name, { inputs, done: false, seconds: seconds() });
    }
    if (!complete) return 'stopped';
    const missing = stage.makes.find((path) => !existsSync(join(this.root, path)));
    if (missing !== undefined)
      throw new EaselError(`Stage ${stage.name}: its commands ended well, but ${missing} is not there.`);
    const figures = {};
    for (const [what, { file, field }] of Object.entries(stage.figures)) {
      const value = await readFigure({ file: join(this.root, file), field });
      if (value !== undefined) figures[what] = value;
    }
    await this.keep(stage.name, { inputs, done: true, seconds: seconds(), figures });
    return 'done';
  }

  refusal({ name, makes }, changed) {
    const { name: recipe, out } = this.recipe;
    return new ConfigError(
      `Stage ${name} was begun with other inputs: ${changed.join(', ')} changed since. npm run train-model -- ${recipe} --restart ${name} deletes what it (${makes.join(', ')}) and the stages that need it made, and begins anew; --out keeps ${out} and begins elsewhere.`,
    );
  }

  /** Runs a stage's commands. Returns false if the signal stopped one. */
  async commands(stage) {
    for (const [i, command] of stage.commands.entries()) {
      if (this.signal?.aborted) return false;
      const last = i === stage.commands.length - 1;
      const into = last && stage.stdout !== null ? join(this.root, stage.stdout) : undefined;
      this.say(`  ${command.join(' ')}${into === undefined ? '' : ` > ${stage.stdout}`}`);
      const code = await this.execute(command, into);
      if (this.signal?.aborted) return false;
      if (code !== 0)
        throw new EaselError(
          `Stage ${stage.name}: "${command.join(' ')}" failed with exit code ${code}; its message is above. The same command goes on from this stage.`,
        );
    }
    return true;
  }

  /**
   * Runs a command in a process group of its own, so that Ctrl-C reaches it through the signal
   * alone, and once. What it prints goes to the output, or into a file.
   */
  async execute([program, ...args], into) {
    const script = program === 'easel' ? [join(this.root, 'packages/cli/bin/easel.js')] : [];
    if (into !== undefined) await mkdir(dirname(into), { recursive: true });
    const file = into === undefined ? undefined : createWriteStream(into);
    const child = spawn(process.execPath, [...script, ...args], {
      cwd: this.root,
      stdio: ['ignore', file === undefined ? this.output : 'pipe', this.output],
      detached: true,
    });
    if (file !== undefined) child.stdout.pipe(file);
    const stop = () => child.kill('SIGINT');
    this.signal?.addEventListener('abort', stop, { once: true });
    try {
      const code = await new Promise((resolve, reject) => {
        child.on('error', reject);
        child.on('exit', (exit, signal) => resolve(exit ?? signal));
      });
      if (file !== undefined) await finished(file);
      return code;
    } finally {
      this.signal?.removeEventListener('abort', stop);
    }
  }

  /** Deletes what a stage and those that need it made in the recipe's folder. */
  async forget(name) {
    const gone = new Set([name]);
    for (const stage of this.recipe.stages)
      if (stage.after.some((other) => gone.has(other))) gone.add(stage.name);
    for (const stage of this.recipe.stages.filter((one) => gone.has(one.name))) {
      for (const path of stage.makes)
        if (!relative(this.recipe.out, path).startsWith('..'))
          // else its program replaces it
          await rm(join(this.root, path), { recursive: true, force: true });
      delete this.known[stage.name];
    }
    await this.save();
  }

  async keep(name, changes) {
    this.known = { ...this.known, [name]: changes };
    await this.save();
  }

  save() {
    return writeJson(join(this.root, this.recipe.out, STATE_FILE), { version: 1, stages: this.known });
  }
}

function differences(before, now) {
  const names = new Set([...Object.keys(before), ...Object.keys(now)]);
  return [...names].filter((name) => before[name] !== now[name]);
}
