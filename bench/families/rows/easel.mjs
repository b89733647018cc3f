// The fused operations of @easel/core.
import { forwardAndGradients, operands } from './tfjs.mjs';

export const kinds = {
  ...forwardAndGradients('layer_norm', operands.affine, ({ core }, x, g, b) => core.layerNorm(x, g, b, 1e-5)),
  ...forwardAndGradients('rms_norm', operands.scaled, ({ core }, x, g) => core.rmsNorm(x, g, 1e-5)),
  ...forwardAndGradients('gelu', operands.map, ({ core }, x) => core.gelu(x)),
  ...forwardAndGradients('cross_entropy', operands.labelled, ({ core }, x, labels) =>
    core.sparseCrossEntropy(x, labels),
  ),
  ...forwardAndGradients('group_norm', operands.image, ({ core }, x, g, b) =>
    core.groupNorm(x, g, b, { groups: 32, epsilon: 1e-6, swish: true }),
  ),
};
