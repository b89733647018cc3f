import type { Chance } from './chance.js';
import { type Family, offKinks, oneKernel, seedOf } from './pointwise.js';

/**
 * A padding of two spatial axes: a word, a number, or pixels for each side, fewer than the
 * window's.
 */
function padding(
  chance: Chance,
  windows: readonly number[],
  mayExplain: boolean,
): string | number | number[][] {
  const least = Math.min(...windows);
  const kind = chance.int(0, mayExplain ? 3 : 1);
  if (kind < 2) return kind === 0 ? 'same' : 'valid';
  if (kind === 2) return chance.int(0, least - 1);
  const [h, w] = windows as [number, number];
  const side = (window: number) => [chance.int(0, window - 1), chance.int(0, window - 1)];
  return [[0, 0], side(h), side(w), [0, 0]];
}

/** Strides and dilations, of which one is 1 along both axes. */
function steps(chance: Chance): { strides: number[]; dilations: number[] } {
  const strides = [chance.int(1, 3), chance.int(1, 3)];
  if (chance.yes(0.7)) return { strides, dilations: [1, 1] };
  const dilation = chance.int(2, 3);
  return { strides: [1, 1], dilations: [dilation, dilation] };
}

/** Convolutions of pictures, whole and depthwise, fused and not. */
export const convolutions: Family = (chance) => {
  const filter = [chance.int(1, 4), chance.int(1, 4)];
  const { strides, dilations } = steps(chance);
  const reach = filter.map((extent, i) => (extent - 1) * (dilations[i] as number) + 1) as [number, number];
  const isDepthwise = chance.yes();
  const channels = isDepthwise ? chance.pick([1, 2, 3, 8, 9]) : chance.pick([1, 2, 3, 5, 12, 13]);
  const shape = [chance.int(1, 2), reach[0] + chance.int(0, 6), reach[1] + chance.int(0, 7), channels];
  const out = isDepthwise ? chance.int(1, 3) : chance.pick([1, 3, 4, 6, 12, 17]);
  const x = chance.floats(shape, 'unit');
  const weights = chance.floats([...filter, channels, out], 'unit');
  const attrs = { strides, pad: padding(chance, filter, true), dataFormat: 'NHWC', dilations };
  const gradients = { seed: seedOf(chance), by: [0, 1], linear: [0, 1] };
  const kernel = isDepthwise ? 'DepthwiseConv2dNative' : 'Conv2D';
  if (chance.yes(0.65)) return oneKernel(kernel, { x, filter: weights }, attrs, gradients);
  const outChannels = isDepthwise ? channels * out : out;
  const activation = chance.pick(['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu', 'prelu']);
  const inputs = {
    x,
    filter: weights,
    bias: offKinks(chance.floats([outChannels])),
    ...(activation === 'prelu' ? { preluActivationWeights: chance.floats([outChannels], 'unit') } : {}),
  };
  const fused = { ...attrs, activation, leakyreluAlpha: 0.25 };
  if (chance.yes()) return oneKernel(isDepthwise ? 'FusedDepthwiseConv2D' : 'FusedConv2D', inputs, fused);
  const by = Object.keys(inputs).map((_, i) => i);
  // tfjs's own gradient of a fused operation refuses dilation.
  const plain = { ...fused, dilations: [1, 1] };
  return oneKernel(isDepthwise ? 'fused:depthwiseConv2d' : 'fused:conv2d', inputs, plain, {
    seed: seedOf(chance),
    by,
  });
};

/** Convolutions of volumes, and dilation by a structuring element. */
export const volumes: Family = (chance) => {
  if (chance.yes(0.4)) {
    const filter = [chance.int(1, 3), chance.int(1, 3)] as [number, number];
    const channels = chance.int(1, 3);
    const x = chance.floats(
      [chance.int(1, 2), filter[0] + chance.int(0, 4), filter[1] + chance.int(0, 4), channels],
      'distinct',
    );
    const attrs = {
      strides: [chance.int(1, 2), chance.int(1, 2)],
      pad: chance.pick(['same', 'valid']),
      dilations: [1, 1],
    };
    return oneKernel('Dilation2D', { x, filter: chance.floats([...filter, channels]) }, attrs, {
      seed: seedOf(chance),
      by: [0, 1],
    });
  }
  const filter = [chance.int(1, 3), chance.int(1, 3), chance.int(1, 3)];
  const channels = chance.int(1, 3);
  const spatial = filter.map((extent) => extent + chance.int(0, 3));
  const x = chance.floats([chance.int(1, 2), ...spatial, channels], 'unit');
  const weights = chance.floats([...filter, channels, chance.int(1, 3)], 'unit');
  const attrs = {
    strides: [chance.int(1, 2), chance.int(1, 2), chance.int(1, 2)],
    pad: chance.pick(['same', 'valid']),
    dataFormat: 'NDHWC',
    dilations: [1, 1, 1],
  };
  return oneKernel('Conv3D', { x, filter: weights }, attrs, {
    seed: seedOf(chance),
    by: [0, 1],
    linear: [0, 1],
  });
};

