import { integer, named, optional, readSettings, section, text } from '../config/fields.js';
import { CheckpointError, EaselError } from '../errors.js';
import { parseJson } from '../files/json.js';
import type { ModelFiles } from '../files/model-files.js';
import { sha256 } from './sha256.js';

/** File of a model's folder that lists its other files, so that damage is found. */
export const MANIFEST_FILE = 'manifest.json';

/** A file of a model as it was when the manifest was made. */
export interface ListedFile {
  /** Size in bytes. */
  readonly size: number;
  /** SHA-256 in hexadecimal. */
  readonly sha256: string;
}

/** What a model's files were when its manifest was made. */
export interface ModelManifest {
  /** Files by name; a `/` stands between a folder and what lies in it. */
  readonly files: ReadonlyMap<string, ListedFile>;
  /** What restores a damaged file, as a sentence's end: a command, a place to load it from. */
  readonly restore: string | null;
}

/**
 * Makes the manifest of files that are there. Each is read into memory. Throws CheckpointError for
 * one that is missing.
 */
export async function makeManifest(
  files: ModelFiles,
  names: Iterable<string>,
  restore: string | null = null,
): Promise<ModelManifest> {
  const listed = new Map<string, ListedFile>();
  for (const name of names) {
    const bytes = await files.bytes(name);
    if (bytes === undefined) throw new CheckpointError(`${files.nameOf(name)}: there is no such file.`);
    listed.set(name, { size: bytes.length, sha256: await sha256(bytes) });
  }
  return { files: listed, restore };
}

/** The JSON of a manifest.json. */
export function manifestToJson({ files, restore }: ModelManifest): object {
  return { ...(restore === null ? {} : { restore }), files: Object.fromEntries(files) };
}

const READ = section({
  restore: optional(text()),
  files: named(section({ size: integer({ min: 0 }), sha256: text() })),
});

/**
 * Reads the manifest of a model; undefined if it has none. Throws ConfigError for a file that is
 * none.
 */
export async function openManifest(files: ModelFiles): Promise<ModelManifest | undefined> {
  const content = await files.text(MANIFEST_FILE);
  if (content === undefined) return undefined;
  const file = files.nameOf(MANIFEST_FILE);
  const { restore, files: listed } = readSettings(READ, parseJson(content, file), file);
  return { restore, files: new Map(Object.entries(listed)) };
}

/** How a file of so many bytes differs from what is listed, behind its name; undefined if it does not. */
export function sizeFault({ size }: ListedFile, found: number): string | undefined {
  return found === size ? undefined : `has ${found} bytes in place of ${size}`;
}

/** How the bytes of a file differ from what is listed, behind its name; undefined if they do not. */
export async function contentFault(
  { sha256: digest }: ListedFile,
  bytes: Uint8Array,
): Promise<string | undefined> {
  if ((await sha256(bytes)) === digest) return undefined;
  return 'has other bytes than it had (its SHA-256 differs)';
}

/** How a model's files differ from their manifest: a sentence for each, none if all are as listed. */
export async function manifestFaults(
  files: ModelFiles,
  { files: listed }: ModelManifest,
  { contents }: { readonly contents: boolean },
): Promise<string[]> {
  const faults = await Promise.all(
    [...listed].map(async ([name, entry]) => {
      const fault = await faultOf(files, name, entry, contents);
      return fault && `${files.nameOf(name)} ${fault}`;
    }),
  );
  return faults.filter((fault) => fault !== undefined);
}

async function faultOf(
  files: ModelFiles,
  name: string,
  listed: ListedFile,
  contents: boolean,
): Promise<string | undefined> {
  const file = await files.open(name);
  if (file === undefined) return 'is missing';
  const found = file.size;
  await file.close();
  const fault = sizeFault(listed, found);
  if (fault !== undefined || !contents) return fault;
  const bytes = await files.bytes(name);
  return bytes === undefined ? 'is missing' : contentFault(listed, bytes);
}

/** The error of a model whose files differ from their manifest, with what restores them. */
export function damagedModel(
  files: ModelFiles,
  { restore }: Pick<ModelManifest, 'restore'>,
  faults: readonly string[],
  options?: ErrorOptions,
): CheckpointError {
  const how =
    restore === null ? 'Copy the model again from where it came from.' : `To restore it: ${restore}.`;
  return new CheckpointError(
    `Model ${files.description} is damaged: ${faults.join('; ')}. ${how} If it was changed on purpose, delete ${files.nameOf(MANIFEST_FILE)}.`,
    options,
  );
}

/**
 * Compares a model with its manifest, the bytes of its files included. Returns the number of files.
 * Throws CheckpointError for one that differs or is missing, and if there is no manifest.
 */
export async function verifyModel(files: ModelFiles): Promise<number> {
  const manifest = await openManifest(files);
  if (manifest === undefined)
    throw new CheckpointError(
      `${files.nameOf(MANIFEST_FILE)}: there is no such file, so nobody knows what the model's files should be.`,
    );
  const faults = await manifestFaults(files, manifest, { contents: true });
  if (faults.length > 0) throw damagedModel(files, manifest, faults);
  return manifest.files.size;
}

/**
 * Opens something of a model whose files may be listed in a manifest. The sizes of files on a disk
 * or in memory are compared before, which costs next to nothing. The bytes are compared only if
 * `open` throws an EaselError, since it may be the damage that it stumbled over.
 *
 * Throws CheckpointError for damaged files, with what restores them, else what `open` throws.
 */
export async function openUndamaged<T>(files: ModelFiles, open: () => Promise<T>): Promise<T> {
  const near = (await files.list()) !== undefined;
  const known = near ? await openManifest(files) : undefined;
  if (known !== undefined) {
    const faults = await manifestFaults(files, known, { contents: false });
    if (faults.length > 0) throw damagedModel(files, known, faults);
  }
  try {
    return await open();
  } catch (error) {
    if (!(error instanceof EaselError)) throw error;
    const manifest = near ? known : await openManifest(files);
    if (manifest === undefined) throw error;
    const faults = await manifestFaults(files, manifest, { contents: true });
    throw faults.length === 0 ? error : damagedModel(files, manifest, faults, { cause: error });
  }
}
