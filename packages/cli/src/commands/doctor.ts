import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import {
  type BackendChoice,
  type BackendDescription,
  describeBackends,
  EaselError,
  selectBackend,
  verifyModel,
} from '@easel/core';
import { folderFiles } from '@easel/core/node';
import { type MpiStatus, mpiStatus } from '@easel/mpi';
import * as tf from '@tensorflow/tfjs';
import sharp from 'sharp';
import { backendOption } from '../backend-option.js';
import { defineCommand } from '../command.js';
import { findShippedModel, resolveModelFolder } from '../model-folder.js';
import { flagOption, jsonOption, textOption } from '../options.js';
import { formatProfile, profileKernels, type WorkProfile } from '../profile-kernels.js';
import { version } from '../version.js';

/** The abilities of the machine, and those that Easel can use. */
export interface DoctorReport {
  readonly easel: string;
  readonly node: string;
  readonly platform: string;
  readonly cpu: string;
  /** Number of cores that this process may use. */
  readonly cores: number;
  readonly memoryGiB: { readonly total: number; readonly free: number };
  /** The backend that runs. */
  readonly backend: BackendChoice;
  /** All backends that Easel knows, each with the result of trying it. */
  readonly backends: readonly BackendDescription[];
  readonly selfTest: SelfTest;
  readonly sharp: string;
  readonly libvips: string;
  /** The MPI library, for trainings of several processes. */
  readonly mpi: MpiStatus;
  /** Folder of the model that ships with Easel; null if it is not there. */
  readonly model: string | null;
  /** What is wrong with that model's files, and what restores them; null if nothing is. */
  readonly modelDamage: string | null;
  /** With --profile: the kernels that ran, and where they ran. */
  readonly profile?: readonly WorkProfile[];
}

/** A matrix product on the running backend, checked and timed. */
export interface SelfTest {
  readonly size: number;
  readonly gflops: number;
  /**
   * Largest difference from the exact product, as a share of the largest value; float32 rounding
   * gives about 1e-6.
   */
  readonly error: number;
  readonly ok: boolean;
}

/**
 * Largest error that passes. Sums of a few hundred products in float32 stay below it by an order of
 * magnitude.
 */
const ERROR_LIMIT = 1e-4;

/**
 * Multiplies two [n, n] matrices of fractions of small whole numbers, and compares sampled entries
 * with float64.
 */
export async function selfTest(size: number): Promise<SelfTest> {
  const values = (step: number) =>
    Float32Array.from({ length: size * size }, (_, i) => ((i * step) % 17) / 16 - 0.5);
  const a = values(7);
  const b = values(11);
  const [left, right] = [tf.tensor2d(a, [size, size]), tf.tensor2d(b, [size, size])];
  let seconds = Number.POSITIVE_INFINITY;
  let product = new Float32Array(0);
  for (let round = 0; round < 3; round++) {
    const start = performance.now();
    const result = tf.matMul(left, right);
    product = (await result.data()) as Float32Array<ArrayBuffer>;
    seconds = Math.min(seconds, (performance.now() - start) / 1000);
    result.dispose();
  }
  left.dispose();
  right.dispose();
  let difference = 0;
  let largest = 0;
  for (let row = 0; row < size; row += 13) {
    for (let column = 0; column < size; column += 7) {
      let exact = 0;
      for (let k = 0; k < size; k++) exact += (a[row * size + k] ?? 0) * (b[k * size + column] ?? 0);
      difference = Math.max(difference, Math.abs(exact - (product[row * size + column] ?? Number.NaN)));
      largest = Math.max(largest, Math.abs(exact));
    }
  }
  const error = difference / largest;
  return { size, gflops: (2 * size ** 3) / seconds / 1e9, error, ok: error < ERROR_LIMIT };
}

/**
 * Examines the machine. Throws EaselError only if the backend that was asked for does not start.
 */