/** Largest and mean of windows, in pictures and volumes. */
export const pools: Family = (chance) => {
  const kernel = chance.pick([
    'MaxPool',
    'AvgPool',
    'MaxPool',
    'AvgPool',
    'MaxPool3D',
    'AvgPool3D',
    'MaxPoolWithArgmax',
  ]);
  const is3d = kernel.endsWith('3D');
  const filterSize = Array.from({ length: is3d ? 3 : 2 }, () => chance.int(1, 4));
  const strides = filterSize.map(() => chance.int(1, 3));
  const shape = [
    chance.int(1, 2),
    ...filterSize.map((extent) => extent + chance.int(0, 4)),
    chance.pick([1, 2, 5, 9]),
  ];
  const x = chance.floats(shape, 'distinct');
  const gradients = { seed: seedOf(chance), ...(kernel.startsWith('Avg') ? { linear: [0] } : {}) };
  if (kernel === 'MaxPoolWithArgmax')
    return oneKernel(
      kernel,
      { x },
      { filterSize, strides, pad: chance.pick(['same', 'valid']), includeBatchInIndex: chance.yes() },
    );
  const pad = is3d
    ? chance.pick(['same', 'valid', 'valid', Math.min(...filterSize) - 1])
    : padding(chance, filterSize, true);
  return oneKernel(
    kernel,
    { x },
    { filterSize, strides, pad, ...(is3d ? { dataFormat: 'NDHWC' } : {}) },
    gradients,
  );
};

/** Pictures in another size, cut out, mirrored. */
export const pictures: Family = (chance) => {
  const shape = [chance.int(1, 3), chance.int(1, 6), chance.int(1, 7), chance.pick([1, 2, 3, 9])];
  const size = [chance.int(1, 9), chance.int(1, 9)];
  const kernel = chance.pick([
    'ResizeBilinear',
    'ResizeNearestNeighbor',
    'CropAndResize',
    'FlipLeftRight',
    'NonMaxSuppressionV3',
    'NonMaxSuppressionV4',
    'NonMaxSuppressionV5',
    'RotateWithOffset',
    'Transform',
  ]);
  switch (kernel) {
    case 'CropAndResize': {
      const boxes = chance.int(1, 4);
      const inputs = {
        image: chance.floats(shape),
        boxes: chance.floats([boxes, 4], 'unit'),
        boxInd: chance.ints([boxes], 0, (shape[0] as number) - 1),
      };
      return oneKernel(kernel, inputs, {
        cropSize: size,
        method: chance.pick(['bilinear', 'nearest']),
        extrapolationValue: -7,
      });
    }
    case 'FlipLeftRight':
      return oneKernel(kernel, { image: chance.floats(shape) }, {});
    case 'Transform': {
      const inputs = {
        image: chance.floats(shape),
        transforms: chance.floats([shape[0] as number, 8], 'unit'),
      };
      // Places between pixels, none of them half-way: tfjs rounds those up, TensorFlow away from 0.
      inputs.transforms = {
        ...inputs.transforms,
        values: inputs.transforms.values.map((v, i) => (i % 8 < 6 ? (v as number) + 1 / 512 : 0)),
      };
      return oneKernel(kernel, inputs, {
        interpolation: chance.pick(['nearest', 'bilinear']),
        fillMode: chance.pick(['constant', 'reflect', 'wrap', 'nearest']),
        fillValue: 0.5,
        outputShape: size,
      });
    }
    case 'RotateWithOffset': {
      const channels = shape[3] as number;
      const image = chance.yes(0.8) ? chance.floats(shape) : chance.ints(shape);
      return oneKernel(
        kernel,
        { image },
        {
          radians: chance.pick([0.3, -0.7, 1.1, 2.5, -3.3]) + chance.int(0, 9) / 128,
          fillValue: channels === 3 && chance.yes() ? [3, -2, 1] : chance.pick([0, 7]),
          center: chance.yes() ? chance.pick([0.5, 0.25, 0]) : [chance.int(0, 8) / 8, chance.int(0, 8) / 8],
        },
      );
    }
    case 'NonMaxSuppressionV3':
    case 'NonMaxSuppressionV4':
    case 'NonMaxSuppressionV5': {
      const count = chance.int(1, 8);
      return oneKernel(
        kernel,
        { boxes: chance.floats([count, 4], 'positive'), scores: chance.floats([count], 'distinct') },
        {
          maxOutputSize: chance.int(1, 5),
          iouThreshold: chance.pick([0.3, 0.5]),
          scoreThreshold: chance.pick([-9, 0]),
          ...(kernel === 'NonMaxSuppressionV4' ? { padToMaxOutputSize: chance.yes() } : {}),
          ...(kernel === 'NonMaxSuppressionV5' ? { softNmsSigma: chance.pick([0, 0.5, 1]) } : {}),
        },
      );
    }
    default: {
      const halfPixelCenters = chance.yes(0.4);
      const attrs = { alignCorners: !halfPixelCenters && chance.yes(), halfPixelCenters, size };
      return oneKernel(kernel, { images: chance.floats(shape) }, attrs, {
        seed: seedOf(chance),
        linear: [0],
      });
    }
  }
};
