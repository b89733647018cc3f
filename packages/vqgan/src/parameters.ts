import type { VqganConfig } from './config.js';
import type { VqganOptions } from './model.js';

type Shapes = [string, number[]][];

/**
 * Lists every weight of a Vqgan of this config by name, with its shape, in the order of the model's
 * namedWeights. No tensor is made.
 */
export function vqganParameters(
  config: VqganConfig,
  { decoderOnly = false }: VqganOptions = {},
): Map<string, number[]> {
  const { embedDim, zChannels, nEmbed, doubleZ } = config;
  const encoded = zChannels * (doubleZ ? 2 : 1);
  return new Map<string, number[]>([
    ...(decoderOnly
      ? []
      : [...under('encoder', encoder(config, encoded)), ...convolution('quant_conv', encoded, embedDim, 1)]),
    ['quantize.embedding.embedding', [nEmbed, embedDim]],
    ...convolution('post_quant_conv', embedDim, zChannels, 1),
    ...under('decoder', decoder(config)),
  ]);
}

function under(path: string, shapes: Shapes): Shapes {
  return shapes.map(([name, shape]) => [`${path}.${name}`, shape]);
}

function convolution(path: string, inputs: number, outputs: number, side: 1 | 3): Shapes {
  return [
    [`${path}.kernel`, [side, side, inputs, outputs]],
    [`${path}.bias`, [outputs]],
  ];
}

function norm(path: string, channels: number): Shapes {
  return [
    [`${path}.scale`, [channels]],
    [`${path}.bias`, [channels]],
  ];
}

function resBlock(path: string, inputs: number, outputs: number): Shapes {
  return under(path, [
    ...norm('norm1', inputs),
    ...convolution('conv1', inputs, outputs, 3),
    ...norm('norm2', outputs),
    ...convolution('conv2', outputs, outputs, 3),
    ...(inputs === outputs ? [] : convolution('nin_shortcut', inputs, outputs, 1)),
  ]);
}

function attnBlock(path: string, channels: number): Shapes {
  const products = ['q', 'k', 'v', 'proj_out'];
  return under(path, [
    ...norm('norm', channels),
    ...products.flatMap((product) => convolution(product, channels, channels, 1)),
  ]);
}

function middle(channels: number): Shapes {
  return under('mid', [
    ...resBlock('block_1', channels, channels),
    ...attnBlock('attn_1', channels),
    ...resBlock('block_2', channels, channels),
  ]);
}

function level(path: string, inputs: number, outputs: number, blocks: number, attention: boolean): Shapes {
  const parts = Array.from({ length: blocks }, (_, j) => [
    ...resBlock(`block_${j}`, j === 0 ? inputs : outputs, outputs),
    ...(attention ? attnBlock(`attn_${j}`, outputs) : []),
  ]);
  return under(path, parts.flat());
}

function encoder(config: VqganConfig, encoded: number): Shapes {
  const { ch, chMult, inChannels, numResBlocks, attnResolutions, resolution, resampWithConv } = config;
  const widths = chMult.map((factor) => ch * factor);
  const last = widths.at(-1) as number;
  const levels = widths.map((width, i) => [
    ...level(
      `down_${i}`,
      widths[i - 1] ?? ch,
      width,
      numResBlocks,
      attnResolutions.includes(Math.floor(resolution / 2 ** i)),
    ),
    ...(i < widths.length - 1 && resampWithConv
      ? convolution(`down_${i}.downsample.conv`, width, width, 3)
      : []),
  ]);
  return [
    ...convolution('conv_in', inChannels, ch, 3),
    ...levels.flat(),
    ...middle(last),
    ...norm('norm_out', last),
    ...convolution('conv_out', last, encoded, 3),
  ];
}

function decoder(config: VqganConfig): Shapes {
  const { ch, chMult, zChannels, numResBlocks, attnResolutions, resolution, resampWithConv } = config;
  const widths = chMult.map((factor) => ch * factor);
  const [first, last, top] = [widths[0] as number, widths.at(-1) as number, widths.length - 1];
  const smallest = Math.floor(resolution / 2 ** top);
  const levels = widths.map((width, i) => [
    ...level(
      `up_${i}`,
      widths[i + 1] ?? last,
      width,
      numResBlocks + 1,
      attnResolutions.includes(smallest * 2 ** (top - i)),
    ),
    ...(i > 0 && resampWithConv ? convolution(`up_${i}.upsample.conv`, width, width, 3) : []),
  ]);
  return [
    ...convolution('conv_in', zChannels, last, 3),
    ...middle(last),
    ...levels.flat(),
    ...(config.givePreEnd
      ? []
      : [...norm('norm_out', first), ...convolution('conv_out', first, config.outCh, 3)]),
  ];
}
