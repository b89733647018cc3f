import type { SpecialToken } from '@easel/core/internals';

/** The roles that the transformer needs. */
export interface SpecialTokens {
  readonly bos: SpecialToken;
  readonly eos: SpecialToken;
  readonly pad: SpecialToken;
  readonly unk: SpecialToken;
  readonly mask: SpecialToken;
}

const plain = (content: string): SpecialToken => ({ content, lstrip: false, rstrip: false });

/** BART's special tokens: `<mask>` takes the white space to its left, the others take none. */
export const BART_SPECIAL_TOKENS: SpecialTokens = {
  bos: plain('<s>'),
  eos: plain('</s>'),
  pad: plain('<pad>'),
  unk: plain('<unk>'),
  mask: { content: '<mask>', lstrip: true, rstrip: false },
};
