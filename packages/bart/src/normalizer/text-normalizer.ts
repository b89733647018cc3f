import { unidecode } from 'unidecode-ts';
import { demojize } from './emoji.js';
import { fixText } from './fix-text.js';
import { HashtagSplitter } from './hashtags.js';
import { unescapeHtml } from './html-entities.js';

/** Options of a TextNormalizer. */
export interface TextNormalizerOptions {
  /**
   * Words for splitting hashtags, most frequent first. Without them a hashtag stays one word. The
   * original always has them.
   */
  readonly wordFrequencies?: readonly string[];
  /** Source of draws from [0, 1) for `<person>` (default Math.random). */
  readonly random?: () => number;
}

type Step = readonly [name: string, apply: (text: string) => string];

// Stand-ins for signs between words while punctuation is rewritten. They consist of word
// characters, so a hashtag includes them.
const DOT = 'xtokxdotxtokx';
const QUOTE = 'xtokxquotextokx';
const SLASH = 'xtokxslashxtokx';

/** Persons that replace a lone `<person>`, with the weights of the original. */
const PERSONS = [
  ['a person', 282265],
  ['someone', 121194],
  ['somebody', 12219],
] as const;
const PERSON_WEIGHT = PERSONS.reduce((sum, [, weight]) => sum + weight, 0);

/**
 * Brings captions and prompts to one written form: ASCII, lower case, commas as the only
 * punctuation, emoji and hashtags as words. The result starts with one space.
 *
 * The steps, their order and their quirks are those of dalle_mini `model/text.py`, TextNormalizer;
 * the names below are its functions.
 */
export class TextNormalizer {
  /** The steps in order. Each depends on the text alone, except that persons are drawn. */
  readonly steps: readonly Step[];

  constructor(options: TextNormalizerOptions = {}) {
    const splitter = options.wordFrequencies && new HashtagSplitter(options.wordFrequencies);
    const random = options.random ?? Math.random;
    this.steps = [
      ['fix_text', fixText],
      ['fix_html', (t) => unescapeHtml(unescapeHtml(t))],
      ['demojize', demojize],
      ['unidecode', unidecode],
      ['lower', (t) => t.toLowerCase()],
      ['replace_person_token', (t) => replacePersons(t, random)],
      ['remove_wiki_ref', (t) => t.replace(/^\s*\[\d+\]/, '').replace(/\[\d+\]\s*$/, '')],
      ['remove_html_tags', removeTags],
      ['remove_urls', (t) => t.replace(/http\S+/g, '')],
      ['remove_comma_numbers', (t) => joinThousands(joinThousands(t))],
      ['pre_process_dot_numbers', (t) => t.replace(/(\w)\.(\w)/g, `$1${DOT}$2`)],
      ['pre_process_quotes', (t) => t.replace(/'(?=([stdm]|(ll)|(re)|(ve)|(ll))\b)/g, QUOTE)],
      ['pre_process_dates', (t) => t.replace(/(\d)\/(\d)/g, `$1${SLASH}$2`)],
      ['handle_special_chars', (t) => t.replace(/(\w)-(\w)/g, '$1 $2').replace(/[%&/$*]/g, ' $& ')],
      ['expand_hashtags', (t) => t.replace(/#(\w+)/g, (_, tag: string) => splitter?.split(tag) ?? tag)],
      ['ignore_chars', (t) => t.replace(/[_#\\]/g, ' ')],
      ['simplify_quotes', (t) => t.replace(/['"`]/g, ' " ')],
      ['replace_punctuation_with_commas', (t) => t.replace(/[()[\].,|:;?!=+~\-/{}]/g, ',')],
      ['post_process_dot_numbers', (t) => t.replaceAll(DOT, '.')],
      ['post_process_quotes', (t) => t.replaceAll(QUOTE, "'")],
      ['post_process_dates', (t) => t.replaceAll(SLASH, '/')],
      ['remove_repeating_chars', (t) => t.replace(/(\D)\1{3,}/g, '$1')],
      ['merge_quotes', (t) => mergeRuns(t, /[\s"]+/g, '"', ' " ')],
      ['merge_commas', (t) => mergeRuns(t, /[\s,]+/g, ',', ', ')],
      ['remove_extra_spaces', (t) => t.replace(/\s+/g, ' ')],
      ['remove_first_last_commas', removeEdgeCommas],
    ];
  }

  /** Returns the normal form of `text`. Never throws. */
  normalize(text: string): string {
    let result = text;
    for (const [, apply] of this.steps) result = apply(result);
    return ` ${result}`;
  }
}

function replacePersons(text: string, random: () => number): string {
  if (!text.includes('<person>')) return text;
  return text // [,\s]*(and)*[,\s]*, written so that a long run of commas is walked once
    .replace(/<person>(?:[,\s]*(?:(?:and)+[,\s]*)?<person>)+/g, ' people ')
    .replace(/<person>/g, () => ` ${drawPerson(random())} `);
}

/**
 * Returns the first person at which the running sum of weights exceeds draw × the sum of all
 * weights, as Python's random.choices does.
 */
function drawPerson(draw: number): string {
  let sum = 0;
  for (const [person, weight] of PERSONS) {
    sum += weight;
    if (sum > draw * PERSON_WEIGHT) return person;
  }
  return PERSONS[0][0];
}

/**
 * Replaces `<[^<]+?>` by one space. The regular expression would scan the rest of the text for
 * every "<" without a ">", so this function looks up the ends instead.
 */
function removeTags(text: string): string {
  let out = '';
  let at = 0;
  for (;;) {
    const open = text.indexOf('<', at);
    if (open < 0) return out + text.slice(at);
    const close = text.indexOf('>', open + 2); // at least one character between, even another ">"
    const next = text.indexOf('<', open + 1);
    if (close < 0) return out + text.slice(at);
    const tag = next < 0 || close < next;
    out += `${text.slice(at, open)}${tag ? ' ' : '<'}`;
    at = tag ? close + 1 : open + 1;
  }
}

function joinThousands(text: string): string {
  return text.replace(/(\d),(\d{3})/g, '$1$2');
}

/**
 * Replaces `(\s*sign+\s*)+` by `merged`: every run of signs and white space (`runs`) that holds a
 * sign. The nested repeats of the original's expression take exponential time on long runs; this
 * function does not.
 */
function mergeRuns(text: string, runs: RegExp, sign: string, merged: string): string {
  if (!text.includes(sign)) return text;
  return text.replace(runs, (run) => (run.includes(sign) ? merged : run));
}

function removeEdgeCommas(text: string): string {
  let result = text.trim();
  if (result.endsWith(',')) result = result.slice(0, -1);
  if (result.startsWith(',')) result = result.slice(1);
  return result.trim();
}
