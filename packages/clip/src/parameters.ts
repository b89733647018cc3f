import type { ClipConfig, TowerConfig } from './config.js';

/**
 * Lists every weight of a Clip of this config by name, with its shape, in the order of the model's
 * namedWeights. No tensor is made.
 */
export function clipParameters(config: ClipConfig): Map<string, number[]> {
  const { text, image, projectionWidth } = config;
  const patches = Math.floor(image.imageSize / image.patchSize) ** 2;
  return new Map<string, number[]>([
    ['logit_scale', []],
    ...under('text_model', [
      ['embeddings.token_embedding.embedding', [text.vocabSize, text.width]],
      ['embeddings.position_embedding.embedding', [text.maxTextLength, text.width]],
      ...towerLayers(text),
      ...norm('final_layer_norm', text.width),
    ]),
    ...under('vision_model', [
      ['embeddings.class_embedding', [image.width]],
      ['embeddings.patch_embedding.kernel', [image.patchSize, image.patchSize, image.channels, image.width]],
      ['embeddings.position_embedding.embedding', [patches + 1, image.width]],
      ...norm('pre_layrnorm', image.width),
      ...towerLayers(image),
      ...norm('post_layernorm', image.width),
    ]),
    ['text_projection.kernel', [text.width, projectionWidth]],
    ['visual_projection.kernel', [image.width, projectionWidth]],
  ]);
}

type Shapes = [string, number[]][];

function under(path: string, shapes: Shapes): Shapes {
  return shapes.map(([name, shape]) => [`${path}.${name}`, shape]);
}

function norm(path: string, width: number): Shapes {
  return under(path, [
    ['scale', [width]],
    ['bias', [width]],
  ]);
}

function dense(path: string, inputs: number, outputs: number): Shapes {
  return under(path, [
    ['kernel', [inputs, outputs]],
    ['bias', [outputs]],
  ]);
}

function towerLayers({ layers, width, ffnWidth }: TowerConfig): Shapes {
  return Array.from({ length: layers }, (_, i) =>
    under(`encoder.layers.${i}`, [
      ...norm('layer_norm1', width),
      ...['q', 'k', 'v', 'out'].flatMap((part) => dense(`self_attn.${part}_proj`, width, width)),
      ...norm('layer_norm2', width),
      ...dense('mlp.fc1', width, ffnWidth),
      ...dense('mlp.fc2', ffnWidth, width),
    ]),
  ).flat();
}
