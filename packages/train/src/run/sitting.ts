import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, hostname, totalmem } from 'node:os';
import * as tf from '@tensorflow/tfjs';

/**
 * The machine and versions of one sitting of a run. A week's run may have several sittings, on
 * several machines.
 */
export interface Sitting {
  /** When it began, ISO 8601. */
  readonly began: string;
  /** Updates that had been done. */
  readonly fromStep: number;
  readonly easel: string;
  readonly node: string;
  readonly tfjs: string;
  readonly backend: string;
  readonly platform: string;
  readonly host: string;
  readonly cpu: string;
  /** Cores that this process may use. */
  readonly cores: number;
  readonly memoryGiB: number;
}

const manifest: { version: string } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
);

/** Describes this process, which begins at a step. */
export function thisSitting(fromStep: number): Sitting {
  return {
    began: new Date().toISOString(),
    fromStep,
    easel: manifest.version,
    node: process.version,
    tfjs: tf.version_core,
    backend: tf.getBackend(),
    platform: `${process.platform} ${process.arch}`,
    host: hostname(),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Number((totalmem() / 2 ** 30).toFixed(1)),
  };
}
