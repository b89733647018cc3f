import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TrainingEvent, TrainingOptions } from '../src/run/training-loop.js';

/** A line of metrics.jsonl. */
export interface LoggedLine {
  readonly step: number;
  readonly kind: string;
  // biome-ignore lint/suspicious/noExplicitAny: what a test compares is its own concern
  readonly [name: string]: any;
}

/** The lines of a run's metrics.jsonl, without what depends on the machine's speed. */
export function readMetrics(run: string): LoggedLine[] {
  return readFileSync(join(run, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const { samplesPerSecond, tokensPerSecond, peakShare, computeShare, memoryMiB, seconds, ...rest } =
        JSON.parse(line);
      return rest;
    });
}

/** A signal that goes off when the run tells of this step. */
export function stopAt(step: number): Pick<TrainingOptions, 'signal' | 'onEvent'> {
  const stop = new AbortController();
  const onEvent = (event: TrainingEvent) => {
    if (event.kind === 'step' && event.step === step) stop.abort();
  };
  return { signal: stop.signal, onEvent };
}
