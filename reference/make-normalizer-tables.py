"""Writes the text normalizer's tables from the packages that the original runs:
python make-normalizer-tables.py REPOSITORY.

Environment: Python 3.11; Unidecode==1.4.0 ftfy==6.3.1 emoji==1.7.0.

- packages/unidecode-ts/src/blocks.ts: what stands for each code point. Unidecode, GPL-2.0-or-later.
- packages/bart/src/normalizer/mojibake-data.ts: character classes and ligatures of ftfy,
  Apache-2.0; codecs of Python.
- packages/bart/src/normalizer/emoji-names.ts: names of emoji. emoji, BSD-3-Clause.
- packages/bart/src/normalizer/unassigned.ts: code points without a character in Python's Unicode.

Each table is written in a short form, read back by the same rule as Easel reads it, and compared
with the package before the file is written.
"""

import argparse
import codecs
import itertools
import json
import sys
import unicodedata
import warnings
from importlib.metadata import version
from pathlib import Path

import ftfy
from emoji.unicode_codes import EMOJI_DATA
from ftfy import badness, chardata
from unidecode import unidecode

VERSIONS = {"Unidecode": "1.4.0", "ftfy": "6.3.1", "emoji": "1.7.0"}
HANGUL, HANGUL_END = 0xAC00, 0xD7A4
INITIALS, VOWELS, FINALS = 19, 21, 28
TONES = dict(zip("🏻🏼🏽🏾🏿", ["light", "medium-light", "medium", "medium-dark", "dark"]))
SELECTOR = "\ufe0f"


def unidecode_blocks():
    warnings.simplefilter("ignore")  # about surrogates
    ascii_of = [unidecode(chr(code)) for code in range(0x110000)]
    assert all(ascii_of[code] == chr(code) for code in range(0x80))

    # A Hangul syllable is its initial, vowel and final. Their spellings follow from the syllables
    # with the other two parts silent or known.
    def syllable(i, v, f):
        return ascii_of[HANGUL + (i * VOWELS + v) * FINALS + f]

    initials = [syllable(i, 0, 0)[: -len("a")] for i in range(INITIALS)]
    vowels = [syllable(0, v, 0)[len("g") :] for v in range(VOWELS)]
    finals = [syllable(0, 0, f)[len("ga") :] for f in range(FINALS)]
    parts = itertools.product(initials, vowels, finals)
    assert ["".join(p) for p in parts] == ascii_of[HANGUL:HANGUL_END]

    blocks = {}
    for block in range(0x110000 >> 8):
        codes = range(block << 8, (block + 1) << 8)
        row = ["" if code < 0x80 or HANGUL <= code < HANGUL_END else ascii_of[code] for code in codes]
        assert not any("\t" in each for each in row)
        joined = "\t".join(row).rstrip("\t")
        if joined:
            blocks[block] = joined
    lines = [f"  {block:#x}: {literal(row)}," for block, row in blocks.items()]
    return f"""// Written by reference/make-normalizer-tables.py from Unidecode {VERSIONS["Unidecode"]}
// (GPL-2.0-or-later). Do not edit.

/**
 * ASCII of the 256 code points of each block, with tabs between; what is missing at a block's end
 * is empty. A block's number is its code points' without the last two hexadecimal digits.
 */
export const BLOCKS: Readonly<Record<number, string>> = {{
{chr(10).join(lines)}
}};

/**
 * Spellings of the parts of Hangul's syllables, U+AC00 to U+D7A3: one of each, the last part's
 * counting fastest.
 */
export const SYLLABLE_PARTS: readonly (readonly string[])[] = [
  {literal(" ".join(initials))}.split(' '),
  {literal(" ".join(vowels))}.split(' '),
  {literal(" ".join(finals))}.split(' '),
];
"""


def literal(text):
    """A JavaScript string with `text`. Tabs stay as they are, for length."""
    return json.dumps(text, ensure_ascii=False).replace("\\t", "\t")


def characters(of_class):
    """The characters of an expression's class, ranges written out."""
    out = []
    rest = list(of_class)
    while rest:
        first = rest.pop(0)
        if len(rest) >= 2 and rest[0] == "-":
            out += map(chr, range(ord(first), ord(rest[1]) + 1))
            del rest[:2]
        else:
            out.append(first)
    return set(out)


def class_literal(of_class):
    """The inside of an expression's class, sorted, runs as ranges, as a JavaScript string."""
    codes = sorted(map(ord, characters(of_class)))
    assert codes[-1] < 0x10000 and not set(map(ord, "\\]^-")) & set(codes)
    ranges = []
    for code in codes:
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    out = ""
    for first, last in ranges:
        out += written(first) + ("-" if last > first + 1 else "") + (written(last) if last > first else "")
    return f"'{out}'"


def written(code):
    """A character in a JavaScript string: as it is where one sees it, else by its number."""
    visible = chr(code).isprintable() and not chr(code).isspace() and chr(code) not in "'\\"
    return chr(code) if visible or code == 0x20 else f"\\u{code:04x}"


