import { BytePairEncoder } from '@easel/core/internals';
import { demojize } from '../normalizer/emoji.js';
import type { BpeTokenizer } from './bpe-tokenizer.js';

/** Characters that the byte alphabet writes as themselves; min-dalle knows no others. */
const PRINTABLE = /[^\x21-\x7e]/;

/**
 * Texts → ids as min-dalle makes them from DALL·E mini's vocabulary: emoji become their names,
 * letters small, what is not ASCII is dropped; whole words between spaces are merged, each with a
 * space before it; special tokens in a text are plain characters, and a tab or line end in a word
 * is `<unk>`. Its ids differ from the original's where punctuation touches a word, and it knows no
 * normalizer.
 *
 * Source: kuprel/min-dalle 0.4.11 `text_tokenizer.py`.
 */
export class MinDalleTokenizer {
  private readonly encoder: BytePairEncoder;
  private readonly bosId: number;
  private readonly eosId: number;
  private readonly unknownId: number;

  /**
   * From a tokenizer of the same vocabulary and merges. Throws ConfigError if the vocabulary has no
   * `<unk>`.
   */
  constructor({ vocab, merges, bosId, eosId, specials }: BpeTokenizer) {
    const unknown = specials.unk.content;
    this.encoder = new BytePairEncoder({ vocab, merges, unknown });
    this.bosId = bosId;
    this.eosId = eosId;
    this.unknownId = this.encoder.requireId(unknown, 'special token unk');
  }

  /** `<s>`, the ids of the words, `</s>`. Not truncated. */
  encode(text: string): number[] {
    const plain = demojize(text, '')
      .toLowerCase()
      .replace(/[^\p{ASCII}]/gu, '');
    const words = plain.split(' ').filter((word) => word !== '');
    return [this.bosId, ...words.flatMap((word) => this.encodeWord(word)), this.eosId];
  }

  /** Nothing merges with a character that min-dalle does not know. */
  private encodeWord(word: string): number[] {
    const ids: number[] = [];
    let known = ' ';
    const flush = (): void => {
      if (known !== '') ids.push(...this.encoder.encode(known));
      known = '';
    };
    for (const character of word) {
      if (!PRINTABLE.test(character)) {
        known += character;
        continue;
      }
      flush();
      ids.push(this.unknownId);
    }
    flush();
    return ids;
  }
}
