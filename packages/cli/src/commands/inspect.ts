import { open, readFile } from 'node:fs/promises';
import { verifyModel } from '@easel/core';
import { folderFiles, openCheckpoint } from '@easel/core/node';
import { readPngText } from '@easel/draw';
import { modelOfRun } from '@easel/train';
import { defineCommand } from '../command.js';
import { flagOption, jsonOption } from '../options.js';
import { UsageError } from '../usage-error.js';

/** The contents of a checkpoint. */
export interface CheckpointReport {
  /** The file that was read. For a folder it is the file of the weights. */
  readonly file: string;
  readonly format: 'safetensors' | 'msgpack' | 'pytorch';
  readonly tensors: readonly {
    readonly name: string;
    readonly dtype: string;
    readonly shape: readonly number[];
  }[];
  /** Number of elements of all tensors. */
  readonly parameters: number;
  readonly metadata: Readonly<Record<string, string>>;
  /** Names of the file's entries that cannot be read, with what each is. */
  readonly leftOut: Readonly<Record<string, string>>;
}

/** Tells the format of a checkpoint that opened, by its file's ending. */
function formatOf(file: string): CheckpointReport['format'] {
  if (/\.safetensors(\.index\.json)?$/.test(file)) return 'safetensors';
  return /\.msgpack(\.index\.json)?$/.test(file) ? 'msgpack' : 'pytorch';
}

/**
 * Reads names, types and shapes of a checkpoint's tensors from its headers. Throws CheckpointError
 * if the file is not a checkpoint.
 */
export async function inspectCheckpoint(path: string): Promise<CheckpointReport> {
  const source = await openCheckpoint(path);
  try {
    const tensors = [...source.entries.values()].map(({ name, dtype, shape, packing }) => ({
      name,
      dtype: packing?.group === undefined ? dtype : `${dtype} by ${packing.group}`,
      shape: [...shape],
    }));
    return {
      file: source.description,
      format: formatOf(source.description),
      tensors,
      parameters: tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
      metadata: Object.fromEntries(source.metadata),
      leftOut: Object.fromEntries(source.leftOut ?? []),
    };
  } finally {
    await source.close();
  }
}

/** A count as `1,234,567`. */
const grouped = (count: number) => count.toLocaleString('en-US');

/** Writes a report as a table with one tensor a line and the totals last. */
export function formatReport(report: CheckpointReport): string {
  const { file, format, tensors, parameters, metadata, leftOut } = report;
  const nameWidth = Math.max(0, ...tensors.map(({ name }) => name.length));
  const dtypeWidth = Math.max(0, ...tensors.map(({ dtype }) => dtype.length));
  const lines = [`${file} (${format})`];
  for (const [key, value] of Object.entries(metadata)) lines.push(`  ${key}: ${value}`);
  for (const { name, dtype, shape } of tensors) {
    lines.push(`${name.padEnd(nameWidth)}  ${dtype.padEnd(dtypeWidth)}  [${shape.join(', ')}]`);
  }
  const others = Object.entries(leftOut);
  for (const [name, reason] of others) lines.push(`left out: ${name}: ${reason}`);
  const dtypes = [...new Set(tensors.map(({ dtype }) => dtype))].sort();
  lines.push(
    `${grouped(tensors.length)} tensors, ${grouped(parameters)} parameters, ${dtypes.join(', ') || 'no types'}${others.length === 0 ? '' : `; ${grouped(others.length)} left out`}`,
  );
  return lines.join('\n');
}

async function isPng(path: string): Promise<boolean> {
  if (!/\.png$/i.test(path)) return false;
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return bytesRead === 4 && buffer.readUInt32BE(0) === 0x89504e47;
  } finally {
    await file.close();
  }
}

export const inspect = defineCommand({
  name: 'inspect',
  usage: '<path>',
  description: 'List the tensors of a checkpoint, or how a drawn picture was made',
  positionals: {
    path: {
      type: 'string',
      demandOption: true,
      describe:
        'a .safetensors or .msgpack file, a sharded index, a model folder, or a PNG file by easel generate',
    },
  },
  options: {
    verify: flagOption("also compare the files with the model's manifest.json, byte by byte"),
    json: jsonOption,
  },
  examples: [
    ['easel inspect data/models/emoji', 'names, types and shapes of the weights'],
    [
      'easel inspect data/models/emoji --verify',
      'whether its files are what they were when they were published',
    ],
    ['easel inspect out/a-red-heart-0-0.png', 'prompt, seed and settings of a picture'],
  ],
  run: async ({ path, json, verify }) => {
    if (await isPng(path)) {
      if (verify) throw new UsageError('--verify goes with a model folder, and this is a picture.');
      const texts = Object.fromEntries(readPngText(await readFile(path), path));
      const lines = Object.entries(texts).map(([key, text]) => `${key}: ${text}`);
      process.stdout.write(
        json ? `${JSON.stringify(texts)}\n` : `${lines.join('\n') || `${path}: no text in it`}\n`,
      );
      return;
    }
    const folder = modelOfRun(path);
    const verified = verify ? await verifyModel(folderFiles(folder)) : undefined;
    const report = await inspectCheckpoint(folder);
    if (json) process.stdout.write(`${JSON.stringify({ ...report, verified })}\n`);
    else {
      const lines = verified === undefined ? [] : [`${verified} files are as manifest.json lists them`];
      process.stdout.write(`${[formatReport(report), ...lines].join('\n')}\n`);
    }
  },
});
