import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, DataError, type EaselError } from '@easel/core';
import type { Vqgan } from '@easel/vqgan';
import type { PictureShape } from '../decoded/decode-picture.js';
import { describeFailures, type EncodeSummary, encodePictures } from '../encoding/encode.js';
import { lockFolder } from '../lock/folder-lock.js';
import type { TrainingEvent, TrainingResult } from '../run/training-loop.js';
import type { TimePlan } from '../run/training-plan.js';
import type { CaptionLines, PictureSource } from '../sources/picture-source.js';
import { readWorkState, type WorkState, writeWorkState } from './work-state.js';

/** What a work of several stages tells while it goes. */
export type StageEvent<Stage extends string> =
  | { readonly kind: 'stage'; readonly stage: Stage; readonly number: number; readonly of: number }
  | {
      readonly kind: 'progress';
      readonly stage: Stage;
      readonly done: number;
      readonly total: number;
      readonly unit: string;
      readonly note: string;
      /** Of the whole work. */
      readonly secondsLeft: number;
    }
  /** What is worth a line of its own. */
  | { readonly kind: 'note'; readonly text: string };

/** How a work of several stages is done. */
export interface StagedOptions<Stage extends string> {
  /** Folder of the model that comes of it; what is needed on the way lies in a folder within it. */
  readonly out: string;
  /** Time for everything; of one that goes on it stays what it was. */
  readonly minutes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: ((event: StageEvent<Stage>) => void) | undefined;
}

/** Something that a work is begun with, and that stays what it was while the work goes on. */
export interface Condition<Value extends string | number = never> {
  /** What is given now. Undefined: as the work was begun. */
  readonly value: Value | undefined;
  /** What holds if nothing is given at the beginning. */
  readonly usual?: Value;
  /** The error if another value is given than the work was begun with. */
  readonly refusal: (before: Value) => EaselError;
}

/** The condition that a work goes on with the pictures and captions that it was begun with. */
export function samePictures(
  { out, captionLines = 'all' }: { readonly out: string; readonly captionLines?: CaptionLines | undefined },
  name: string,
  source: PictureSource,
): Condition<string> {
  return {
    value: `${captionLines} ${source.digest}`,
    refusal: () =>
      new DataError(
        `${out}: its ${name} was begun with other pictures or captions than are in ${source.description} now. Choose a new folder.`,
      ),
  };
}

/** A kind of staged work. */
export interface WorkKind {
  /** Name for messages, and of the folder within the model's: `learning`. */
  readonly name: string;
  /** Minutes that it gets if none are given. */
  readonly usualMinutes: number;
  /** Its further conditions by name. */
  readonly conditions: Readonly<Record<string, Condition<string> | Condition<number>>>;
}

/** Share of the time that isn't planned: evaluations, checkpoints, opening. */
const SLACK = 0.08;
/** Fewest updates of a training, however short the time. */
const FEWEST_UPDATES = 20;

/**
 * How many updates fill so many seconds, within the passes over the data that are sensible.
 * `mostEpochs`: most passes over `samples` samples.
 */
export function updatesFor(
  seconds: number,
  sizes: {
    readonly secondsPerUpdate: number;
    readonly samples: number;
    readonly batchSize: number;
    readonly mostEpochs: number;
  },
): number {
  const { secondsPerUpdate, samples, batchSize, mostEpochs } = sizes;
  const most = Math.ceil((mostEpochs * samples) / batchSize);
  return Math.max(FEWEST_UPDATES, Math.min(most, Math.floor(seconds / secondsPerUpdate)));
}

/**
 * Opens the folder of a work, new or begun, and hands it to `use` under a lock. Throws ConfigError
 * for minutes that are no time or others than it was begun with, and if the folder of the model
 * holds one of other making; what a condition refuses with; EaselError if another process works in
 * it.
 */
