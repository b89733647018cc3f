import * as tf from '@tensorflow/tfjs';
import { type NativeKernel, nativeKernel } from './kernel.js';
import { parseRewrite, re2, replaceMatches } from './regex.js';

/**
 * Texts with the first match of a pattern, or all, replaced. Pattern and rewrite are RE2's, as in
 * TensorFlow; tfjs's kernel takes JavaScript's, where `\1` is no group.
 */
const staticRegexReplace = nativeKernel(tf.StaticRegexReplace, ({ inputs, backend, attrs }) => {
  const { x } = inputs as { x: tf.TensorInfo };
  const { pattern, rewrite, replaceGlobal } = attrs as {
    pattern: string;
    rewrite: string;
    replaceGlobal: boolean;
  };
  const [expression, parts] = [re2(pattern), parseRewrite(rewrite)];
  const bytes = backend.data.get(x.dataId).values as unknown as Uint8Array[];
  const texts = tf.backend_util
    .fromUint8ToStringArray(bytes)
    .map((text) => replaceMatches(text, expression, parts, replaceGlobal));
  return backend.makeTensorInfo(x.shape, 'string', texts);
});

/** Kernels of strings. */
export const stringKernels: readonly NativeKernel[] = [staticRegexReplace];
