import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Dtype, deserialize, SafetensorsError, serialize, toFloat32 } from 'safetensors-ts';
import { openSafetensors, writeSafetensors } from 'safetensors-ts/node';
import type { Checks, Tolerance } from '../checks.js';
import { readJson } from '../golden.js';
import type { Case, GoldenFolder, Kind } from '../kind.js';

/** A file, and the answer of the package `safetensors` to it. */
interface FileAnswer {
  readonly file: string;
  readonly accepted: boolean;
  /** The kind of refusal. */
  readonly error?: string;
  /** Whether that package wrote the file. Easel must then write the same bytes. */
  readonly canonical?: boolean;
  readonly metadata?: Readonly<Record<string, string>> | null;
  readonly tensors?: Readonly<Record<string, TensorAnswer>>;
}

interface TensorAnswer {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly hex: string;
  readonly values?: readonly (number | string)[];
}

const VALUES: Tolerance = { absolute: 0, reason: 'every number of these formats has one float32' };

/**
 * Compares files of the reference package (valid, odd, invalid and mutated) with its answer to
 * each. Each folder is a case.
 */
export const kind: Kind = {
  cases(folder: GoldenFolder): Case[] {
    if (!folder.has('expected.json')) return [];
    const { cases } = readJson<{ cases: FileAnswer[] }>(folder.file('expected.json'));
    return [...new Set(cases.map(({ file }) => dirname(file)))].map((group) => ({
      name: group,
      async run(checks) {
        const scratch = mkdtempSync(join(tmpdir(), 'easel-conformance-'));
        try {
          for (const answer of cases) {
            if (dirname(answer.file) === group) await checkFile(checks, folder, answer, scratch);
          }
        } finally {
          rmSync(scratch, { recursive: true });
        }
      },
    }));
  },
  besides: /\.safetensors$/, // read through the expected.json above them
};

async function checkFile(
  checks: Checks,
  folder: GoldenFolder,
  answer: FileAnswer,
  scratch: string,
): Promise<void> {
  const { file: name } = answer;
  const path = folder.file(name);
  const bytes = new Uint8Array(readFileSync(path));
  if (!answer.accepted) {
    const refused = [answer.error, 'names the file'];
    checks.equal(
      'refusals',
      `${name}, bytes`,
      await refusalOf(name, () => deserialize(bytes, name)),
      refused,
    );
    checks.equal('refusals', `${name}, file`, await refusalOf(path, () => openAndClose(path)), refused);
    return;
  }
  const { header, tensors } = deserialize(bytes, name);
  const expected = Object.entries(answer.tensors ?? {});
  checks.equal(
    'metadata',
    name,
    sortedEntries(header.metadata),
    sortedEntries(Object.entries(answer.metadata ?? {})),
  );
  checks.equal('tensor names', name, [...tensors.keys()].sort(), expected.map(([tensor]) => tensor).sort());
  const file = await openSafetensors(path);
  try {
    for (const [tensor, { dtype, shape, hex, values }] of expected) {
      const view = tensors.get(tensor);
      if (!view) continue;
      const where = `${name}, ${tensor}`;
      checks.equal('dtypes and shapes', where, [view.dtype, view.shape], [dtype, shape]);
      checks.equal('bytes', where, hexOf(view.bytes), hex);
      checks.equal('bytes', `${where}, file`, hexOf(await file.readBytes(tensor)), hex);
      if (values) {
        const numbers = values.map((value) => Math.fround(Number(value)));
        if (/^[IU]\d/.test(dtype)) {
          // 64-bit integers are compared as decimals, since float32 cannot hold them.
          const whole = values.map((value) => (Object.is(value, -0) ? '0' : `${value}`));
          checks.equal('integers', where, [...(view.data as Iterable<unknown>)].map(String), whole);
        }
        checks.close('numbers', where, toFloat32(view), numbers, VALUES);
        checks.close('numbers', `${where}, file`, await file.readFloat32(tensor), numbers, VALUES);
      }
    }
  } finally {
    await file.close();
  }
  if (answer.canonical) await checkWriters(checks, answer, bytes, join(scratch, 'written.safetensors'));
}

/**
 * Checks that both writers give the reference writer's bytes. The tensors are given in another
 * order, so that the writers must sort them.
 */
async function checkWriters(
  checks: Checks,
  answer: FileAnswer,
  bytes: Uint8Array,
  path: string,
): Promise<void> {
  const tensors = Object.entries(answer.tensors ?? {})
    .map(([name, { dtype, shape, hex }]) => ({
      ...{ name, dtype, shape },
      data: new Uint8Array(Buffer.from(hex, 'hex')),
    }))
    .reverse();
  const metadata = answer.metadata ?? undefined;
  checks.equal('written bytes', answer.file, hexOf(serialize(tensors, metadata)), hexOf(bytes));
  const data = new Map(tensors.map((tensor) => [tensor.name, tensor.data]));
  await writeSafetensors(path, tensors, (tensor) => data.get(tensor) as Uint8Array, metadata);
  checks.equal('written bytes', `${answer.file}, to a file`, hexOf(readFileSync(path)), hexOf(bytes));
}

async function openAndClose(path: string): Promise<void> {
  await (await openSafetensors(path)).close();
}

/** Returns the kind of refusal and whether its message names the file, or what happened instead. */
async function refusalOf(file: string, read: () => unknown): Promise<string[]> {
  try {
    await read();
    return ['accepted'];
  } catch (error) {
    if (!(error instanceof SafetensorsError)) throw error;
    return [error.kind, error.message.includes(file) ? 'names the file' : error.message];
  }
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

function sortedEntries(entries: Iterable<readonly [string, string]>): (readonly [string, string])[] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
}
