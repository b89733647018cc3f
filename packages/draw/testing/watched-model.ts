import type { ImageTokenModel } from '@easel/bart';
import type { Vqgan } from '@easel/vqgan';
import { nativeStatus } from 'tfjs-backend-native';
import type { PictureParts } from '../src/picture-parts.js';

/** The fastest backend that is there, for tests whose subject is not the backend. */
export const FAST_BACKEND: string = nativeStatus().available ? 'native' : 'cpu';

/** What a test does where a model is called; to throw is to fail there. */
export interface Hooks {
  /** Before a step of `rows` rows. */
  onStep?(rows: number): void;
  /** Before a text is encoded. */
  onEncode?(ids: Int32Array): void;
  /** Before `pictures` grids of codes, of `lines` lines each, are decoded. */
  onDecode?(pictures: number, lines: number): void;
}

/** Parts that call `hooks` where the model is called. decodeBatch: pictures decoded at a time. */
export function watchedParts(
  { text, vqgan, settings }: PictureParts,
  hooks: Hooks,
  decodeBatch?: 1,
): PictureParts {
  const { model, processor } = text;
  const watched: ImageTokenModel = {
    config: model.config,
    encode: (ids, mask) => {
      hooks.onEncode?.(ids.dataSync() as Int32Array);
      return model.encode(ids, mask);
    },
    startDecoding: (room) => model.startDecoding(room),
    setTexts: (...args) => model.setTexts(...args),
    step: (state, rows) => {
      hooks.onStep?.(rows.ids.length);
      return model.step(state, rows);
    },
  };
  const decoder: Pick<Vqgan, 'config' | 'quantizer' | 'decodeLatent'> = {
    // Channels of a decoder so wide that one picture fills the memory that is allowed.
    config: decodeBatch === undefined ? vqgan.config : { ...vqgan.config, ch: 2 ** 24 },
    quantizer: vqgan.quantizer,
    decodeLatent: (latents) => {
      hooks.onDecode?.(latents.shape[0], latents.shape[1]);
      return vqgan.decodeLatent(latents);
    },
  };
  return { text: { model: watched, processor }, vqgan: decoder as Vqgan, settings };
}
