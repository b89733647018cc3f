import { constantSchedule, exponentialSchedule, linearSchedule, type Schedule } from '@easel/core';
import type { Tolerance } from '../checks.js';
import { readJson } from '../golden.js';
import type { Case, GoldenFolder, Kind } from '../kind.js';

/** The trainer's flags that make a schedule, under the trainer's names. */
export interface ScheduleFlags {
  readonly learning_rate: number;
  readonly warmup_steps: number;
  readonly lr_decay: 'linear' | 'exponential' | null;
  readonly lr_transition_steps: number | null;
  readonly lr_decay_rate: number | null;
  readonly lr_staircase: boolean;
  readonly lr_offset: number;
}

interface RecordedSchedule {
  readonly name: string;
  readonly flags: ScheduleFlags;
  readonly num_train_steps: number | null;
  readonly steps: readonly number[];
  readonly learning_rate: readonly (number | 'Infinity')[];
}

const FLOAT32_MAX = 3.4028234663852886e38;

/** Learning rates of the trainer's create_learning_rate_fn. */
export const kind: Kind = {
  cases(folder: GoldenFolder): Case[] {
    if (!folder.has('cases.json')) return [];
    return readJson<RecordedSchedule[]>(folder.file('cases.json')).map((recorded) => ({
      name: recorded.name,
      run(checks) {
        const schedule = scheduleOf(recorded.flags, recorded.num_train_steps);
        const expected = Float64Array.from(recorded.learning_rate, Number);
        const got = recorded.steps.map((step) => {
          const rate = schedule(step);
          return rate > FLOAT32_MAX ? Number.POSITIVE_INFINITY : rate; // the original's are float32
        });
        const peak = recorded.flags.learning_rate;
        const usual: Tolerance = {
          absolute: 3e-7 * peak,
          reason: "of the peak: the original's own jitted and plain rates differ by 1.2e-7 of it",
        };
        for (const [i, step] of recorded.steps.entries()) {
          const want = expected[i] as number;
          const tolerance: Tolerance =
            want > peak
              ? { relative: 6e-6, reason: "above the peak (growing rates): the original's float32 pow" }
              : usual;
          checks.close(
            want > peak ? 'growing rates' : 'rates',
            `step ${step}`,
            [got[i] as number],
            [want],
            tolerance,
          );
        }
      },
    }));
  },
};

/** Makes our schedule for the trainer's flags. */
export function scheduleOf(flags: ScheduleFlags, totalSteps: number | null): Schedule {
  const common = {
    learningRate: flags.learning_rate,
    warmupSteps: flags.warmup_steps,
    offset: flags.lr_offset,
  };
  switch (flags.lr_decay) {
    case null:
      return constantSchedule(common);
    case 'linear':
      return linearSchedule({ ...common, totalSteps: totalSteps ?? 0 });
    case 'exponential':
      return exponentialSchedule({
        ...common,
        transitionSteps: flags.lr_transition_steps ?? 0,
        decayRate: flags.lr_decay_rate ?? 0,
        staircase: flags.lr_staircase,
      });
    default:
      throw new Error(`no schedule of ours for lr_decay ${flags.lr_decay}`);
  }
}
