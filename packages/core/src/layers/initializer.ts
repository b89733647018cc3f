import * as tf from '@tensorflow/tfjs';
import { ConfigError, didYouMean } from '../errors.js';
import { hasKernel, runKernel } from '../ops/fused-kernel.js';

type Initializer = ReturnType<typeof tf.initializers.zeros>;

/**
 * An initializer of tfjs, its name in `tf.initializers` ('zeros', 'randomNormal', …), or its
 * serialized form.
 */
export type InitializerOption = Initializer | string | { className: string; config: object };

/** Kernels and embeddings start as N(0, 0.02²) by default, which is BART's init_std. */
export function defaultKernelInitializer(): Initializer {
  return tf.initializers.randomNormal({ mean: 0, stddev: 0.02 });
}

/** The initializer that an option stands for. Throws ConfigError for an unknown name. */
export function resolveInitializer(
  option: InitializerOption | undefined,
  fallback: () => Initializer,
): Initializer {
  if (option === undefined) return fallback();
  if (option instanceof tf.serialization.Serializable) return option as Initializer;
  const name = typeof option === 'string' ? option : (option as { className: string }).className;
  const config = typeof option === 'string' ? {} : (option as { config: object }).config;
  // tf.initializers names its functions with a small first letter; serialized forms have a capital
  // one.
  const id = name.charAt(0).toLowerCase() + name.slice(1);
  const make = (tf.initializers as unknown as Record<string, ((config: object) => Initializer) | undefined>)[
    id
  ];
  if (typeof make !== 'function') {
    const names = Object.keys(tf.initializers);
    throw new ConfigError(
      `initializer: expected one of ${names.join(', ')}, got "${name}".${didYouMean(id, names)}`,
    );
  }
  return id === 'zeros' ? deferred(make(config)) : make(config);
}

/**
 * The initializer of zeros. On a backend that can, they take no memory until something reads them:
 * most are weights that a checkpoint replaces.
 */
function deferred(zeros: Initializer): Initializer {
  const { apply } = zeros;
  zeros.apply = (shape, dtype) =>
    (dtype ?? 'float32') === 'float32' && hasKernel('DeferredZeros')
      ? runKernel('DeferredZeros', {}, { shape: shape as number[] })[0]
      : apply.call(zeros, shape, dtype);
  return zeros;
}
