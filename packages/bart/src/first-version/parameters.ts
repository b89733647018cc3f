import type { FlaxPlace, StackName } from '../flax-place.js';
import type { Parameter } from '../parameters.js';
import type { FirstVersionConfig } from './config.js';

/**
 * Lists every weight of a first public model without building the model: our name, Flax's name,
 * shape and start value.
 */
export function firstVersionParameters(config: FirstVersionConfig): Parameter[] {
  const { dModel: width, imageVocabSize, imageLength, encoderVocabSize, textPositions } = config;
  const list: Parameter[] = [];
  const add = (name: string, path: string, shape: number[], siblings: number, start: Parameter['start']) => {
    const place: FlaxPlace = { path: path === '' ? [] : path.split('.') };
    list.push({ name, shape, place, leaf: name.slice(name.lastIndexOf('.') + 1), siblings, start });
  };
  const embedding = (name: string, path: string, rows: number): void =>
    add(`${name}.embedding`, path, [rows, width], 1, { gain: 1 });
  const norm = (name: string, path: string): void => {
    add(`${name}.scale`, path, [width], 2, { constant: 1 });
    add(`${name}.bias`, path, [width], 2, { constant: 0 });
  };
  const dense = (name: string, path: string, inputs: number, outputs: number): void => {
    add(`${name}.kernel`, path, [inputs, outputs], 2, { gain: 1 });
    add(`${name}.bias`, path, [outputs], 2, { constant: 0 });
  };
  const attention = (name: string, path: string): void => {
    for (const [ours, theirs] of Object.entries(PROJECTIONS)) {
      dense(`${name}.${ours}`, `${path}.${theirs}`, width, width);
    }
  };
  const layers = (stack: StackName): void => {
    const { layers: count, ffnDim } = config[stack];
    for (let i = 0; i < count; i++) {
      const name = `${stack}.layers.${i}`;
      const path = `model.${name}`;
      attention(`${name}.self_attn`, `${path}.self_attn`);
      norm(`${name}.attention_end_norm`, `${path}.self_attn_layer_norm`);
      if (stack === 'decoder') {
        attention(`${name}.cross_attn`, `${path}.encoder_attn`);
        norm(`${name}.cross_end_norm`, `${path}.encoder_attn_layer_norm`);
      }
      dense(`${name}.ffn.up`, `${path}.fc1`, width, ffnDim);
      dense(`${name}.ffn.down`, `${path}.fc2`, ffnDim, width);
      norm(`${name}.end_norm`, `${path}.final_layer_norm`);
    }
  };

  embedding('encoder.embed_tokens', 'model.shared', encoderVocabSize);
  embedding('encoder.embed_positions', 'model.encoder.embed_positions', textPositions + 2);
  norm('encoder.layernorm_embedding', 'model.encoder.layernorm_embedding');
  layers('encoder');
  embedding('decoder.embed_tokens', 'model.decoder_embed', imageVocabSize + 1);
  embedding('decoder.embed_positions', 'model.decoder.embed_positions', imageLength + 1 + 2);
  norm('decoder.layernorm_embedding', 'model.decoder.layernorm_embedding');
  layers('decoder');
  add('lm_head.kernel', 'lm_head', [width, imageVocabSize + 1], 1, { gain: 1 });
  add('final_logits_bias', '', [1, imageVocabSize + 1], 1, { constant: 0 });
  return list;
}

/** An attention's products: our name → Flax's name. */
const PROJECTIONS = { query: 'q_proj', key: 'k_proj', value: 'v_proj', out: 'out_proj' } as const;
