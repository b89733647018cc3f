import { randomUUID } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { EaselError } from '@easel/core';
import { makeFolder } from '@easel/core/internals/node';
import type { FetchPlan, FoundModel } from '@easel/hub';
import { convertModel } from './conversion/convert-model.js';
import { nameOfModel, resolveModelFolder } from './model-folder.js';
import { Progress } from './progress.js';
import { canConfirm, confirm } from './terminal/confirm.js';

/** A model of a command line: where it lies, and what it is called. */
export interface LocatedModel {
  readonly folder: string;
  readonly name: string;
}

/** Options of `locateModel`. */
export interface LocateOptions {
  readonly signal: AbortSignal;
  /** Whether a named model is fetched and rewritten without a question. */
  readonly yes?: boolean | undefined;
  readonly quiet?: boolean | undefined;
  /** Name of the command line's option, for messages (default --model). */
  readonly option?: string;
}

/**
 * Returns the model to use: `hf:…`, a model of Hugging Face's hub, or a folder as
 * `resolveModelFolder` finds it. A named model that is not in the hub's cache is fetched, and one
 * that is not in Easel's form is rewritten once, if the user agrees: both are one question. Throws
 * HubError where nobody can be asked or the answer is no, and what `fetchModel` and `convertModel`
 * throw.
 */
export async function locateModel(asked: string | undefined, options: LocateOptions): Promise<LocatedModel> {
  const given = asked ?? process.env.EASEL_MODEL;
  if (given !== undefined && isNamed(given))
    return { folder: await namedFolder(given, options), name: given };
  const folder = resolveModelFolder(asked, options.option === undefined ? {} : { option: options.option });
  return { folder, name: nameOfModel(folder) };
}

/** The folder of a model or of a CLIP: a name's as above, any other path as it is. */
export async function locateFolder(path: string, options: LocateOptions): Promise<string> {
  return isNamed(path) ? namedFolder(path, options) : path;
}

/** Whether a model is named as those of the hub are. The hub's package is loaded for such names. */
function isNamed(path: string): boolean {
  return path.startsWith('hf:');
}

async function namedFolder(name: string, options: LocateOptions): Promise<string> {
  const { findModel, HubError, howToFetch, planFetch } = await import('@easel/hub');
  const { yes = false, quiet = false, signal } = options;
  const there = await findModel(name);
  if (there !== undefined && !needsConversion(there)) return there.folder;
  if (there?.isConverted) return there.converted;
  const missing =
    there === undefined
      ? `${name} is not in the hub's cache, and nothing is fetched unasked`
      : `${name} is to be rewritten in Easel's form, and nothing is written unasked`;
  const say = (text: string) => {
    if (!quiet) process.stderr.write(`${text}\n`);
  };
  if (!yes && !canConfirm()) throw new HubError(`${missing}. ${howToFetch(name)}; so does --yes.`);
  const plan = there === undefined ? await planFetch(name, { signal, onNotice: say }) : undefined;
  const told = plan === undefined ? await describeConversion(there as FoundModel) : await describePlan(plan);
  if (yes) say(told);
  else if (!(await confirm(`${told}\nGo on?`, signal))) throw new HubError(`${missing}: the answer was no.`);
  const found = plan === undefined ? (there as FoundModel) : await fetchShown(plan, { quiet, signal });
  return openable(found, { quiet, signal });
}

/** Whether a model is opened from a folder that Easel makes of it: text model and VQGAN in one. */
export function needsConversion({
  form,
  vqgan,
  hasVqgan,
}: Pick<FoundModel, 'form' | 'hasVqgan'> & { readonly vqgan: unknown }): boolean {
  return vqgan !== undefined || (hasVqgan && form !== 'easel');
}

/** What fetching would do, in a few sentences. */
export async function describePlan(plan: FetchPlan): Promise<string> {
  const { formatBytes, formatHubName, hubPlace } = await import('@easel/hub');
  const { endpoint, cache, assets } = hubPlace();
  const part = ({ name, contents, bytes, missing }: FetchPlan) =>
    `${formatHubName(name)}: ${contents.files.length} files, ${formatBytes(bytes)}${missing === bytes ? '' : `, ${formatBytes(missing)} of it missing`}`;
  const lines = [`From ${endpoint} into ${cache}:`, `  ${part(plan)}`];
  if (plan.vqgan !== undefined) lines.push(`  ${part(plan.vqgan)} (its VQGAN)`);
  const all = plan.bytes + (plan.vqgan?.bytes ?? 0);
  if (needsConversion({ ...plan.contents, vqgan: plan.vqgan }))
    lines.push(`Then rewritten in Easel's form, once: ${formatBytes(all)} more, in ${assets}.`);
  return lines.join('\n');
}

async function describeConversion({ folder, converted }: FoundModel): Promise<string> {
  return `${folder} is rewritten in Easel's form, once, and takes as much again, in ${dirname(converted)}.`;
}

interface Shown {
  readonly quiet: boolean;
  readonly signal: AbortSignal;
}

/** Fetches a model and shows how far it is. */
export async function fetchShown(plan: FetchPlan, { quiet, signal }: Shown): Promise<FoundModel> {
  const { fetchModel } = await import('@easel/hub');
  const progress = new Progress({ label: 'fetching', unit: 'MB', startsLate: true, quiet });
  const tenths = (bytes: number) => Math.round(bytes / 1e5) / 10;
  try {
    return await fetchModel(plan, {
      signal,
      onProgress: (done, total) => progress.update(tenths(done), { total: tenths(total) }),
      onNotice: (text) => progress.log(text),
    });
  } finally {
    progress.finish();
  }
}

/**
 * The folder from which a model is opened: its own, or the one that is made of it. The new folder
 * gets its name when it is whole; if another process was first, its folder is taken.
 */
export async function openable(found: FoundModel, { quiet, signal }: Shown): Promise<string> {
  if (!needsConversion(found)) return found.folder;
  if (found.isConverted) return found.converted;
  const partial = `${found.converted}.${randomUUID().slice(0, 8)}.partial`;
  await makeFolder(dirname(partial));
  const bar = () => new Progress({ label: 'rewriting', unit: 'tensors', quiet, afterMilliseconds: 1000 });
  let progress = bar();
  try {
    await convertModel(found.folder, partial, {
      vqgan: found.vqgan?.folder,
      signal,
      onWeight: (weight, done, total, share) => {
        progress.update(done, { total, note: weight, share });
        if (done < total) return;
        progress.finish();
        progress = bar(); // the VQGAN follows
      },
    });
    signal.throwIfAborted();
    await rename(partial, found.converted).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
    return found.converted;
  } catch (error) {
    if (error instanceof EaselError)
      throw new EaselError(
        `${basename(found.folder)} of ${found.name.repository} could not be rewritten: ${error.message}`,
        { cause: error },
      );
    throw error;
  } finally {
    progress.finish();
    await rm(partial, { recursive: true, force: true });
  }
}
