// A recipe: the stages by which a model is made, as a JSON file says them.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ConfigError } from '@easel/core';
import { flag, list, named, optional, readSettings, section, text } from '@easel/core/config';
import { readJsonFile } from '@easel/core/node';
import { digestOfFiles } from '@easel/train/internals';

/** @typedef {Readonly<{ file: string, field: string }>} Figure Where a figure stands. */
/**
 * @typedef {object} Stage
 * @property {string} name
 * @property {string} does What it does, for the table of stages.
 * @property {string[]} after Names of the stages that it needs; by default the one before it.
 * @property {string[][]} commands Commands with their arguments, run one after the other. The first
 * word is `easel` or `node`.
 * @property {string[]} reads Files and folders, beside what the stages before it made, on which its
 * result depends.
 * @property {string[]} makes Files and folders that are there when it is done.
 * @property {boolean} resumes Whether the same commands go on where they were stopped. What such a
 * stage made is never deleted without being asked for.
 * @property {string | null} stdout File for what the last command prints.
 * @property {Record<string, Figure>} figures Figures for the table, by what they are.
 */
/**
 * @typedef {object} Recipe
 * @property {string} name
 * @property {string} file
 * @property {string} out Folder of all that its stages make.
 * @property {Stage[]} stages
 */

const READ = section({
  description: optional(text()),
  values: named(text()),
  smoke: named(text()),
  stages: list(
    section({
      name: text(),
      does: text(),
      after: optional(list(text(), [])),
      commands: list(section({ run: text(), smoke: optional(text()) }), [], 1),
      reads: list(text(), []),
      makes: list(text(), [], 1),
      resumes: flag(false),
      stdout: optional(text()),
      figures: named(section({ file: text(), field: text() })),
    }),
    [],
    1,
  ),
});

/** Programs that a command may begin with. */
const PROGRAMS = ['easel', 'node'];

/**
 * Reads a recipe by its name (configs/recipes/NAME.json below `root`) or path. `{value}` in its
 * texts stands for one of its values. With `smoke`, its smoke values and arguments hold, by which
 * every stage is tiny. `out` replaces the value of that name.
 *
 * Throws ConfigError for a recipe that is not there or malformed.
 */
export async function readRecipe(root, nameOrFile, { smoke = false, out } = {}) {
  const file = nameOrFile.endsWith('.json')
    ? nameOrFile
    : join(root, 'configs/recipes', `${nameOrFile}.json`);
  if (!existsSync(file)) {
    const names = (await readdir(join(root, 'configs/recipes'))).map((name) => basename(name, '.json'));
    throw new ConfigError(`${file}: there is no such recipe. Recipes here: ${names.join(', ')}.`);
  }
  const found = readSettings(READ, await readJsonFile(file), file);
  const values = { ...found.values, ...(smoke ? found.smoke : {}), ...(out === undefined ? {} : { out }) };
  const filled = (words, at) => fillIn(words, values, `${file}: ${at}`);
  if (values.out === undefined) throw new ConfigError(`${file}: values.out: expected a text, it is missing.`);
  const stages = found.stages.map((stage, i) => {
    const at = `stages.${stage.name}`;
    const before = found.stages.slice(0, i).map(({ name }) => name);
    if (before.includes(stage.name))
      throw new ConfigError(`${file}: ${at}: there are two stages of this name.`);
    const after = stage.after ?? before.slice(-1);
    for (const name of after)
      if (!before.includes(name))
        throw new ConfigError(
          `${file}: ${at}.after: expected stages before it (${before.join(', ') || 'none'}), got "${name}".`,
        );
    const commands = stage.commands.map((command) => {
      const words = `${command.run} ${(smoke && command.smoke) || ''}`.trim().split(/\s+/);
      if (!PROGRAMS.includes(words[0]))
        throw new ConfigError(
          `${file}: ${at}.commands: expected a command that begins with ${PROGRAMS.join(' or ')}, got "${command.run}".`,
        );
      return words.map((word) => filled(word, `${at}.commands`));
    });
    return {
      ...stage,
      after,
      commands,
      reads: stage.reads.map((path) => filled(path, `${at}.reads`)),
      makes: stage.makes.map((path) => filled(path, `${at}.makes`)),
      stdout: stage.stdout === null ? null : filled(stage.stdout, `${at}.stdout`),
      figures: Object.fromEntries(
        Object.entries(stage.figures).map(([name, figure]) => [
          name,
          { ...figure, file: filled(figure.file, `${at}.figures`) },
        ]),
      ),
    };
  });
  return { name: basename(file, '.json'), file, out: filled('{out}', 'values'), stages };
}

function fillIn(words, values, at) {
  return words.replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name];
    if (value === undefined)
      throw new ConfigError(
        `${at}: there is no value "${name}". Values here: ${Object.keys(values).join(', ')}.`,
      );
    return fillIn(value, { ...values, [name]: undefined }, at);
  });
}

/**
 * Returns what a stage's result depends on, by what it is: its commands, the files that it reads,
 * and the stages before it (their `inputs`, by name). Throws ConfigError for a file that is missing.
 */
export async function inputsOf(root, stage, before) {
  const inputs = { commands: JSON.stringify(stage.commands) };
  for (const path of stage.reads) inputs[path] = await digestOfPath(join(root, path), `stage ${stage.name}`);
  for (const name of stage.after) inputs[`stage ${name}`] = digestOf(before[name]);
  return inputs;
}

function digestOf(inputs) {
  return createHash('sha256').update(JSON.stringify(inputs)).digest('hex');
}

async function digestOfPath(path, who) {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new ConfigError(`${path}: there is no such file, which ${who} reads.`);
  if (!found.isDirectory()) return digestOfFiles([path]);
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return digestOfFiles(files.sort());
}
