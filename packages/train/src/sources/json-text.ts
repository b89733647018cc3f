/**
 * Matches strings, which stay as they are, and the three words that Python's json writes and JSON
 * doesn't know.
 */
const STRINGS_AND_WORDS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\bInfinity\b|\bNaN\b/gs;

/** What stands for each word. JSON.parse reads a number too large for a double as infinite. */
const INFINITE: Readonly<Record<string, string>> = { Infinity: '1e999', '-Infinity': '-1e999', NaN: 'null' };

/**
 * Parses JSON as Python's `json.dumps` writes it: NaN, Infinity and -Infinity are tolerated. NaN is
 * read as null, since pandas writes it for a missing value. Throws SyntaxError for anything else
 * that isn't JSON.
 */
export function parseJsonText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!/NaN|Infinity/.test(text)) throw error;
    const plain = text.replace(STRINGS_AND_WORDS, (found) => INFINITE[found] ?? found);
    if (plain === text) throw error;
    try {
      return JSON.parse(plain);
    } catch {
      throw error;
    }
  }
}
