import type { InferredOptionTypes, Options, PositionalOptions } from 'yargs';

/** The options of a command by name, as yargs takes them. */
export type OptionTable = Readonly<Record<string, Options>>;

/**
 * The declaration of a command. yargs checks and converts the arguments, and `run` gets them with
 * their types.
 */
export interface CommandSpec<P extends Record<string, PositionalOptions>, O extends OptionTable> {
  /**
   * Name as it is typed, e.g. `train-vqgan`. A command of a group has two words: `tokenizer train`.
   */
  readonly name: string;
  /** The positional arguments in yargs's notation, e.g. `<in> <out>`, `[prompts..]`. */
  readonly usage?: string;
  /** One line for the list of commands. */
  readonly description: string;
  readonly positionals: P;
  readonly options: O;
  /** At least one example: a command line and what it does. */
  readonly examples: readonly (readonly [command: string, meaning: string])[];
  readonly run: (args: InferredOptionTypes<P> & InferredOptionTypes<O>) => Promise<void>;
}

/** A command without its argument types, for the list of all commands. */
export interface Command {
  readonly name: string;
  readonly usage: string;
  readonly description: string;
  readonly positionals: Readonly<Record<string, PositionalOptions>>;
  readonly options: OptionTable;
  readonly examples: readonly (readonly [command: string, meaning: string])[];
  readonly run: (args: Readonly<Record<string, unknown>>) => Promise<void>;
}

/**
 * Declares a command. The arguments that `run` receives have been checked against `positionals` and
 * `options` by the parser.
 */
export function defineCommand<P extends Record<string, PositionalOptions>, O extends OptionTable>(
  spec: CommandSpec<P, O>,
): Command {
  return {
    ...spec,
    usage: spec.usage ?? '',
    // The parser builds the arguments from the same tables.
    run: (args) => spec.run(args as InferredOptionTypes<P> & InferredOptionTypes<O>),
  };
}
