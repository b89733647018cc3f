import { type BeamOptions, generateBeams, generateTokens } from '@easel/bart';
import { EaselError, prngKey } from '@easel/core';
import type { Checks } from '../../checks.js';
import { GoldenArrays, readJson } from '../../golden.js';
import type { Case, GoldenFolder, RunContext } from '../../kind.js';
import type { AnyBart } from '../bart/open-model.js';
import { type GoldenRun, given, inputsOf, rowOptionsOf, samplingOptionsOf } from './run-arguments.js';
import { withModel } from './with-model.js';

interface Refusal extends Omit<GoldenRun, 'name'> {
  readonly with_uncond: boolean;
  readonly no_repeat_ngram_size?: number;
  readonly ok: boolean;
  readonly message?: string;
  readonly row0?: readonly number[];
}

/** Cases where Easel knowingly differs. The first entry that fits says how. */
const DIFFERENCES: readonly [(refusal: Refusal) => boolean, string][] = [
  [
    ({ ok, temperature = 1, top_p: p = 1, top_k: k = 0 }) =>
      !ok && temperature > 0 && p >= 0 && k >= 0 && (temperature !== 1 || p === 0 || k > 0),
    'Python tells 2 from 2.0; JavaScript has one kind of number, and the value is in range',
  ],
  [({ min_length: n = 0 }) => n < 0, 'the original ignores a negative min_length; Easel refuses it'],
  [
    ({ do_sample: sample = true, num_beams: beams = 1, condition_scale: scale = 1 }) =>
      !sample && beams === 1 && scale !== 1,
    'Easel takes the likeliest token under super conditioning too',
  ],
  [
    ({ no_mask: none }) => none === true,
    "the original's beam search fails without a mask; Easel's inputs always have one",
  ],
  [
    ({ message = '' }) => message.startsWith('Cannot divide evenly'),
    "the original's beam search fails with stacked layers; Easel's layers are never stacked",
  ],
];

/** `refusals.json`: arguments that the original was called with, and whether it accepted them. */
export function refusalsCase(folder: GoldenFolder): Case {
  return {
    name: 'refusals',
    run: (checks, context) =>
      withModel(folder, async (model) => {
        const io = new GoldenArrays(folder.file('io.safetensors'));
        for (const refusal of readJson<Refusal[]>(folder.file('refusals.json'))) {
          await checkRefusal(checks, context, model, io, refusal);
        }
      }),
  };
}

async function checkRefusal(
  checks: Checks,
  context: RunContext,
  model: AnyBart,
  io: GoldenArrays,
  refusal: Refusal,
): Promise<void> {
  const { with_uncond: uncond, ok, message, row0, ...run } = refusal;
  const name = JSON.stringify(given({ ...run, type: undefined, sequences_shape: undefined }));
  const difference = DIFFERENCES.find(([fits]) => fits(refusal));
  if (difference) {
    context.leftOut(name, difference[1]);
    return;
  }
  const all = inputsOf(io, run);
  const { uncondInputIds: _ids, uncondAttentionMask: _mask, ...bare } = all;
  const inputs = uncond ? all : bare;
  let tokens: readonly Int32Array[] = [];
  let problem: string | undefined;
  try {
    if (run.num_beams !== undefined) {
      const beams: BeamOptions = { beams: run.num_beams, ...rowOptionsOf(run) };
      // The original has no sampling with beams, and ours has no option for it. Key and scale show
      // what the call wants.
      const foreign = given({
        key: run.do_sample ? prngKey(0) : undefined,
        conditionScale: run.condition_scale,
      });
      ({ tokens } = await generateBeams(model, inputs, { ...beams, ...foreign }));
    } else {
      tokens = await generateTokens(model, inputs, samplingOptionsOf(run));
    }
  } catch (error) {
    if (!(error instanceof EaselError)) throw error;
    problem = error.message;
  }
  if (ok) {
    checks.holds('accepted', name, problem);
    if (!problem) checks.equal('ids', name, [row0?.[0], ...(tokens[0] ?? [])], row0);
  } else {
    checks.holds('refused', name, problem === undefined ? `the original refuses it: ${message}` : undefined);
  }
}
