import { nearest } from '@easel/core/internals';
import yargs, { type Argv } from 'yargs';
import type { Command } from './command.js';
import { UsageError } from './usage-error.js';
import { version } from './version.js';

/** Returns the command that the words begin with, if there is one. */
export function commandOf(commands: readonly Command[], words: readonly string[]): Command | undefined {
  return commands.find(({ name }) => name.split(' ').every((word, i) => words[i] === word));
}

/** Returns "; did you mean --seed?" for a name that is close to a valid one, else an empty text. */
function suggestion(name: string, candidates: readonly string[], prefix = ''): string {
  const near = nearest(name, candidates);
  return near === undefined ? '' : ` Did you mean ${prefix}${near}?`;
}

/** Makes a UsageError of yargs's message about a command line, with the nearest valid names. */
function usageError(commands: readonly Command[], message: string, argv: readonly string[]): UsageError {
  const command = commandOf(commands, argv);
  const names = message.match(/^Unknown arguments?: (.+)$/)?.[1]?.split(', ');
  if (names === undefined) {
    const help = command === undefined ? 'easel --help' : `easel ${command.name} --help`;
    return new UsageError(`${message.replace(/\s*\n\s*/g, ' ').replace(/\.?$/, '.')} See ${help}.`);
  }
  if (command === undefined) return unknownCommand(commands, argv);
  const options = [...Object.keys(command.options), 'help', 'version'];
  // yargs names an option twice if its camel-case form differs.
  const unknown = names.filter((name) =>
    argv.some((word) => word === name || word.replace(/^--?(no-)?/, '').split('=')[0] === name),
  );
  const told = (unknown.length > 0 ? unknown : names).map((name) =>
    argv.includes(name)
      ? `unexpected argument "${name}".`
      : `unknown option ${name.length === 1 ? '-' : '--'}${name}.${suggestion(name, options, '--')}`,
  );
  return new UsageError(`${told.join(' ')} See easel ${command.name} --help.`);
}

function unknownCommand(commands: readonly Command[], argv: readonly string[]): UsageError {
  const group = argv[0] ?? '';
  const members = commands.filter(({ name }) => name.startsWith(`${group} `)).map(({ name }) => name);
  if (members.length > 0) {
    const word = argv[1];
    const found = word === undefined ? 'needs another word' : `has no command "${word}"`;
    return new UsageError(
      `easel ${group} ${found}; there is: ${members.map((name) => `easel ${name}`).join(', ')}.`,
    );
  }
  const names = commands.map(({ name }) => name);
  return new UsageError(
    `there is no command "${group}".${suggestion(group, [...new Set(names.flatMap((name) => [name, name.split(' ')[0] ?? name]))], 'easel ')} See easel --help.`,
  );
}

/**
 * Returns the arguments, with those after `--` appended to the command's list of positionals. yargs
 * does not append them.
 */
function withRest(
  command: Command,
  args: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const { '--': rest, ...own } = args;
  if (!Array.isArray(rest) || rest.length === 0) return own;
  const list = Object.entries(command.positionals).find(([, { array }]) => array)?.[0];
  if (list === undefined)
    throw new UsageError(`unexpected argument "${rest[0]}". See easel ${command.name} --help.`);
  return { ...own, [list]: [...(own[list] as unknown[]), ...rest.map(String)] };
}

/** Adds a command to a parser under its last word. */
function addCommand(parser: Argv, command: Command, word: string): Argv {
  return parser.command(
    `${word} ${command.usage}`.trim(),
    command.description,
    (own) => {
      for (const [name, positional] of Object.entries(command.positionals)) own.positional(name, positional);
      for (const [line, meaning] of command.examples) own.example(line, meaning);
      return own.options(command.options);
    },
    (args) => command.run(withRest(command, args)),
  );
}

function parserFor(commands: readonly Command[], argv: readonly string[]): Argv {
  let parser = yargs([...argv])
    .scriptName('easel')
    .usage('$0 COMMAND\n\nDraws pictures from sentences, and trains models that do.')
    .locale('en')
    .parserConfiguration({
      'parse-positional-numbers': false,
      'camel-case-expansion': false,
      'populate--': true,
    })
    .strict()
    .demandCommand(1, 'no command given.')
    .help()
    .alias('help', 'h')
    .version(version)
    .wrap(Math.min(120, process.stdout.columns || 120))
    .exitProcess(false)
    .fail((message, error) => {
      // yargs throws a YError for its own errors, and also for the error of an option's conversion.
      if (error && error.name !== 'YError') throw error;
      throw usageError(commands, error?.message ?? message, argv);
    });
  const groups = new Map<string, Command[]>();
  for (const command of commands) {
    const [word, member] = command.name.split(' ');
    if (member === undefined) parser = addCommand(parser, command, command.name);
    else groups.set(word ?? '', [...(groups.get(word ?? '') ?? []), command]);
  }
  for (const [word, members] of groups) {
    parser = parser.command(word, members.map(({ description }) => description).join('; '), (own) => {
      for (const member of members) addCommand(own, member, member.name.slice(word.length + 1));
      return own.demandCommand(1, 'no command given.');
    });
  }
  return parser;
}

/**
 * Runs the command that a command line names. `--help` and `--version` print and run nothing.
 * Throws UsageError, with the nearest valid name, for a command line that can't be understood;
 * otherwise what the command throws.
 */
export async function runCommandLine(commands: readonly Command[], argv: readonly string[]): Promise<void> {
  const first = argv[0];
  if (first !== undefined && !first.startsWith('-') && commandOf(commands, argv) === undefined) {
    const helpOfGroup = argv.includes('--help') && commands.some(({ name }) => name.startsWith(`${first} `));
    if (!helpOfGroup) throw unknownCommand(commands, argv);
  }
  await parserFor(commands, argv).parseAsync();
}
