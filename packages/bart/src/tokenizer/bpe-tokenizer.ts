import {
  type AddedToken,
  AddedTokenCutter,
  BytePairEncoder,
  padRows,
  type SpecialToken,
  type TokenBatch,
  type TokenizerFiles,
} from '@easel/core/internals';
import { parseTokenizerFiles } from './files.js';
import { BART_SPECIAL_TOKENS, type SpecialTokens } from './special-tokens.js';
import type { BpeTokenizerData } from './tokenizer-data.js';
import { type WordOptions, words } from './words.js';

/** Options of `decode`. */
export interface DecodeOptions {
  /** Whether special tokens are left out (default true). */
  readonly skipSpecialTokens?: boolean;
  /**
   * Whether spaces before punctuation and contractions are removed, as transformers does by default
   * (default false).
   */
  readonly cleanUpSpaces?: boolean;
}

/**
 * Byte-level BPE as in GPT-2, RoBERTa and BART: text → `<s>` ids `</s>`.
 *
 * Special tokens inside the text become their ids. It gives the ids of `DalleBartTokenizer`
 * (tokenizers 0.13.3) for every text of reference/golden/tokenizer.
 *
 * Source: Sennrich et al. 2016, arXiv:1508.07909; huggingface/tokenizers `models/bpe`,
 * `pre_tokenizers/byte_level.rs`.
 */
export class BpeTokenizer {
  readonly vocab: ReadonlyMap<string, number>;
  readonly merges: readonly (readonly [string, string])[];
  readonly specials: SpecialTokens;
  /** Tokens beside the special ones that are cut out of texts. */
  readonly added: readonly AddedToken[];
  readonly bosId: number;
  readonly eosId: number;
  readonly padId: number;
  readonly unknown: string | undefined;
  readonly wordOptions: WordOptions;

  private readonly encoder: BytePairEncoder;
  private readonly cutter: AddedTokenCutter;
  private readonly specialContents: ReadonlySet<string>;

  /**
   * Makes a tokenizer from the files of a folder in Hugging Face form: vocab.json and merges.txt,
   * or tokenizer.json.
   *
   * Throws ConfigError, naming file and field, for anything that is not a byte-level BPE.
   */
  static fromFiles(files: TokenizerFiles): BpeTokenizer {
    return new BpeTokenizer(parseTokenizerFiles(files));
  }

  /**
   * Throws ConfigError if a special token, the unknown token or a part of a merge is not in the
   * vocabulary.
   */
  constructor(data: BpeTokenizerData) {
    this.vocab = data.vocab;
    this.merges = data.merges;
    this.specials = data.specials ?? BART_SPECIAL_TOKENS;
    this.unknown = data.unknown;
    this.wordOptions = {
      lowerCase: data.lowerCase ?? false,
      addPrefixSpace: data.addPrefixSpace ?? false,
    };
    this.added = data.added ?? [];
    const apart = new Set(this.added.filter((token) => token.apart).map(({ content }) => content));
    this.encoder = new BytePairEncoder({ ...data, apart });
    this.bosId = this.encoder.requireId(this.specials.bos.content, 'special token bos');
    this.eosId = this.encoder.requireId(this.specials.eos.content, 'special token eos');
    this.padId = this.encoder.requireId(this.specials.pad.content, 'special token pad');
    const roles = Object.values(this.specials) as SpecialToken[]; // unk and mask may be absent
    this.cutter = new AddedTokenCutter(this.added, roles, data.vocab, (text) => text);
    this.specialContents = new Set(
      [...this.added.filter(({ special }) => special), ...roles].map(({ content }) => content),
    );
  }

  /** The largest id + 1, which is the least number of rows that an embedding needs. */
  get size(): number {
    return this.encoder.size;
  }

  /**
   * Returns the id of `<s>`, the ids of `text`, and the id of `</s>`. The result is not truncated.
   * Never throws.
   */
  encode(text: string): number[] {
    const ids = [this.bosId];
    for (const part of this.cutter.cut(text)) {
      if (typeof part === 'number') ids.push(part);
      else
        for (const word of words(part, this.wordOptions))
          for (const id of this.encoder.encode(word)) ids.push(id);
    }
    ids.push(this.eosId);
    return ids;
  }

  /**
   * Encodes `texts` and brings every row to `maxLength`. Longer rows lose tokens before their
   * `</s>`; shorter rows are padded on the right.
   *
   * Throws DataError if maxLength has no room for `<s>` and `</s>`.
   */
  encodeBatch(texts: readonly string[], options: { readonly maxLength: number }): TokenBatch {
    return padRows(
      texts.map((text) => this.encode(text)),
      { maxLength: options.maxLength, padId: this.padId },
    );
  }

  /**
   * Returns the text of `ids`. Bytes that are no UTF-8 become U+FFFD.
   *
   * Throws DataError for an id that the vocabulary does not have.
   */
  decode(ids: Iterable<number>, options: DecodeOptions = {}): string {
    const skip = options.skipSpecialTokens ?? true;
    const tokens = Array.from(ids, (id) => this.encoder.token(id));
    const text = this.encoder.decode(tokens.filter((token) => !(skip && this.specialContents.has(token))));
    return options.cleanUpSpaces ? cleanUpSpaces(text) : text;
  }
}

/** Applies the replacements of transformers' `clean_up_tokenization`, in its order. */
function cleanUpSpaces(text: string): string {
  return text
    .replaceAll(' .', '.')
    .replaceAll(' ?', '?')
    .replaceAll(' !', '!')
    .replaceAll(' ,', ',')
    .replaceAll(" ' ", "'")
    .replaceAll(" n't", "n't")
    .replaceAll(" 'm", "'m")
    .replaceAll(" 's", "'s")
    .replaceAll(" 've", "'ve")
    .replaceAll(" 're", "'re");
}
