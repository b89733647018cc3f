import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { companionOf } from './companion.js';
import { type HubPlace, hubPlace } from './hub-place.js';
import { type ModelForm, modelContents } from './model-contents.js';
import { formatHubName, type HubName, parseHubName } from './model-name.js';
import { RepositoryCache, sizeOf } from './repository-cache.js';

/** A model of the hub that is in the cache, whole. */
export interface FoundModel {
  readonly name: HubName;
  readonly commit: string;
  /** Folder with its files. */
  readonly folder: string;
  readonly form: ModelForm;
  /** The VQGAN from a repository of its own; undefined if `folder` has it, or needs none. */
  readonly vqgan: FoundModel | undefined;
  /** Whether `folder` has a VQGAN in its `vqgan`. */
  readonly hasVqgan: boolean;
  /** Where the model lies once it is rewritten as one folder of Easel's form. */
  readonly converted: string;
  /** Whether it lies there. */
  readonly isConverted: boolean;
}

/**
 * Looks for a model in the cache, with its VQGAN; asks nothing of the network. A branch or tag is the
 * commit that it was when it was last fetched, by Easel or by Python's huggingface_hub. Returns
 * undefined if any file that opening the model reads is missing. Throws ConfigError for a name that
 * no model can have.
 */
export async function findModel(
  name: HubName | string,
  place: HubPlace = hubPlace(),
): Promise<FoundModel | undefined> {
  const hubName = typeof name === 'string' ? parseHubName(name) : name;
  const cache = new RepositoryCache(place, hubName.repository);
  const commit = await cache.commitOf(hubName.revision);
  if (commit === undefined) return undefined;
  const here = (await cache.filesOf(commit)).map((path) => ({ path }));
  const contents = modelContents(here, hubName.subfolder);
  if (contents === undefined) return undefined;
  const listed = modelContents((await cache.list(commit)) ?? [], hubName.subfolder);
  for (const { path, size } of listed?.files ?? [])
    if ((await sizeOf(cache.pointer(commit, path))) !== size) return undefined;
  const folder = hubName.subfolder === '' ? cache.snapshot(commit) : cache.pointer(commit, hubName.subfolder);
  const companion = contents.hasVqgan
    ? undefined
    : companionOf(await readFile(join(folder, 'config.json'), 'utf8'));
  const vqgan = companion === undefined ? undefined : await findModel(companion, place);
  if (companion !== undefined && vqgan === undefined) return undefined;
  const converted = convertedFolder(place, hubName, commit, vqgan?.commit);
  const { form, hasVqgan } = contents;
  const isConverted = existsSync(join(converted, 'config.json'));
  return { name: hubName, commit, folder, form, vqgan, hasVqgan, converted, isConverted };
}

/**
 * The folder that a model is rewritten to: huggingface_hub's `cached_assets_path('easel', …)`, which
 * is where programs keep what they make of the hub's files.
 */
function convertedFolder(
  { assets }: HubPlace,
  { repository, subfolder }: HubName,
  commit: string,
  vqganCommit: string | undefined,
): string {
  const words = [commit, ...(subfolder === '' ? [] : subfolder.split('/'))];
  if (vqganCommit !== undefined) words.push(`vqgan-${vqganCommit.slice(0, 12)}`);
  return join(convertedFolders(assets, repository), words.join('--'));
}

/** The folder of all that is made of a repository. */
export function convertedFolders(assets: string, repository: string): string {
  return join(assets, 'easel', repository.replace('/', '--'));
}

/** A sentence on how to get a model that is not in the cache. */
export function howToFetch(name: HubName | string): string {
  const text = typeof name === 'string' ? name : formatHubName(name);
  return `easel models fetch ${text} fetches it`;
}