export async function withStagedWork<Stage extends string, T>(
  kind: WorkKind,
  options: StagedOptions<Stage>,
  use: (work: StagedWork<Stage>) => Promise<T>,
): Promise<T> {
  const { out, minutes } = options;
  const { name } = kind;
  requireMinutes(name, minutes);
  const folder = join(out, name);
  if (!existsSync(folder) && existsSync(join(out, 'config.json')))
    throw new ConfigError(
      `${out}: there is a model in it already, of which no ${name} is known. Choose a new folder.`,
    );
  await mkdir(folder, { recursive: true });
  const lock = await lockFolder(folder);
  try {
    const conditions: WorkKind['conditions'] = {
      ...kind.conditions,
      minutes: {
        value: minutes,
        usual: kind.usualMinutes,
        refusal: (before: number) =>
          new ConfigError(
            `${out}: its ${name} was begun for ${before} minutes, now ${minutes} are given. Leave --minutes out to go on, or choose a new folder.`,
          ),
      },
    };
    const before = await readWorkState(folder);
    const settled = settle(conditions, before?.conditions);
    const state = before ?? { version: 2, conditions: settled, spent: 0, found: {}, done: [] };
    return await use(new StagedWork(folder, state, options));
  } finally {
    await lock.release();
  }
}

/** Throws ConfigError for minutes that are not a time above 0. `name`: of the work. */
export function requireMinutes(name: string, minutes: number | undefined): void {
  if (minutes !== undefined && !(Number.isFinite(minutes) && minutes > 0))
    throw new ConfigError(`A ${name}: expected minutes above 0, got ${minutes}.`);
}

/** Returns the values that hold: what was begun with, else what is given, else what is usual. */
function settle(
  conditions: WorkKind['conditions'],
  before: WorkState['conditions'] | undefined,
): Record<string, string | number> {
  const settled: Record<string, string | number> = {};
  for (const [name, { value, usual, refusal }] of Object.entries(conditions)) {
    const old = before?.[name];
    if (old !== undefined && value !== undefined && value !== old) throw refusal(old as never);
    settled[name] = old ?? value ?? usual ?? '';
  }
  return settled;
}

/** One sitting of a work of several stages. Its folder holds its state and what stages make. */
export class StagedWork<Stage extends string> {
  readonly options: StagedOptions<Stage>;
  private readonly folder: string;
  private readonly began = performance.now();
  private readonly spentBefore: number;
  private state: WorkState;

  constructor(folder: string, state: WorkState, options: StagedOptions<Stage>) {
    this.folder = folder;
    this.state = state;
    this.spentBefore = state.spent;
    this.options = options;
  }

  /** What the work was begun with. */
  get conditions(): WorkState['conditions'] {
    return this.state.conditions;
  }

  /** Time for everything, in seconds. */
  get seconds(): number {
    return 60 * (this.conditions.minutes as number);
  }

  /** Time that is used up, in seconds, over all sittings. */
  get spent(): number {
    return this.spentBefore + (performance.now() - this.began) / 1000;
  }

  /** Seconds of the whole that can be planned. */
  get plannable(): number {
    return this.seconds * (1 - SLACK);
  }

