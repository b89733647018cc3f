import * as tf from '@tensorflow/tfjs';
import { ACTIVATIONS, type ActivationName } from '../addon-numbers.js';
import type { NativeBackend } from '../backend.js';
import { sizeOf } from './kernel.js';

/** What follows a fused product or convolution: a bias, then an activation. */
export interface Epilogue {
  readonly bias: tf.TensorInfo | undefined;
  /** The activation's name in tfjs; undefined means 'linear'. */
  readonly activation: string | undefined;
  readonly preluWeights: tf.TensorInfo | undefined;
  readonly leak: number | undefined;
}

/** The kernel of each activation. The addon applies all of them but prelu. */
const KERNEL_OF: ReadonlyMap<string, string> = new Map<ActivationName | 'prelu', string>([
  ['linear', tf.Identity],
  ['relu', tf.Relu],
  ['relu6', tf.Relu6],
  ['sigmoid', tf.Sigmoid],
  ['elu', tf.Elu],
  ['leakyrelu', tf.LeakyRelu],
  ['gelu', 'Gelu'],
  ['gelu_tanh', 'Gelu'],
  ['silu', 'Silu'],
  ['prelu', tf.Prelu],
]);

/** The part of an epilogue that the addon applies while the output is in the cache. */
export interface NativeEpilogue {
  /** One value for each column, or null. */
  readonly bias: Float32Array | null;
  /** An index into ACTIVATIONS. */
  readonly activation: number;
  readonly leak: number;
}

/** tfjs's default slope of leakyrelu below 0. */
const DEFAULT_LEAK = 0.2;

/** The epilogue that changes nothing. */
export const NO_EPILOGUE: NativeEpilogue = {
  bias: null,
  activation: ACTIVATIONS.indexOf('linear'),
  leak: DEFAULT_LEAK,
};

/**
 * An epilogue in two parts: what the addon does, and what `rest` does afterwards with ordinary
 * kernels.
 */
export interface PlannedEpilogue {
  readonly native: NativeEpilogue;
  /** Applies the second part to y, and disposes y if that makes another tensor. */
  rest(y: tf.TensorInfo): tf.TensorInfo;
}

/** The `rest` of an epilogue that the addon applies whole. */
const asItIs = (y: tf.TensorInfo) => y;

/**
 * Plans the epilogue of an output whose last axis has `columns` elements. A bias of one value for
 * each column goes to the addon. A bias that broadcasts in another way does not, and then neither
 * does the activation that follows it. Throws Error for an unknown activation.
 */
export function planEpilogue(backend: NativeBackend, epilogue: Epilogue, columns: number): PlannedEpilogue {
  const { bias, preluWeights } = epilogue;
  const name = epilogue.activation ?? 'linear';
  const kernelName = KERNEL_OF.get(name);
  if (kernelName === undefined)
    throw new Error(`Activation ${name} has not been implemented for the native backend.`);
  const number = ACTIVATIONS.indexOf(name as ActivationName);
  const leak = epilogue.leak ?? DEFAULT_LEAK;
  const nativeBias =
    bias === undefined || (bias.shape[bias.shape.length - 1] === columns && sizeOf(bias.shape) === columns);
  const nativeActivation = nativeBias && number >= 0;
  const native = {
    bias: nativeBias && bias !== undefined ? backend.float32(bias) : null,
    activation: nativeActivation ? number : NO_EPILOGUE.activation,
    leak,
  };
  if (nativeActivation) return { native, rest: asItIs };
  return {
    native,
    rest(y) {
      let result = y;
      const apply = (name: string, inputs: tf.NamedTensorInfoMap, attrs: tf.NamedAttrMap = {}) => {
        const next = tf.getKernel(name, 'native').kernelFunc({ inputs, attrs, backend }) as tf.TensorInfo;
        backend.disposeIntermediateTensorInfo(result);
        result = next;
      };
      if (!nativeBias) apply('Add', { a: result, b: bias });
      const weights: tf.NamedTensorInfoMap = preluWeights === undefined ? {} : { alpha: preluWeights };
      apply(kernelName, { x: result, ...weights }, { alpha: leak, approximate: name === 'gelu_tanh' });
      return result;
    },
  };
}
