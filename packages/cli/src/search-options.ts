import type { TokenSearch } from '@easel/draw';
import { UsageError } from './usage-error.js';

/** The options of the command line that choose the search. */
export interface SearchArguments {
  readonly rule: string | undefined;
  readonly greedy: boolean;
  readonly beams: number | undefined;
  readonly 'length-penalty': number | undefined;
  readonly 'early-stopping': boolean;
  readonly 'all-ids': boolean;
  readonly 'top-k': number | undefined;
  readonly 'top-p': number | undefined;
  readonly temperature: number | undefined;
  readonly scale: number | undefined;
}

/**
 * Returns the search that the command line asks for. `pictures` is the number of pictures of each
 * prompt. Throws UsageError for options that do not go together.
 */
export function searchOf(args: SearchArguments, pictures: number): TokenSearch {
  const given = (names: readonly (keyof SearchArguments)[]): string | undefined => {
    const name = names.find((one) => args[one] !== undefined && args[one] !== false);
    return name === undefined ? undefined : `--${name}`;
  };
  const refuse = (names: readonly (keyof SearchArguments)[], why: string): void => {
    const found = given(names);
    if (found !== undefined) throw new UsageError(`${found}: ${why}`);
  };
  if (args.beams === undefined) refuse(['length-penalty', 'early-stopping'], 'this goes with --beams.');
  if (args.beams !== undefined) {
    const why = 'a beam search draws nothing and compares nothing with the empty prompt; leave it out.';
    refuse(['greedy', 'rule', 'top-k', 'top-p', 'temperature', 'scale'], why);
  }
  if (args.greedy) {
    refuse(
      ['rule', 'top-k', 'top-p', 'temperature'],
      '--greedy takes the likeliest code; leave one of the two out.',
    );
  }
  if ((args.greedy || args.beams !== undefined) && pictures > 1) {
    const option = args.greedy ? '--greedy' : '--beams';
    throw new UsageError(
      `${option}: all pictures of a prompt would be the same, but ${pictures} were asked for.`,
    );
  }
  if (args.rule === 'min-dalle') {
    refuse(['top-p'], "min-dalle's rule has none; leave it out, or take --rule dalle-mini.");
    refuse(['all-ids'], "min-dalle's rule never draws an id without a code.");
    if (args['top-k'] === 0) {
      throw new UsageError("--top-k: expected at least 1, got 0: min-dalle's rule has no 0 for all.");
    }
    return { way: 'min-dalle' };
  }
  if (args.greedy) return { way: 'greedy' };
  if (args.beams === undefined) return { way: 'dalle-mini' };
  return {
    way: 'beams',
    beams: args.beams,
    ...(args['length-penalty'] === undefined ? {} : { lengthPenalty: args['length-penalty'] }),
    ...(args['early-stopping'] ? { earlyStopping: true } : {}),
  };
}