  /** A path in the work's folder. */
  at(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  /** A number that a stage found; undefined while it is unknown. */
  found(name: string): number | undefined {
    return this.state.found[name];
  }

  /** Keeps a number for later stages and sittings, and returns it. */
  async keep(name: string, value: number): Promise<number> {
    await this.save({ found: { ...this.state.found, [name]: value } });
    return value;
  }

  /**
   * Goes through the stages that are not done yet. A stage says whether it was finished. Returns
   * false if the signal stopped one.
   */
  async run(stages: Readonly<Record<Stage, () => Promise<boolean>>>): Promise<boolean> {
    const names = Object.keys(stages) as Stage[];
    for (const [i, stage] of names.entries()) {
      if (this.state.done.includes(stage)) continue;
      if (this.options.signal?.aborted) return false;
      this.options.onEvent?.({ kind: 'stage', stage, number: i + 1, of: names.length });
      const finished = await this.orStopped(stages[stage]);
      await this.save(finished ? { done: [...this.state.done, stage] } : {});
      if (!finished) return false;
    }
    return true;
  }

  /** Tells what is worth a line of its own. */
  note(text: string): void {
    this.options.onEvent?.({ kind: 'note', text });
  }

  /** Tells how far a stage is. `ownSecondsLeft`: what it itself will take at least. */
  tell(
    stage: Stage,
    done: number,
    total: number,
    unit: string,
    { note = '', ownSecondsLeft = 0 }: { readonly note?: string; readonly ownSecondsLeft?: number } = {},
  ): void {
    const secondsLeft = Math.max(ownSecondsLeft, this.seconds - this.spent);
    this.options.onEvent?.({ kind: 'progress', stage, done, total, unit, note, secondsLeft });
  }

  /**
   * The updates that a training gets, under a name; found out once from the time of an update, as
   * `plan` measures it, and told. `usual`: fewer than these are told to be few. Undefined if the
   * signal stopped the measuring.
   */
  async updates(
    name: string,
    plan: () => Promise<{ readonly time: TimePlan | undefined; readonly samples: number }>,
    sizes: {
      readonly seconds: () => number;
      readonly batchSize: number;
      readonly mostEpochs: number;
      readonly usual: number;
    },
  ): Promise<number | undefined> {
    const known = this.found(name);
    if (known !== undefined) return known;
    const { time, samples } = await plan();
    if (time === undefined) return undefined;
    const { secondsPerUpdate } = time;
    const updates = updatesFor(sizes.seconds(), { ...sizes, secondsPerUpdate, samples });
    const few = updates < sizes.usual ? `; with fewer than ${sizes.usual} expect rough pictures` : '';
    this.note(`${updates} updates of ${secondsPerUpdate.toPrecision(2)} s, as measured here${few}`);
    return this.keep(name, updates);
  }

  /** Makes or resumes the run of a training stage; false if the signal stopped it. */
  async train(
    stage: Stage,
    run: (options: {
      readonly out: string;
      readonly resume: true;
      readonly signal: AbortSignal | undefined;
      readonly onEvent: (event: TrainingEvent) => void;
    }) => Promise<TrainingResult>,
  ): Promise<boolean> {
    const { complete } = await run({
      out: this.at(stage),
      resume: true,
      signal: this.options.signal,
      onEvent: (event) => {
        if (event.kind === 'step') {
          const { step, steps, loss, secondsLeft: ownSecondsLeft } = event;
          this.tell(stage, step, steps, 'updates', { note: `loss ${loss.toPrecision(3)}`, ownSecondsLeft });
        }
        if (event.kind === 'pictures') this.noteUnused(event.failures, event.log);
      },
    });
    return complete;
  }

  /** Encodes the pictures into the stage's folder. Returns undefined if the signal stopped it. */
  async encode(
    stage: Stage,
    source: PictureSource,
    vqgan: Vqgan,
    shape: Partial<PictureShape>,
  ): Promise<EncodeSummary | undefined> {
    const summary = await encodePictures(source, {
      vqgan,
      out: this.at(stage),
      shape,
      signal: this.options.signal,
      onProgress: ({ pictures, total }) => this.tell(stage, pictures, total, 'pictures'),
    });
    const { pictures, rows, codes, codesUsed, failures, leftOut, skippedLog } = summary;
    if (!summary.partComplete) return undefined;
    this.noteUnused(failures, skippedLog);
    if (Object.keys(leftOut).length > 0)
      this.note(`left out: ${describeFailures(leftOut)}; named in ${skippedLog}`);
    this.note(`${pictures} pictures with ${rows} captions; ${codesUsed} of ${codes} tokens in use`);
    return summary;
  }

  private noteUnused(failures: EncodeSummary['failures'], log: string): void {
    const unused = Object.values(failures).reduce((sum, count) => sum + (count ?? 0), 0);
    if (unused > 0)
      this.note(
        `${unused} ${unused === 1 ? 'picture' : 'pictures'} can't be used: ${describeFailures(failures)}; named in ${log}`,
      );
  }

  /** What a stage says; false where the signal ended it. */
  private async orStopped(stage: () => Promise<boolean>): Promise<boolean> {
    const { signal } = this.options;
    try {
      return await stage();
    } catch (error) {
      if (signal?.aborted && error === signal.reason) return false;
      throw error;
    }
  }

  private async save(changes: Partial<WorkState>): Promise<void> {
    this.state = { ...this.state, ...changes, spent: this.spent };
    await writeWorkState(this.folder, this.state);
  }
}

/** All captions of a source, in its order. Throws DataError if it has none. */
export async function captionsOf(source: PictureSource): Promise<string[]> {
  const captions: string[] = [];
  for await (const picture of source.read({ pictures: false }))
    for (const caption of picture.captions) if (caption !== '') captions.push(caption);
  if (captions.length === 0) throw new DataError(`${source.description}: no captions in it.`);
  return captions;
}

/** Some of the texts, each once, from places all over them. */
export function spreadOver(texts: readonly string[], most: number): string[] {
  const different = [...new Set(texts)];
  const count = Math.min(most, different.length);
  return Array.from(
    { length: count },
    (_, i) => different[Math.floor(((i + 0.5) * different.length) / count)] as string,
  );
}
