import {
  gatedActivation,
  gatedActivationGrad,
  gelu,
  geluGrad,
  reluGrad,
  silu,
  siluGrad,
} from './activation.js';
import { attention, attentionBiasGrad, attentionGrad, biasedAttention } from './attention.js';
import { biasedConv2D, reluConv2D } from './convolution.js';
import type { FusedKernel } from './kernel.js';
import { linear, linearKernelGrad } from './linear.js';
import { groupNorm, groupNormGrad, layerNorm, layerNormGrad } from './norm.js';
import { sumGrad } from './reduce.js';
import { scatterAdd, updateRows } from './rows.js';
import { logSoftmaxGrad, softmaxGrad, sparseCrossEntropy, sparseCrossEntropyGrad } from './softmax.js';
import { adafactorUpdate, adamWUpdate, sumOfSquares } from './update.js';
import { clampedRatio, ifAccepted, updateScale } from './update-scale.js';

/** The kernels that tfjs does not define. They are run by name and have no registered gradients. */
export const FUSED_KERNELS = [
  layerNorm,
  layerNormGrad,
  groupNorm,
  groupNormGrad,
  gelu,
  geluGrad,
  silu,
  siluGrad,
  reluGrad,
  gatedActivation,
  gatedActivationGrad,
  linear,
  linearKernelGrad,
  biasedConv2D,
  reluConv2D,
  sparseCrossEntropy,
  sparseCrossEntropyGrad,
  attention,
  biasedAttention,
  attentionGrad,
  attentionBiasGrad,
  updateRows,
  scatterAdd,
  adamWUpdate,
  adafactorUpdate,
  sumOfSquares,
  updateScale,
  ifAccepted,
  clampedRatio,
  softmaxGrad,
  logSoftmaxGrad,
  sumGrad,
] as const;

type Fused = (typeof FUSED_KERNELS)[number];

/**
 * What each fused kernel takes and returns: `(inputs, attributes) => outputs` by name. These are
 * types alone.
 */
export type GpuFusedKernels = {
  readonly [Name in Fused['kernelName']]: SignatureOf<Extract<Fused, { readonly kernelName: Name }>>;
};

type SignatureOf<Kernel> =
  Kernel extends FusedKernel<string, infer Inputs, infer Attributes, infer Outputs>
    ? (inputs: Inputs, attributes: Attributes) => Outputs
    : never;