export async function diagnose(backend: string | undefined): Promise<DoctorReport> {
  const choice = await selectBackend(backend);
  const shipped = findShippedModel();
  const gib = (bytes: number) => Number((bytes / 2 ** 30).toFixed(1));
  return {
    easel: version,
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: { total: gib(totalmem()), free: gib(freemem()) },
    backend: choice,
    backends: await describeBackends(),
    selfTest: await selfTest(choice.name === 'cpu' ? 128 : 512),
    sharp: sharp.versions.sharp ?? 'unknown',
    libvips: sharp.versions.vips,
    mpi: mpiStatus(),
    model: shipped ?? null,
    modelDamage: shipped === undefined ? null : await damageOf(shipped),
  };
}

/** Compares the files of the shipped model with its manifest. Returns what is wrong, if anything is. */
export async function damageOf(folder: string): Promise<string | null> {
  try {
    await verifyModel(folderFiles(folder));
    return null;
  } catch (error) {
    if (error instanceof EaselError) return error.message;
    throw error;
  }
}

function describeMpi({ library, reason, ranks }: MpiStatus): string {
  if (library === undefined) return `none, so one process trains alone: ${reason}`;
  return `${library}, ${ranks} ${ranks === 1 ? 'rank' : 'ranks'}`;
}

/** Writes a report as lines for a person. */
export function formatDoctor(report: DoctorReport): string {
  const { backend, backends, selfTest: test } = report;
  const lines: [string, string][] = [
    ['Easel', report.easel],
    ['Node', `${report.node}, ${report.platform}`],
    ['CPU', `${report.cpu}, ${report.cores} cores for this process`],
    ['Memory', `${report.memoryGiB.total} GiB, ${report.memoryGiB.free} GiB free`],
    ['Backend', `${backend.name}: ${backend.reason}`],
    [
      'Self-test',
      `product of two ${test.size}×${test.size} matrices on it: ${test.gflops.toPrecision(3)} GFLOP/s, ${
        test.ok ? 'right' : `WRONG by ${test.error.toExponential(1)}; run the tests of that backend`
      }`,
    ],
    ...backends.map(({ name, available, reason, version: number }): [string, string] => [
      `  ${name}`,
      `${available ? 'runs' : 'does not run'}${number === undefined ? '' : `, version ${number}`}: ${reason}`,
    ]),
    ['Pictures', `sharp ${report.sharp}, libvips ${report.libvips}`],
    ['MPI', describeMpi(report.mpi)],
    ['Model', report.modelDamage ?? report.model ?? 'none shipped here: give --model or set EASEL_MODEL'],
  ];
  const facts = lines.map(([name, text]) => `${name.padEnd(13)} ${text}`);
  return [...facts, ...(report.profile ?? []).map((work) => `\n${formatProfile(work)}`)].join('\n');
}

export const doctor = defineCommand({
  name: 'doctor',
  description: 'Say what this machine offers, which backend runs, and why',
  positionals: {},
  options: {
    backend: backendOption,
    profile: flagOption(
      'also draw a picture and train a step, and count which kernels ran in C++ and which in JavaScript',
    ),
    model: textOption('model', 'with --profile: model folder; default: as for generate'),
    json: jsonOption,
  },
  examples: [
    ['easel doctor', 'the whole picture'],
    ['easel doctor --backend wasm', 'whether that backend starts, and how fast it is'],
    [
      'easel doctor --profile',
      'which kernels the native backend leaves to JavaScript, and on how large tensors',
    ],
  ],
  run: async ({ backend, json, profile, model }) => {
    const found = await diagnose(backend);
    const report = profile ? { ...found, profile: await profileKernels(resolveModelFolder(model)) } : found;
    process.stdout.write(`${json ? JSON.stringify(report) : formatDoctor(report)}\n`);
    if (!report.selfTest.ok || report.modelDamage !== null) process.exitCode = 1;
  },
});
