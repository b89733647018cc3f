import { DalleBart, initializeDalleBart, parseDalleBartConfig } from '@easel/bart';
import { EaselError, prngKey } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import type { Checks } from '../../checks.js';
import { readJson } from '../../golden.js';
import type { Case } from '../../kind.js';

interface Attempt {
  readonly change: Record<string, unknown>;
  readonly call?: Record<string, unknown>;
  readonly stage: string | null;
  readonly error: string | null;
  readonly message?: string;
  readonly nan_rows?: readonly boolean[];
}

/**
 * The original's own mistakes: a decoder without the attribute final_ln, position biases that
 * nn.scan cannot carry, outputs that its scan does not collect. The intention is clear, and Easel
 * does what was intended.
 */
const MISTAKES = /no attribute "final_ln"|Scanned function carry|cannot scan with output_/;

/**
 * `expected_errors.json`: configs and calls that the original refuses at some stage. Easel refuses
 * a config when it is read and names the setting. It refuses a call before it computes. For ids and
 * lengths that no table has, the original gives NaN and Easel refuses.
 */
export function refusalCase(file: string): Case {
  const { base, tries } = readJson<{ base: Record<string, unknown>; tries: Record<string, Attempt> }>(file);
  return {
    name: 'expected_errors',
    async run(checks) {
      for (const [name, attempt] of Object.entries(tries)) {
        const config = { ...base, ...attempt.change };
        if (attempt.call) await checkCall(checks, name, config, attempt);
        else if (attempt.error === null || MISTAKES.test(attempt.message ?? '')) runs(checks, name, config);
        else refusesConfig(checks, name, config, attempt);
      }
    },
  };
}

function refusesConfig(
  checks: Checks,
  name: string,
  json: Record<string, unknown>,
  { change }: Attempt,
): void {
  const problem = problemOf(() => parseDalleBartConfig(json));
  const named = Object.keys(change).some((key) => problem?.includes(key));
  checks.holds(
    'refused',
    name,
    problem === undefined
      ? 'the original refuses this config, Easel read it'
      : named
        ? undefined
        : `the error names none of ${Object.keys(change)}: ${problem}`,
  );
}

function runs(checks: Checks, name: string, json: Record<string, unknown>): void {
  const problem = problemOf(() => {
    const model = new DalleBart(parseDalleBartConfig(json));
    initializeDalleBart(model, prngKey(0));
    model.dispose();
  });
  checks.holds('accepted', name, problem);
}

/** Tries the calls that the generator of the file tried. */
async function checkCall(
  checks: Checks,
  name: string,
  json: Record<string, unknown>,
  attempt: Attempt,
): Promise<void> {
  const call = attempt.call ?? {};
  const config = parseDalleBartConfig(json);
  const model = new DalleBart(config);
  initializeDalleBart(model, prngKey(0));
  const { maxTextLength, imageLength, encoderVocabSize } = config;
  const textLength = call.longer_text ? 2 * maxTextLength : call.short_text ? 5 : maxTextLength;
  const length = call.longer ? 2 * imageLength : imageLength;
  const bad = call.bad_ids ? encoderVocabSize : 0;
  let logits: tf.Tensor | undefined;
  const problem = problemOf(() => {
    logits = tf.tidy(() => {
      const ids = (shape: [number, number], first: number) =>
        tf.tensor2d(
          Int32Array.from({ length: shape[0] * shape[1] }, (_, i) => first + (i % 7)),
          shape,
          'int32',
        );
      return model.logits({
        inputIds: ids([3, textLength], bad),
        attentionMask: tf.tensor2d(
          Int32Array.from({ length: 3 * textLength }, (_, i) =>
            call.zero_mask && Math.floor(i / textLength) === 1 ? 0 : 1,
          ),
          [3, textLength],
          'int32',
        ),
        decoderInputIds: ids([3, length], 0),
      });
    });
  });
  const values = await logits?.data();
  const finite = values?.every(Number.isFinite);
  logits?.dispose();
  model.dispose();
  const meantToRun =
    MISTAKES.test(attempt.message ?? '') || call.zero_mask || attempt.nan_rows?.includes(true) === false;
  if (meantToRun)
    checks.holds('accepted', name, problem ?? (finite ? undefined : 'its logits are not finite'));
  else checks.holds('refused', name, problem === undefined ? 'expected a refusal, but it ran' : undefined);
}

/**
 * Returns the message of the EaselError that `run` throws, or of tfjs's gather for an index outside
 * a table. Returns undefined if it throws none. Any other error is a mistake in Easel and is thrown
 * on.
 */
function problemOf(run: () => void): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    const { message } = error as Error;
    if (error instanceof EaselError || message.startsWith('GatherV2: the index value')) return message;
    throw error;
  }
}
