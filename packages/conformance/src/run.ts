import * as tf from '@tensorflow/tfjs';
import { Checks, type GroupResult } from './checks.js';
import type { FoundCase } from './find-cases.js';
import type { RunContext } from './kind.js';

/** The result of a case. */
export interface CaseResult {
  readonly backend: string;
  readonly kind: string;
  readonly name: string;
  /**
   * `impossible` means that the backend cannot run the case, for the reason given, or that every
   * part was left out. Such a case neither passed nor failed.
   */
  readonly outcome: 'passed' | 'failed' | 'impossible';
  readonly groups: readonly GroupResult[];
  /** Why the case failed as a whole, or why it is impossible. */
  readonly reason?: string;
  /** Parts that were left out, with the reasons. */
  readonly leftOut: readonly string[];
  readonly seconds: number;
}

/** Runs one case on the current backend. Never throws: an error is a failure. */
export async function runCase(found: FoundCase): Promise<CaseResult> {
  const backend = tf.getBackend();
  const { kind, name } = found;
  const leftOut: string[] = [];
  const result = (
    outcome: CaseResult['outcome'],
    groups: readonly GroupResult[],
    reason?: string,
    seconds = 0,
  ): CaseResult => ({
    ...{ backend, kind, name, outcome, groups, leftOut, seconds },
    ...(reason === undefined ? {} : { reason }),
  });

  if (!found.case) return result('failed', [], found.problem);
  const context: RunContext = {
    backend,
    leftOut: (what, why) => void leftOut.push(`${what}: ${why}`),
    async ifPossible(what, part) {
      try {
        await part();
      } catch (error) {
        const missing = missingKernel(error);
        if (missing === undefined) throw error;
        this.leftOut(what, missing);
      }
    },
  };
  const checks = new Checks();
  const start = performance.now();
  const tensors = tf.memory().numTensors;
  let problem: string | undefined;
  try {
    await found.case.run(checks, context);
    const left = tf.memory().numTensors - tensors;
    if (left !== 0) problem = `${left} tensors were not disposed`;
  } catch (error) {
    const missing = missingKernel(error);
    if (missing) return result('impossible', checks.results(), missing, (performance.now() - start) / 1000);
    problem = error instanceof Error ? withPlace(error) : String(error);
  }
  const groups = checks.results();
  const seconds = (performance.now() - start) / 1000;
  if (problem === undefined && groups.length === 0) {
    if (leftOut.length > 0) return result('impossible', [], undefined, seconds);
    problem = 'nothing was compared';
  }
  const passed = problem === undefined && groups.every((group) => group.passed);
  return result(passed ? 'passed' : 'failed', groups, problem, seconds);
}

/** Returns the name of a kernel that the backend lacks, if tfjs's error says so. */
function missingKernel(error: unknown): string | undefined {
  const message = error instanceof Error ? error.message : String(error);
  const [, kernel, backend] = /Kernel '(\w+)' not registered for backend '(\w+)'/.exec(message) ?? [];
  return kernel && `tfjs's backend ${backend} has no kernel ${kernel}`;
}

/** Returns the message and the place in our code where it was thrown. */
function withPlace(error: Error): string {
  const place = error.stack
    ?.split('\n')
    .find((line) => line.includes('packages/') && !line.includes('node_modules'));
  return `${error.name}: ${error.message}${place === undefined ? '' : ` (${place.trim()})`}`;
}
