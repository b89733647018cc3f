import { BytePairEncoder } from '@easel/core/internals';
import { demojize } from '../normalizer/emoji.js';
import type { BpeTokenizer } from './bpe-tokenizer.js';

/** Characters that the byte alphabet writes as themselves; min-dalle knows no others. */
const PRINTABLE = /[^\x21-\x7e]/;

/**
 * Turns texts into ids as min-dalle does with DALL·E mini's vocabulary. Emoji become their names,
 * letters become small, and other characters that are not ASCII are dropped. BPE merges whole words
 * between spaces, each with a space before it. Special tokens in a text are plain characters. A tab
 * or line end in a word is `<unk>`. The ids differ from the original's where punctuation touches a
 * word, and there is no normalizer.
 *
 * Source: kuprel/min-dalle 0.4.11 `text_tokenizer.py`.
 */
export class MinDalleTokenizer {
  private readonly encoder: BytePairEncoder;
  private readonly bosId: number;
  private readonly eosId: number;
  private readonly unknownId: number;

  /**
   * Takes vocabulary and merges from a BpeTokenizer. Throws ConfigError if the vocabulary has no
   * `<unk>`.
   */
  constructor({ vocab, merges, bosId, eosId, specials }: BpeTokenizer) {
    const unknown = specials.unk.content;
    this.encoder = new BytePairEncoder({ vocab, merges, unknown });
    this.bosId = bosId;
    this.eosId = eosId;
    this.unknownId = this.encoder.requireId(unknown, 'special token unk');
  }

  /**
   * Returns the id of `<s>`, the ids of the words, and the id of `</s>`. The result is not
   * truncated.
   */
  encode(text: string): number[] {
    const plain = demojize(text, '')
      .toLowerCase()
      .replace(/[^\p{ASCII}]/gu, '');
    const words = plain.split(' ').filter((word) => word !== '');
    return [this.bosId, ...words.flatMap((word) => this.encodeWord(word)), this.eosId];
  }

  /**
   * Encodes one word. A character that min-dalle does not know becomes `<unk>`, and nothing merges
   * across it.
   */
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
