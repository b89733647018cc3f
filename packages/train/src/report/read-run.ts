import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { EaselError } from '@easel/core';

/** One number of a run at its steps. */
export interface Curve {
  /** Name of the evaluated split, or "train". */
  readonly kind: string;
  readonly name: string;
  readonly points: readonly (readonly [step: number, value: number])[];
}

/** A picture that a run saved. */
export interface RunPicture {
  readonly kind: string;
  readonly step: number;
  readonly png: Uint8Array;
}

/** The contents of a run folder. */
export interface RunRecord {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly curves: readonly Curve[];
  /** Norms of gradients and weights, by kind ("gradients", "parameters") and name. */
  readonly norms: readonly Curve[];
  readonly pictures: readonly RunPicture[];
  /** Texts of the rows of the samples. */
  readonly sampleRows: readonly string[];
  readonly sittings: readonly Readonly<Record<string, unknown>>[];
  readonly checkpoints: readonly { readonly name: string; readonly bytes: number; readonly written: Date }[];
  /**
   * Step, samples, seconds and best evaluation of the newest checkpoint. Null before the first
   * checkpoint.
   */
  readonly newest: Readonly<Record<string, unknown>> | null;
  /** Path of the batch that ended the run. Null if none did. */
  readonly failedBatch: string | null;
}

/**
 * Reads a run folder, even while the run goes on. Throws EaselError if the folder is none of a run.
 */
export async function readRun(path: string): Promise<RunRecord> {
  const config = await readJson(join(path, 'config.json'));
  if (config === null)
    throw new EaselError(
      `${path}: no run in it: config.json is missing or damaged. Expected the folder that easel train wrote (its --out).`,
    );
  const checkpoints = [];
  for (const name of (await names(join(path, 'checkpoints'))).filter((name) => /^step-\d+$/.test(name)))
    checkpoints.push({ name, ...(await sizeOf(join(path, 'checkpoints', name))) });
  const last = checkpoints.at(-1);
  const failed = join(path, 'failed-batch.json');
  const lines = await readLines(join(path, 'metrics.jsonl'));
  return {
    name: basename(path),
    config,
    curves: curvesOf(lines.map(({ step, kind, ...numbers }) => ({ step, kind: String(kind), numbers }))),
    norms: curvesOf(
      (await readLines(join(path, 'weights.jsonl'))).flatMap(({ step, norms }) =>
        Object.entries((norms ?? {}) as Record<string, Record<string, unknown>>).map(([kind, numbers]) => ({
          step,
          kind,
          numbers,
        })),
      ),
    ),
    sampleRows: await sampleRows(path, config),
    pictures: [...(await readPictures(path, 'samples')), ...(await readPictures(path, 'reconstructions'))],
    sittings: await readLines(join(path, 'sittings.jsonl')),
    checkpoints,
    newest: last === undefined ? null : await readJson(join(path, 'checkpoints', last.name, 'state.json')),
    failedBatch: (await readJson(failed)) === null ? null : failed,
  };
}

/** Turns lines of numbers into curves. Values that are no finite numbers are left out. */
function curvesOf(
  lines: readonly { step: unknown; kind: string; numbers: Readonly<Record<string, unknown>> }[],
): Curve[] {
  const curves = new Map<string, { kind: string; name: string; points: [number, number][] }>();
  for (const { step, kind, numbers } of lines)
    for (const [name, value] of Object.entries(numbers)) {
      if (typeof value !== 'number' || typeof step !== 'number') continue;
      const key = JSON.stringify([kind, name]);
      const curve = curves.get(key) ?? { kind, name, points: [] };
      curve.points.push([step, value]);
      curves.set(key, curve);
    }
  return [...curves.values()];
}

async function readPictures(path: string, kind: string): Promise<RunPicture[]> {
  const found: RunPicture[] = [];
  for (const name of await names(join(path, kind))) {
    const step = /^step-(\d+)\.png$/.exec(name)?.[1];
    if (step !== undefined)
      found.push({ kind, step: Number(step), png: await readFile(join(path, kind, name)) });
  }
  return found;
}

/**
 * Returns the texts of samples/rows.json or, without that file, the prompts that the settings name
 * for the samples.
 */
async function sampleRows(path: string, config: Readonly<Record<string, unknown>>): Promise<string[]> {
  const rows: unknown = await readJson(join(path, 'samples', 'rows.json'));
  const { prompts } = (config.samples ?? {}) as { prompts?: unknown };
  const found = rows ?? prompts;
  return Array.isArray(found) ? found.map(String) : [];
}

async function names(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).sort();
}

async function sizeOf(folder: string): Promise<{ bytes: number; written: Date }> {
  let [bytes, written] = [0, new Date(0)];
  for (const name of await names(folder)) {
    const { size, mtime } = await stat(join(folder, name));
    bytes += size;
    if (mtime > written) written = mtime;
  }
  return { bytes, written };
}

async function readJson(path: string): Promise<Record<string, unknown> | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  } catch {
    return null;
  }
}

/**
 * Reads objects, one a line. A torn last line, as a run in progress may have it, is passed over.
 */
async function readLines(path: string): Promise<Record<string, unknown>[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line) as Record<string, unknown>];
    } catch {
      return [];
    }
  });
}
