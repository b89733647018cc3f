import { existsSync } from 'node:fs';
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EaselError, type Raster } from '@easel/core';
import { writeFileAtomic } from '@easel/core/internals/node';
import { encodePng } from '@easel/draw';
import { EventFile, type EventValue } from './event-file.js';
import { thisSitting } from './sitting.js';
import { stepName } from './step-name.js';
import type { WeightStatistics } from './weight-statistics.js';

/**
 * A line of metrics.jsonl. `kind` is "train" or the evaluated split. The other fields are numbers.
 */
export interface MetricsLine {
  readonly step: number;
  readonly kind: string;
  readonly [name: string]: number | string;
}

const METRICS = 'metrics.jsonl';
const WEIGHTS = 'weights.jsonl';
const SITTINGS = 'sittings.jsonl';
const ROWS = 'rows.json';

/**
 * The logs of a run in its folder:
 *
 *     metrics.jsonl   one line for each logged step and evaluation
 *     sittings.jsonl  when, on what machine and with what versions each sitting ran
 *     weights.jsonl   norms and histograms of weights and gradients, if the config asks for them
 *     samples/, reconstructions/, …   a picture for each time that some were drawn
 *     tensorboard/    the same as TensorBoard's event files, one a sitting
 *
 * Every method throws EaselError, naming the file, if it can't be written.
 */
export class MetricsLog {
  private readonly folder: string;
  private readonly fromStep: number;
  private readonly tensorboard: boolean;
  /** The event file of this sitting. It is made when there is something to write. */
  private events: Promise<EventFile> | undefined;

  private constructor(folder: string, fromStep: number, tensorboard: boolean) {
    this.folder = folder;
    this.fromStep = fromStep;
    this.tensorboard = tensorboard;
  }

  /**
   * Opens the log of a sitting that begins after `fromStep` updates. It drops lines of later steps,
   * and a torn last line of a killed process. `tensorboard` says whether event files are written
   * too.
   */
  static async open(folder: string, fromStep: number, tensorboard: boolean): Promise<MetricsLog> {
    await dropLinesAfter(join(folder, METRICS), fromStep);
    if (existsSync(join(folder, WEIGHTS))) await dropLinesAfter(join(folder, WEIGHTS), fromStep);
    return new MetricsLog(folder, fromStep, tensorboard);
  }

  /** Whether a folder's run has logged anything. */
  static async isBegun(folder: string): Promise<boolean> {
    return (await readFile(join(folder, METRICS), 'utf8').catch(() => '')) !== '';
  }

  /** Adds a line to metrics.jsonl. */
  async add(line: MetricsLine): Promise<void> {
    await this.append(METRICS, line);
    const { step, kind, ...rest } = line;
    const numbers = Object.entries(rest).filter(
      (entry): entry is [string, number] => typeof entry[1] === 'number',
    );
    await this.addEvents(
      step,
      numbers.map(([name, scalar]) => ({ tag: `${kind}/${name}`, scalar })),
    );
  }

  /** Adds the machine and versions of this sitting to sittings.jsonl. */
  async addSitting(): Promise<void> {
    await this.append(SITTINGS, thisSitting(this.fromStep));
  }

  /** Adds a line to weights.jsonl. */
  async addStatistics(step: number, statistics: WeightStatistics): Promise<void> {
    await this.append(WEIGHTS, { step, ...statistics });
    const { norms, histograms } = statistics;
    const values: EventValue[] = [];
    for (const part of ['gradients', 'parameters'] as const) {
      for (const [name, scalar] of Object.entries(norms?.[part] ?? {}))
        values.push({ tag: `${part}_norm/${name}`, scalar });
      for (const [name, { edges, ...rest }] of Object.entries(histograms?.[part] ?? {})) {
        const [min, max] = [edges[0] as number, edges.at(-1) as number];
        values.push({ tag: `${part}/${name}`, histogram: { ...rest, min, max, limits: edges.slice(1) } });
      }
    }
    await this.addEvents(step, values);
  }

  /**
   * Saves a picture that was drawn after a step as `kind`/step-….png. `rows` describes its rows, if
   * the settings don't; it is saved as `kind`/rows.json.
   */
  async addPicture(kind: string, step: number, picture: Raster, rows?: readonly string[]): Promise<void> {
    const folder = join(this.folder, kind);
    await mkdir(folder, { recursive: true }).catch((error: Error) => {
      throw new EaselError(`Run folder ${this.folder}: ${kind} can't be made (${error.message}).`);
    });
    if (rows !== undefined) await writeFileAtomic(join(folder, ROWS), `${JSON.stringify(rows)}\n`);
    const png = await encodePng(picture);
    await writeFileAtomic(join(folder, `${stepName(step)}.png`), png);
    await this.addEvents(step, [{ tag: kind, png, width: picture.width, height: picture.height }]);
  }

  private async append(file: string, line: object): Promise<void> {
    await appendFile(join(this.folder, file), `${JSON.stringify(line)}\n`).catch((error: Error) => {
      throw new EaselError(`Run folder ${this.folder}: ${file} can't be written (${error.message}).`);
    });
  }

  private async addEvents(step: number, values: readonly EventValue[]): Promise<void> {
    if (!this.tensorboard || values.length === 0) return;
    this.events ??= EventFile.create(join(this.folder, 'tensorboard'), this.fromStep);
    await (await this.events).write(step, values);
  }
}

async function dropLinesAfter(path: string, step: number): Promise<void> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const kept = text.split('\n').filter((line) => {
    try {
      return (JSON.parse(line) as MetricsLine).step <= step;
    } catch {
      return false; // the last line of a killed process
    }
  });
  await writeFileAtomic(path, kept.map((line) => `${line}\n`).join(''));
}
