import { drawableIds, type GenerationConfig } from '@easel/bart';
import { ConfigError } from '@easel/core';
import type { VqganConfig } from '@easel/vqgan';

/**
 * Throws ConfigError unless a text model and a VQGAN belong together: every id that the text model
 * draws is a code of the VQGAN, and a picture's tokens fill a square. A vocabulary may be larger
 * than the codebook, as DALL·E mega's is (16,415 ids of 16,384 codes): the ids from the start token
 * on are never drawn. `where` begins the message.
 */
export function checkBelongTogether(
  text: Pick<GenerationConfig, 'imageLength' | 'imageVocabSize' | 'decoderStartTokenId'>,
  vqgan: Pick<VqganConfig, 'nEmbed'>,
  where: string,
): void {
  const drawable = drawableIds(text);
  if (drawable > vqgan.nEmbed) {
    throw new ConfigError(
      `${where}: the text model draws the ids 0 to ${drawable - 1} (those below its decoder_start_token_id), but the VQGAN has the codes 0 to ${vqgan.nEmbed - 1}. Do the two belong together?`,
    );
  }
  if (!Number.isInteger(Math.sqrt(text.imageLength))) {
    throw new ConfigError(
      `${where}: the text model draws ${text.imageLength} tokens a picture, but the VQGAN decodes a square of them. Do the two belong together?`,
    );
  }
}
