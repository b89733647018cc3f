import { ALL, chancesOf } from './judge-prompt.js';
import type { ContrastedPrompt } from './judged-set.js';
import { wilsonInterval } from './wilson-interval.js';

/** What was found of one prompt. */
export interface PromptVerdicts {
  readonly kind: string;
  readonly split: string;
  readonly prompt: string;
  /**
   * By axis, and under `all` for all axes together: the share of right drawings with each setting,
   * and whether the right rendering itself is right (null: it was not judged).
   */
  readonly axes: Readonly<
    Record<string, { readonly right: readonly number[]; readonly ceiling: boolean | null }>
  >;
}

/** What was found on one axis of the prompts of a kind and split. */
export interface JudgedRow {
  readonly kind: string;
  readonly split: string;
  /** Name of the axis; `all`: right on all axes of a prompt. */
  readonly axis: string;
  /** Number of prompts that have the axis. */
  readonly prompts: number;
  /** Share of right drawings if each rendering were equally likely to be the nearest. */
  readonly chance: number;
  /** Share of the right renderings that are right; null: they were not judged. */
  readonly ceiling: number | null;
  /**
   * Share of right drawings with each setting, and its 95 % interval (Wilson). The interval counts
   * prompts, since several drawings of one prompt are no independent trials.
   */
  readonly results: readonly { readonly right: number; readonly low: number; readonly high: number }[];
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Returns the rows of a kind: its splits in order, and in each its axes, and all of them last. */
export function rowsOf(
  kind: string,
  prompts: readonly ContrastedPrompt[],
  verdicts: readonly PromptVerdicts[],
): JudgedRow[] {
  const chances = prompts.map(chancesOf);
  return [...new Set(prompts.map(({ split }) => split))].flatMap((split) => {
    const own = prompts.flatMap((prompt, i) => (prompt.split === split ? [i] : []));
    const names = [...new Set(own.flatMap((i) => Object.keys(prompts[i]?.axes ?? {})))];
    return [...names, ...(names.length > 1 ? [ALL] : [])].map((axis): JudgedRow => {
      const found = own.flatMap((i) => {
        const verdict = verdicts[i]?.axes[axis];
        return verdict === undefined ? [] : [{ ...verdict, chance: chances[i]?.[axis] as number }];
      });
      const settings = found[0]?.right ?? [];
      const ceilings = found.flatMap(({ ceiling }) => (ceiling === null ? [] : [Number(ceiling)]));
      return {
        kind,
        split,
        axis,
        prompts: found.length,
        chance: mean(found.map(({ chance }) => chance)),
        ceiling: ceilings.length === 0 ? null : mean(ceilings),
        results: settings.map((_, s) => {
          const right = mean(found.map((verdict) => verdict.right[s] as number));
          return { right, ...wilsonInterval(right, found.length) };
        }),
      };
    });
  });
}
