import { valueAndGrads } from '@easel/core';
import { CodebookTracker, codebookLoss, GumbelQuantizer, Quantizer, straightThrough } from '@easel/vqgan';
import * as tf from '@tensorflow/tfjs';
import type { Checks, Tolerance } from '../../checks.js';
import { GoldenArrays } from '../../golden.js';
import type { Case, GoldenFolder } from '../../kind.js';
import { tidyAwaited } from '../../tidy-awaited.js';

const TOLERANCE: Tolerance = { absolute: 1e-5, reason: 'float32, values of order 1' };

/**
 * Returns taming's weights of the two distances between latents and codes. Its older forms, which
 * all models use, put beta on the wrong one.
 */
function weightsOf(convention: string, beta: number): { commitment: number; codebook: number } {
  return convention === 'not_legacy' ? { commitment: beta, codebook: 1 } : { commitment: 1, codebook: beta };
}

/** `quantizers.safetensors` and `ema.safetensors`: taming's quantizers on given latents, NCHW. */
export function quantizerCases(folder: GoldenFolder): Case[] {
  const cases: Case[] = [];
  if (folder.has('quantizers.safetensors')) {
    const arrays = (): GoldenArrays => new GoldenArrays(folder.file('quantizers.safetensors'));
    const conventions = arrays()
      .names.filter((name) => name.endsWith('/grad_codebook'))
      .map((name) => name.slice(0, -'/grad_codebook'.length));
    for (const convention of conventions) {
      cases.push({
        name: convention,
        run: (checks) => tidyAwaited(() => checkConvention(checks, arrays(), convention)),
      });
    }
    const gumbel = new Set(
      arrays()
        .names.filter((name) => /^gumbel_\w+\//.test(name))
        .map((name) => name.split('/')[0]),
    );
    for (const name of gumbel) {
      cases.push({
        name: `${name}`,
        run: (checks) => tidyAwaited(() => checkGumbel(checks, arrays(), name as string)),
      });
    }
  }
  if (folder.has('ema.safetensors')) {
    cases.push({
      name: 'ema',
      run: (checks) => checkMovingAverages(checks, new GoldenArrays(folder.file('ema.safetensors'))),
    });
  }
  return cases;
}

async function checkConvention(checks: Checks, arrays: GoldenArrays, convention: string): Promise<void> {
  const latents = nhwc(arrays, 'z');
  const codebook = arrays.tensor<tf.Rank.R2>('codebook');
  const [count, width] = codebook.shape;
  const quantizer = new Quantizer(count, width);
  quantizer.codes.assign(codebook);
  // Indices are compared row after row, whatever shape a convention gives them.
  const indices = await quantizer.indices(latents as tf.Tensor4D).data();
  const codes = quantizer.call(latents as tf.Tensor4D) as tf.Tensor;
  checks.equal('ids', convention, [...indices], [...arrays.ints(`${convention}/indices`)]);
  checks.close(
    'codes',
    convention,
    await codes.data(),
    await nhwc(arrays, `${convention}/z_q`).data(),
    TOLERANCE,
  );
  const weights = weightsOf(convention, arrays.setting<number>('beta') as number);
  const places = tf.tensor1d(indices, 'int32');
  const look = (table: tf.Tensor): tf.Tensor => tf.reshape(tf.gather(table, places), latents.shape);
  const loss = codebookLoss(latents, look(codebook), weights);
  checks.close('loss', convention, await loss.data(), [arrays.scalar(`${convention}/loss`)], TOLERANCE);
  const cotangent = nhwc(arrays, 'cotangent');
  const [gradLatents, gradCodes] = tf.grads((z, table) => {
    const chosen = look(table as tf.Tensor);
    const through = straightThrough(z as tf.Tensor, chosen);
    return tf.add(tf.sum(tf.mul(through, cotangent)), codebookLoss(z as tf.Tensor, chosen, weights));
  })([latents, codebook]) as [tf.Tensor, tf.Tensor];
  const wanted = await nhwc(arrays, `${convention}/grad_z`).data();
  checks.close('gradients', `${convention}, latents`, await gradLatents.data(), wanted, TOLERANCE);
  const wantedCodes = arrays.floats(`${convention}/grad_codebook`);
  checks.close('gradients', `${convention}, codes`, await gradCodes.data(), wantedCodes, TOLERANCE);
  quantizer.codes.dispose();
}

/** Compares GumbelQuantize with the recorded noise. */
async function checkGumbel(checks: Checks, arrays: GoldenArrays, name: string): Promise<void> {
  const [count, embedDim] = arrays.shape('gumbel/embed') as [number, number];
  const inputChannels = arrays.shape('gumbel/proj')[1] as number;
  const quantizer = new GumbelQuantizer({ inputChannels, embedDim, nEmbed: count });
  const weights = quantizer.namedWeights();
  weights.get('proj.kernel')?.assign(tf.transpose(arrays.tensor('gumbel/proj'), [2, 3, 1, 0]));
  weights.get('proj.bias')?.assign(arrays.tensor('gumbel/proj_bias'));
  weights.get('embed')?.assign(arrays.tensor('gumbel/embed'));
  const latents = nhwc(arrays, 'z') as tf.Tensor4D;
  const options = {
    noise: nhwc(arrays, `${name}/noise`) as tf.Tensor4D,
    temperature: arrays.scalar(`${name}/temperature`),
    klWeight: arrays.setting<number>('kl_weight') as number,
  };
  const hard = name.endsWith('hard');
  for (const [prefix, isHard] of [
    ['', hard],
    ['eval_', true],
  ] as const) {
    const { quantized, divergence, indices } = quantizer.quantize(latents, { ...options, hard: isHard });
    const want = await nhwc(arrays, `${name}/${prefix}z_q`).data();
    checks.close('codes', `${name} ${prefix}z_q`, await quantized.data(), want, TOLERANCE);
    checks.equal(
      'ids',
      `${name} ${prefix}indices`,
      await indices.data(),
      arrays.ints(`${name}/${prefix}indices`),
    );
    if (prefix === '')
      checks.close('loss', `${name} kl`, await divergence.data(), [arrays.scalar(`${name}/kl`)], TOLERANCE);
  }
  const cotangent = nhwc(arrays, 'gumbel/cotangent');
  const z = tf.variable(latents) as unknown as tf.Tensor4D;
  const { value, grads } = valueAndGrads(
    () => {
      const { quantized, divergence } = quantizer.quantize(z, { ...options, hard });
      return tf.add(tf.sum(tf.mul(quantized, cotangent)), divergence) as tf.Scalar;
    },
    new Map([...weights, ['z', z as unknown as tf.Variable]]),
  );
  value.dispose();
  const gradient = (weight: string): tf.Tensor => grads.get(weight) as tf.Tensor;
  for (const [theirs, ours] of [
    ['grad_z', tf.transpose(gradient('z'), [0, 3, 1, 2])],
    ['grad_proj', tf.transpose(gradient('proj.kernel'), [3, 2, 0, 1])],
    ['grad_embed', gradient('embed')],
  ] as const)
    checks.close(
      'gradients',
      `${name} ${theirs}`,
      await ours.data(),
      arrays.floats(`${name}/${theirs}`),
      TOLERANCE,
    );
  (z as unknown as tf.Variable).dispose();
  quantizer.dispose();
}

/** Compares one update of codes that follow moving averages of latents. */
async function checkMovingAverages(checks: Checks, arrays: GoldenArrays): Promise<void> {
  const codebook = tf.tidy(() => tf.variable(arrays.tensor<tf.Rank.R2>('codebook')));
  const decay = arrays.setting<number>('decay') as number;
  const tracker = await CodebookTracker.create(codebook, { norm: 'none', decay });
  // The recorded run started from averages of its own: its sums are the codes, and its use is the
  // cluster sizes.
  const use = arrays.tensor('cluster_size');
  await tracker.loadState(
    new Map<string, tf.Tensor>([
      ['use', use],
      ['sums', codebook],
    ]),
  );
  const latents = tf.tidy(() => nhwc(arrays, 'z'));
  await tracker.update((await latents.data()) as Float32Array, arrays.ints('indices'));
  tf.dispose([use, latents]);
  await tidyAwaited(async () => {
    const state = tracker.state();
    for (const [ours, theirs] of [
      ['use', 'new_cluster_size'],
      ['sums', 'new_embed_avg'],
    ] as const) {
      checks.close(
        'averages',
        theirs,
        await (state.get(ours) as tf.Tensor).data(),
        arrays.floats(theirs),
        TOLERANCE,
      );
    }
    checks.close('codes', 'new_codebook', await codebook.data(), arrays.floats('new_codebook'), TOLERANCE);
  });
  tracker.dispose();
  codebook.dispose();
}

function nhwc(arrays: GoldenArrays, name: string): tf.Tensor {
  return tf.transpose(arrays.tensor(name), [0, 2, 3, 1]);
}