def mojibake_data():
    classes = {**badness.MOJIBAKE_CATEGORIES, **chardata.UTF8_CLUES}
    encodings = []
    for name in chardata.CHARMAP_ENCODINGS:
        decoded = bytes(range(256)).decode(name)
        sloppy = name.startswith("sloppy-")
        assert len(set(decoded)) == 256 and decoded.encode(name) == bytes(range(256))
        assert decoded[:0x80] == "".join(map(chr, range(0x80))).replace("\x1a", "\ufffd" if sloppy else "\x1a")
        upper = "".join(written(ord(c)) for c in decoded[0x80:])
        encodings.append(f"  {{ name: '{name.removeprefix('sloppy-')}', sloppy: {str(sloppy).lower()}, upper: '{upper}' }},")
    ligatures = ", ".join(f"['{chr(code)}', '{letters}']" for code, letters in chardata.LIGATURES.items())
    assert codecs.lookup("sloppy-windows-1252")
    lines = "\n".join(f"  {camel(name)}: {class_literal(each)}," for name, each in classes.items())
    encoded = "\n".join(encodings)
    return f"""// Written by reference/make-normalizer-tables.py from ftfy {ftfy.__version__} (Apache-2.0: NOTICE.md)
// and Python's codecs. Do not edit.

/** Characters that show up in mis-decoded text, by kind: each the inside of a class. */
export const CLASSES = {{
{lines}
}} as const;

/**
 * Encodings of one byte a character, in the order in which ftfy tries them, with their characters
 * for the bytes 0x80 to 0xFF. The bytes below are ASCII; but a sloppy one, which gives each
 * unassigned byte the character of its number, has U+FFFD at 0x1A.
 */
export const ENCODINGS: readonly {{
  readonly name: string;
  readonly sloppy: boolean;
  readonly upper: string;
}}[] = [
{encoded}
];

/** Ligatures and digraphs of Latin letters, with their letters. */
export const LIGATURES: ReadonlyMap<string, string> = new Map([{ligatures}]);
"""


def camel(name):
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def emoji_names():
    table = {emoji: data["en"][1:-1] for emoji, data in EMOJI_DATA.items()}
    # Selectors may be there or not: the longest form stands for all.
    fullest = {}
    for emoji, name in table.items():
        bare = emoji.replace(SELECTOR, "")
        assert table.get(bare) == name
        fullest[bare] = max(fullest.get(bare, ""), emoji, key=len)
    rows = []
    for bare, full in fullest.items():
        row = toned_row(full, table[bare])
        if row not in rows:
            rows.append(row)
    rows = [row for row in rows if expand(row).items() <= table.items()]
    expanded = {}
    for row in rows:
        expanded |= expand(row)
    rows += [f"{full} {table[bare]}" for bare, full in fullest.items() if bare not in expanded]
    expanded = {}
    for row in rows:
        made = expand(row)
        assert not expanded.keys() & made.keys(), row
        expanded |= made
    assert expanded == table
    joined = "\n".join(rows).replace("`", "\\`")
    return f"""// Written by reference/make-normalizer-tables.py from emoji {version("emoji")} (BSD-3-Clause: NOTICE.md;
// names of Unicode CLDR). Do not edit.

/**
 * Emoji and their names, a row each. A selector, U+FE0F, may be there or not. "A" is any skin tone,
 * the same one in a row; "B" any other skin tone; the names of both are put behind the emoji's.
 */
export const EMOJI_NAMES = `{joined}`;
"""


def toned_row(emoji, name):
    """The row of emoji-names.ts for `emoji` and its like in other skin tones."""
    tones = list(dict.fromkeys(c for c in emoji if c in TONES))
    suffix = "".join(f"_{TONES[tone]}_skin_tone" for tone in tones)
    if not tones or len(emoji) == 1 or not name.endswith(suffix):
        return f"{emoji} {name}"
    for letter, tone in zip("AB", tones):
        emoji = emoji.replace(tone, letter)
    return f"{emoji} {name.removesuffix(suffix)}"


def expand(row):
    """Emoji → name of all that a row of emoji-names.ts stands for."""
    template, name = row.split(" ")
    forms = {}
    for a in TONES if "A" in template else [""]:
        for b in (tone for tone in TONES if tone != a) if "B" in template else [""]:
            suffix = "".join(f"_{TONES[tone]}_skin_tone" for tone in (a, b) if tone)
            pieces = template.replace("A", a).replace("B", b).split(SELECTOR)
            for kept in itertools.product(["", SELECTOR], repeat=len(pieces) - 1):
                forms["".join(map("".join, zip(pieces, (*kept, ""))))] = name + suffix
    return forms


def unassigned():
    assert unicodedata.unidata_version == "14.0.0", "Python 3.11 is wanted"
    is_free = [unicodedata.category(chr(code)) == "Cn" for code in range(0x110000)]
    lengths = [len(list(run)) for _, run in itertools.groupby(is_free)]
    assert not is_free[0] and sum(lengths) == 0x110000
    lines = ["  '" + " ".join(f"{length:x}" for length in lengths[i : i + 40]) + " '" for i in range(0, len(lengths), 40)]
    joined = " +\n".join(lines)
    return f"""// Written by reference/make-normalizer-tables.py from Python {".".join(map(str, sys.version_info[:2]))} (Unicode {unicodedata.unidata_version}). Do not edit.

/**
 * Lengths of the runs of code points that have a character in Unicode 14 and of those that have
 * none, alternately, in hexadecimal.
 */
export const RUN_LENGTHS =
{joined};
"""


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("repository", type=Path)
repository = parser.parse_args().repository
for package, pinned in VERSIONS.items():
    assert version(package) == pinned, f"{package} {pinned} is wanted, {version(package)} is installed"
for path, table in {
    "packages/unidecode-ts/src/blocks.ts": unidecode_blocks(),
    "packages/bart/src/normalizer/mojibake-data.ts": mojibake_data(),
    "packages/bart/src/normalizer/emoji-names.ts": emoji_names(),
    "packages/bart/src/normalizer/unassigned.ts": unassigned(),
}.items():
    (repository / path).write_text(table, encoding="utf8")
    print(f"{path}: {len(table.encode()):,} bytes")
