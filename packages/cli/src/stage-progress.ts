import type { LearnEvent, TuneEvent } from '@easel/train';
import { formatSeconds, Progress } from './progress.js';

/** What any work of several stages tells. */
type AnyStageEvent = LearnEvent | TuneEvent;

/**
 * Shows the stages of a work by their titles, each with a bar and the time left of all. `finish`
 * ends the last bar.
 */
export function showStages(
  titles: Readonly<Record<string, string>>,
  quiet: boolean,
): { onEvent: (event: AnyStageEvent) => void; finish: () => void } {
  let progress: Progress | undefined;
  const say = (text: string) => {
    progress?.finish();
    progress = undefined;
    if (!quiet) process.stderr.write(`${text}\n`);
  };
  const onEvent = (event: AnyStageEvent) => {
    if (event.kind === 'note') say(`  ${event.text}`);
    else if (event.kind === 'stage') say(`${event.number}/${event.of}  ${titles[event.stage]}`);
    else {
      const { done, total, unit, note, secondsLeft } = event;
      progress ??= new Progress({ label: ' ', unit, startsLate: true, quiet });
      progress.update(done, { total, note: `${note}  ${formatSeconds(secondsLeft)} left in all`.trim() });
    }
  };
  return { onEvent, finish: () => progress?.finish() };
}
