import { type AddedToken, AddedTokenCutter } from './added-tokens.js';
import { BytePairEncoder } from './byte-pair-encoder.js';
import type { SpecialToken } from './special-tokens.js';
import { padRows, type TokenBatch } from './token-batch.js';

/** The parts of a tokenizer. `Roles` are its special tokens by role. */
export interface TokenizerData<Roles> {
  /** Token → id. */
  readonly vocab: ReadonlyMap<string, number>;
  /** Pairs of tokens to join, most urgent first. */
  readonly merges: readonly (readonly [string, string])[];
  readonly specials?: Roles;
  /** Tokens beside those that are cut out of texts; the vocabulary has them too. */
  readonly added?: readonly AddedToken[];
}

/** The roles that every tokenizer here has. */
export interface TokenizerRoles {
  readonly bos: SpecialToken;
  readonly eos: SpecialToken;
  readonly pad: SpecialToken;
}

/** How a tokenizer treats texts and words. */
interface TextForm {
  /** What a text becomes before tokens that stand in normalized text are cut out of it. */
  readonly normalize: (text: string) => string;
  /** The words of a stretch of normalized text. */
  readonly words: (text: string) => Iterable<string>;
  /** The token for a byte that the vocabulary lacks; without it such bytes are dropped. */
  readonly unknown?: string | undefined;
  /** What ends the last symbol of each word. */
  readonly endOfWord?: string | undefined;
}

/**
 * A tokenizer of byte-level BPE: text → start id, ids, end id. Special and added tokens inside the
 * text become their ids.
 *
 * Source: Sennrich et al. 2016, arXiv:1508.07909; huggingface/tokenizers `models/bpe`,
 * `pre_tokenizers/byte_level.rs`.
 */
export abstract class BytePairTokenizer<Roles extends TokenizerRoles> {
  readonly vocab: ReadonlyMap<string, number>;
  readonly merges: readonly (readonly [string, string])[];
  readonly specials: Roles;
  /** Tokens beside the special ones that are cut out of texts. */
  readonly added: readonly AddedToken[];
  readonly bosId: number;
  readonly eosId: number;
  readonly padId: number;

  private readonly encoder: BytePairEncoder;
  private readonly cutter: AddedTokenCutter;
  private readonly words: TextForm['words'];
  private readonly specialContents: ReadonlySet<string>;

  /**
   * `standard` are the special tokens where the data has none. Throws ConfigError if bos, eos, pad,
   * the unknown token or a part of a merge is not in the vocabulary.
   */
  constructor(data: TokenizerData<Roles>, standard: Roles, { normalize, words, ...symbols }: TextForm) {
    const { vocab, merges, specials = standard, added = [] } = data;
    this.vocab = vocab;
    this.merges = merges;
    this.specials = specials;
    this.added = added;
    this.words = words;
    const apart = new Set(added.filter((token) => token.apart).map(({ content }) => content));
    this.encoder = new BytePairEncoder({ vocab, merges, ...symbols, apart });
    this.bosId = this.encoder.requireId(specials.bos.content, 'special token bos');
    this.eosId = this.encoder.requireId(specials.eos.content, 'special token eos');
    this.padId = this.encoder.requireId(specials.pad.content, 'special token pad');
    const roles = Object.values(specials) as SpecialToken[];
    this.cutter = new AddedTokenCutter(added, roles, vocab, normalize);
    this.specialContents = new Set(
      [...added.filter(({ special }) => special), ...roles].map(({ content }) => content),
    );
  }

  /** The largest id + 1, which is the least number of rows that an embedding needs. */
  get size(): number {
    return this.encoder.size;
  }

  /**
   * Returns the start id, the ids of `text`, and the end id. The result is not truncated. Never
   * throws.
   */
  encode(text: string): number[] {
    const ids = [this.bosId];
    for (const part of this.cutter.cut(text)) {
      if (typeof part === 'number') ids.push(part);
      else for (const word of this.words(part)) for (const id of this.encoder.encode(word)) ids.push(id);
    }
    ids.push(this.eosId);
    return ids;
  }

  /**
   * Encodes `texts` and brings every row to `maxLength`. Longer rows lose tokens before their end
   * id; shorter rows are padded on the right.
   *
   * Throws DataError if maxLength has no room for start and end.
   */
  encodeBatch(texts: readonly string[], options: { readonly maxLength: number }): TokenBatch {
    return padRows(
      texts.map((text) => this.encode(text)),
      { maxLength: options.maxLength, padId: this.padId },
    );
  }

  /**
   * The text of `ids`, with or without special tokens. Bytes that are no UTF-8 become U+FFFD.
   * Throws DataError for an id that the vocabulary does not have.
   */
  protected textOf(ids: Iterable<number>, skipSpecialTokens: boolean): string {
    const tokens = Array.from(ids, (id) => this.encoder.token(id));
    return this.encoder.decode(
      tokens.filter((token) => !(skipSpecialTokens && this.specialContents.has(token))),
    );
  }
}
