import { MIN_DALLE_PAIRS } from '@easel/core/internals/node';
import { CHECKPOINT_NAMES } from '@easel/core/node';
import type { RepositoryFile } from './hub-client.js';

/** Forms of a model's weights, best first. */
export type ModelForm = 'easel' | 'flax' | 'torch';

/** The files of a model among those of a repository. */
export interface ModelContents<F> {
  readonly form: ModelForm;
  readonly files: readonly F[];
  /** Whether the folder `vqgan` is among them, with a config and weights. */
  readonly hasVqgan: boolean;
}

/** Folder of the VQGAN that goes with a text model. */
const VQGAN = 'vqgan';

/** Weights in parts: `model-00001-of-00002.safetensors`. */
const PART = /-\d{5}-of-(\d{5})\.(safetensors|msgpack|bin)$/;

/** Files that hold weights, or what programs of other kinds run. */
const WEIGHTS =
  /\.(?:safetensors|msgpack|bin|pt|pth|ckpt|h5|onnx|ot|pb|tflite|gguf|ggml|npz|npy|pkl|pickle|mlmodel|mlpackage|tar|gz|zip)$/i;

/** Files for people, which no program of ours opens. */
const PAPERS = /^\.|\.(?:md|png|jpe?g|gif|webp|svg|mp4|ipynb|py|pdf)$/i;

/**
 * Chooses the files that opening a model reads: all of its folder but weights in further forms,
 * pictures and programs; and the same of `vqgan/`. Undefined if the folder holds no model: it has no
 * config.json, or no weights of a form that Easel opens.
 */
export function modelContents<F extends { readonly path: string }>(
  files: readonly F[],
  subfolder: string,
): ModelContents<F> | undefined {
  const own = choose(files, subfolder);
  if (own === undefined) return undefined;
  const inner = choose(files, subfolder === '' ? VQGAN : `${subfolder}/${VQGAN}`);
  return { ...own, files: [...own.files, ...(inner?.files ?? [])], hasVqgan: inner !== undefined };
}

function choose<F extends { readonly path: string }>(
  files: readonly F[],
  folder: string,
): { readonly form: ModelForm; readonly files: readonly F[] } | undefined {
  const prefix = folder === '' ? '' : `${folder}/`;
  const inside = new Map(
    files
      .filter(({ path }) => path.startsWith(prefix) && !path.slice(prefix.length).includes('/'))
      .map((file) => [file.path.slice(prefix.length), file]),
  );
  const names = [...inside.keys()];
  const weights = weightsAmong(names);
  if (!inside.has('config.json') || weights === undefined) return undefined;
  const others = names.filter(
    (name) => !WEIGHTS.test(name) && !PAPERS.test(name) && !isOtherIndex(name, weights.names),
  );
  const wanted = [...new Set([...others, ...weights.names])];
  return { form: weights.form, files: wanted.map((name) => inside.get(name) as F) };
}

function isOtherIndex(name: string, weights: readonly string[]): boolean {
  return name.endsWith('.index.json') && !weights.includes(name);
}

/** The weights that `openWeights` of core would read, and their form. */
function weightsAmong(
  names: readonly string[],
): { readonly form: ModelForm; readonly names: readonly string[] } | undefined {
  for (const candidate of CHECKPOINT_NAMES) {
    if (!names.includes(candidate)) continue;
    const form = candidate.includes('safetensors') ? 'easel' : 'flax';
    if (!candidate.endsWith('.index.json')) return { form, names: [candidate] };
    const parts = partsOf(names, form === 'easel' ? 'safetensors' : 'msgpack');
    if (parts !== undefined) return { form, names: [candidate, ...parts] };
  }
  const pair = MIN_DALLE_PAIRS.find((both) => Object.values(both).every((name) => names.includes(name)));
  if (pair !== undefined)
    return {
      form: 'torch',
      names: [...Object.values(pair), ...names.filter((name) => name === 'detoker.pt')],
    };
  const torch = names.filter((name) => /\.(?:bin|ckpt|pt|pth)$/.test(name) && !PART.test(name));
  const plain = torch.length === 1 ? torch : torch.filter((name) => name === 'pytorch_model.bin');
  return plain.length === 1 ? { form: 'torch', names: plain } : undefined;
}

/** All parts of weights, undefined unless they are complete. */
function partsOf(names: readonly string[], ending: string): string[] | undefined {
  const parts = names.filter((name) => PART.exec(name)?.[2] === ending);
  const count = Number(PART.exec(parts[0] ?? '')?.[1] ?? 0);
  return count > 0 && parts.length === count ? parts : undefined;
}

/** What a repository holds, for the message that it holds no model: names and sizes, models first. */
export function describeFiles(files: readonly RepositoryFile[], most = 12): string {
  if (files.length === 0) return 'It is empty.';
  const shown = files.slice(0, most).map(({ path, size }) => `${path} (${formatBytes(size)})`);
  const more = files.length > most ? `, and ${files.length - most} more` : '';
  const folders = files
    .filter(({ path }) => path.endsWith('/config.json'))
    .map(({ path }) => path.slice(0, -'/config.json'.length))
    .filter((folder) => modelContents(files, folder) !== undefined);
  const hint =
    folders.length === 0
      ? ''
      : ` Models are in its folders ${folders
          .slice(0, 8)
          .map((folder) => `:${folder}`)
          .join(', ')}.`;
  return `It has ${shown.join(', ')}${more}.${hint}`;
}

/** Writes a number of bytes as `1.8 GB`; units are powers of ten, as the hub's pages have them. */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  const power = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${power === 0 ? value : value.toFixed(value < 100 ? 1 : 0)} ${units[power]}`;
}
