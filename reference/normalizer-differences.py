"""Random texts and what each step of the original's text normalizer makes of them, a JSON line each
on stdout, for normalizer-differences.mjs: python normalizer-differences.py --originals DIR
[--count 100000] [--seed 1] [--kinds a,b,…] [--exhaustive]. DIR holds a git clone dalle-mini/
(borisdayma/dalle-mini).

Environment: Python 3.11; Unidecode==1.4.0 ftfy==6.3.1 emoji==1.7.0, as for golden/normalizer.

The first line is {versions, words}: the frequency list that hashtags are split by. A line: {kind,
text, steps: {name: text after it, of the steps that changed it}, result, draws: what
random.random() gives for persons}. --exhaustive puts before them: each code point, each HTML entity
in several spellings, each emoji and each beginning of one; a line {kind, text, step, result} is one
step alone.

--golden FILE writes the texts to one JSON file instead, {versions, words, cases}, as
golden/normalizer/generated.json is; without those for which a person is drawn.
"""

import argparse
import html.entities
import importlib.util
import json
import random
import sys
import tempfile
import types
import unicodedata
import warnings
from importlib.metadata import version
from pathlib import Path

from emoji.unicode_codes import EMOJI_DATA
from ftfy import badness, chardata

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--originals", type=Path, required=True)
parser.add_argument("--count", type=int, default=100_000)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--kinds", help="only these, with commas between")
parser.add_argument("--exhaustive", action="store_true")
parser.add_argument("--golden", type=Path)
args = parser.parse_args()
warnings.simplefilter("ignore")
r = random.Random(args.seed)

WORDS = """the a photo painting of in on with and heart cats don't café naïve garçon élève à la où ça façade Ça crème brûlée œuvre cœur sœur déjà-vu
über Straße Grüße größer Äpfel Öl ñandú mañana ¿qué? ¡hola! corazón español São coração às àquela àquele àquilo não você ação Ångström smörgåsbord
København Ærø Þór íslenska þetta ðað łódź żółw źdźbło święto gęś Częstochowa příliš žluťoučký kůň Dvořák Šešelj čaj ćevapi đak Đorđe ő ű árvíztűrő
tükörfúrógép ștefan țară ţară România güneş İstanbul ığdır çağ Atatürk ģimene ķirsis ļaudis ņemt šūti žēl ąžuolas ėjo įlipti ųjų Ελλάδα καλημέρα
Κνωσός ώρα Ήλιος ϊ ΐ привет Москва Ёлка щука объект Київ їжак ґанок Ђорђе Љубљана Њ ћуприја Џ שלום עולם مرحبا العربية فارسی हिन्दी नमस्ते বাংলা தமிழ்
తెలుగు ไทย ภาษา ລາວ မြန်မာ ქართული հայերեն አማርኛ 北京 東京タワー 日本語 中文字符 こんにちは カタカナ ｶﾀｶﾅ 한국어 안녕 tiếng Việt Nguyễn Đà Nẵng ʻokina kāpā ʼn
“quoted” ‘so’ it’s don’t l’été … – — ― • · ° © ® ™ € £ ¥ ¢ § ¶ « » ‹ › ± × ÷ ¼ ½ ¾ ² ³ ¹ µ ª º ¬ ¦ ¨ ¯ ´ ¸ № ∞ ≠ ≤ √ ∑ 5€ 20° x² WALL·E ❤ ❤️ ☃ ★ ✔ → ♥ 😀 😂 👍🏽 🎉
👩‍👩‍👧‍👦 🇫🇷 𝕳𝖊𝖑𝖑𝖔 𠀀 Œuvre œ. ŒUVRE Ã Â â€ Å Ä à á â ã å æ ç Š š Ž ž Ÿ""".split()
ENCODINGS = """latin-1 cp1252 sloppy-windows-1252 sloppy-windows-1250 sloppy-windows-1251 sloppy-windows-1253 sloppy-windows-1254 sloppy-windows-1257
iso-8859-2 macroman cp437 sloppy-windows-1252 sloppy-windows-1251 sloppy-windows-1250 sloppy-windows-1253 sloppy-windows-1257 windows-1250 windows-1251
windows-1253 windows-1254 windows-1257 sloppy-windows-1256 sloppy-iso-8859-7 iso-8859-15 cp850 koi8-r""".split()
SPACES = [" "] * 12 + ["  ", "\t", "\u00a0", "\u3000", "\u2003", "\n", "\r\n", "\r", "\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\u200b", "\ufeff", "\u202f"]


def words(most=6):
    return [r.choice(WORDS) for _ in range(r.randrange(1, most + 1))]


def joined(parts):
    return "".join(part for word in parts for part in (word, r.choice(SPACES) if r.random() < 0.2 else " "))[:-1]


def decoded_wrongly(text):
    """`text` written as UTF-8 (or CESU-8) and read by a one-byte encoding, with what is lost on the way."""
    if r.random() < 0.05:
        text = "".join(c if c < "\U00010000" else surrogates(c) for c in text)
    raw = text.encode("utf-8", "surrogatepass")
    if r.random() < 0.05:
        raw = raw.replace(b"\x00", b"\xc0\x80")
    if r.random() < 0.1:
        raw = raw.replace(b"\xa0", b" ")
    if r.random() < 0.05 and len(raw) > 1:
        at = r.randrange(len(raw))
        raw = raw[:at] + raw[at + 1 :]
    read = raw.decode(r.choice(ENCODINGS), "replace")
    kind = r.random()
    if kind < 0.05:
        read = read.replace("\ufffd", "?")
    elif kind < 0.1:
        read = "".join(r.choice("?\ufffd") if c > "\x7f" and r.random() < 0.1 else c for c in read)
    elif kind < 0.15:
        read = read.replace("\u00a0", " ")
    elif kind < 0.18:
        read = " ".join(read.split())
    elif kind < 0.21:
        read = r.choice([str.upper, str.lower, str.title])(read)
    return read


def surrogates(character):
    code = ord(character) - 0x10000
    return chr(0xD800 + (code >> 10)) + chr(0xDC00 + (code & 0x3FF))


def once():
    return decoded_wrongly(joined(words()))


def twice():
    return decoded_wrongly(decoded_wrongly(joined(words(3))))


def thrice():
    return decoded_wrongly(decoded_wrongly(decoded_wrongly(joined(words(2)))))


def beside():
    """Sound words beside damaged ones, of one encoding or several."""
    return joined(decoded_wrongly(word) if r.random() < 0.4 else word for word in words(8))


A_GRAVE = "Ã |Ã|Ã\u00a0|Â\u00a0|Â |Â|â€|â€™|â€œ|â€\u009d|â€\ufffd|â€?|Ã?|Ã\ufffd|à |à|ã |Å |Î |Ð |Ù |ï¿½|ï»¿|ðŸ˜€|ðŸ |ã€|Ã©|Ã¨|Ã±|ÃƒÂ©|Ã‚Â|вЂ™|Р°|Г©|β€™|Γ©|ā€™|‚Äô|√©|ΓÇÖ|├⌐|×²|à²|Ø§Ù|Ù…|İ|Äą|Ă©|â‚¬|í\u00a0½í¸€|À\u0080|À\n|í\n"


def pieces():
    """Well-known forms of damage between words."""
    some = [r.choice(A_GRAVE.split("|")) if r.random() < 0.6 else r.choice(WORDS + ["s", "la", "quele", "quelas", "quilo ", "x", "1"]) for _ in range(r.randrange(1, 9))]
    return "".join(part + r.choice(["", "", "", " ", " ", "\u00a0", "\n"]) for part in some)


CLUES = "".join({c for each in [*badness.MOJIBAKE_CATEGORIES.values(), *chardata.UTF8_CLUES.values()] for c in each if c != "-"})
UPPER = [bytes(range(0x80, 0x100)).decode(encoding, "ignore") for encoding in ENCODINGS]


def clues():
    """Any of the characters that damage is told by, and others, side by side."""
    alphabet = r.choice([CLUES, CLUES, *UPPER])
    return "".join(r.choice("aZ ?.\n\ufffd\u00a0\x1a1_éя漢😀") if r.random() < 0.2 else r.choice(alphabet) for _ in range(r.randrange(1, 14)))


def garbled():
    """Random bytes that are nearly UTF-8, read by a one-byte encoding."""
    raw = b""
    for _ in range(r.randrange(1, 8)):
        lead = r.choice([r.randrange(0x80), r.randrange(0xC0, 0xE0), r.randrange(0xE0, 0xF0), r.randrange(0xF0, 0xF8), 0xED, 0xC0, 0xC2, 0xC3, 0xE2, 0xF0])
        length = 0 if lead < 0x80 else 1 if lead < 0xE0 else 2 if lead < 0xF0 else 3
        rest = [r.choice([r.randrange(0x80, 0xC0)] * 12 + [0x20, 0x3F, 0x1A, 0x0A, 0xA0, r.randrange(256)]) for _ in range(length)]
        raw += bytes([lead, *rest])
        if lead == 0xED and r.random() < 0.5:
            raw += bytes([0xED, r.randrange(0xB0, 0xC0), r.randrange(0x80, 0xC0)])
        if r.random() < 0.1:
            raw = raw[:-1]
    return raw.decode(r.choice(ENCODINGS), "replace") + r.choice(["", "", "", "\n", " x", "\n\n"])


ENTITIES = sorted(html.entities.html5)


def entities():
    parts = []
    for _ in range(r.randrange(1, 7)):
        kind = r.random()
        if kind < 0.5:
            name = r.choice(ENTITIES)
            name = r.choice([name, name, name.rstrip(";"), name.upper(), name.lower(), name.title(), name.rstrip(";") + r.choice(["x", "é", "=", ";;", " ;"])])
        elif kind < 0.9:
            number = r.choice([r.randrange(0x180), r.randrange(0x3000), r.randrange(0x120000), 0xFFFE, 0xFDD0, 0xD83D, 0x10FFFF])
            name = r.choice([f"#{number}", f"#x{number:x}", f"#X{number:X}", f"#0{number}", f"#{number}x", "#", "#x", f"# {number}", f"#{number}é"]) + r.choice([";", ";", ""])
        else:
            name = r.choice(["amp;lt;", "amp;amp;#39;", "amp;eacute;", "", ";", "a", "semi;", "SEMI;", "#59;", "num;#65;", "Atilde;&copy;", "ATILDE;&COPY;", "#195;&#169;"])
        parts += ["&", name, r.choice(["", " ", "a", "<", "\n", r.choice(WORDS)]) if r.random() < 0.5 else ""]
    return "".join(parts)


def signs():
    """What the lesser steps are for."""
    parts = []
    for _ in range(r.randrange(1, 8)):
        parts.append(
            r.choice(
                [
                    r.choice(WORDS),
                    "".join(chr(ord(c) + 0xFEE0) for c in r.choice(["Full", "wide!", "123", "~<&amp;>"])),
                    chr(r.randrange(0xFF00, 0xFFF0)),
                    r.choice(list(map(chr, chardata.LIGATURES))) * r.randrange(1, 3),
                    chr(r.choice([0x2BC, *range(0x2018, 0x2030), 0x301D, 0x275B])),
                    "\x1b[" + r.choice(["", "1", "31;1", ";", "٣", "?25", "-1"]) + r.choice(["m", "K", "é", ""]),
                    chr(r.choice([r.randrange(0x20), r.randrange(0x7F, 0xA1), r.randrange(0x2000, 0x2070), 0xFEFF, r.randrange(0xFFF0, 0x10000), r.randrange(0x1D173, 0x1D17B)])),
                    r.choice(["\ud83d\ude00", "\ud83d", "\ude00", "\ud83dx\ude00", "\ude00\ud83d", "\ud83d\ufeff\ude00", "\ud83d\x1b[m\ude00"]),
                    r.choice(["e\u0301", "A\u030a", "\u0301", "\u212b", "\u0958", "\u1112\u1161\u11ab", "q\u0323\u0307", "q\u0307\u0323", "\u0344", "\ufb1d", "\u2126"]),
                    r.choice(["\r", "\n", "\r\n", "\u2028", "\u2029", "\x85", "\x0c", "\x0b", "<", " ", "\t"]),
                ]
            )
        )
    return "".join(parts)


def character():
    planes = [(0x80, 0x250), (0x250, 0x3000), (0x3000, 0xD800), (0xE000, 0x10000), (0x10000, 0x20000), (0x20000, 0x110000)]
    return chr(r.randrange(*r.choice(planes)))


MARKS = [chr(code) for code in range(0x110000) if unicodedata.combining(chr(code))]
# Marks that came after Unicode 14, which Python 3.11 doesn't know, and what they could be composed with.
NEWER_MARKS = [chr(code) for code in [*range(0x1ACF, 0x1ADE), *range(0x1AE0, 0x1AEC), 0x0897, 0x10EFD, 0x11241, 0x16D67, 0x16D68, 0x1E4EC, 0x11F42]]


def marks():
    return "".join(r.choice([r.choice(MARKS), r.choice(NEWER_MARKS), "e", "\u0301", "\u0323", "é", "”", character()]) for _ in range(r.randrange(2, 8)))


def characters():
    return "".join(r.choice([character(), character(), " ", "a", "\u0301"]) for _ in range(r.randrange(1, 12)))


EMOJI = sorted(EMOJI_DATA)
EMOJI_PARTS = sorted({c for emoji in EMOJI for c in emoji if not c.isascii()}) + list("0123456789#*abc")


def emoji():
    parts = []
    for _ in range(r.randrange(1, 7)):
        one = r.choice(EMOJI)
        kind = r.random()
        if kind < 0.1:
            one = one[: r.randrange(len(one) + 1)]
        elif kind < 0.2:
            one = one.replace(r.choice("\ufe0f\u200d"), "", 1)
        elif kind < 0.3:
            at = r.randrange(len(one) + 1)
            one = one[:at] + r.choice("\ufe0f\ufe0e\u200d\u20e3🏻🏼🏽🏾🏿♂♀a") + one[at:]
        elif kind < 0.35:
            one = "".join(r.choice(EMOJI_PARTS) for _ in range(r.randrange(1, 5)))
        elif kind < 0.4:
            one = "".join(r.choice("🏻🏼🏽🏾🏿") if c in "🏻🏼🏽🏾🏿" else c for c in one)
        parts += [one, r.choice(["", "", " ", "a", "\u200d", "\ufe0f", "#", "1"])]
    return "".join(parts)


TAG_WORDS = """the of and in a is on at cat cats dog sun set hello world art 2 0 1 mountain sunset s 's 20 it city to he i be un known two for an t or
o'clock mountains été 3d x 2020 'll don't""".split()


def captions():
    """Words, numbers and signs that the steps after transliteration rewrite."""
    parts = []
    for _ in range(r.randrange(1, 14)):
        tag = "".join(r.choice([r.choice(TAG_WORDS), r.choice(TAG_WORDS).title(), r.choice("abcxyz019'_-.é")]) for _ in range(r.randrange(1, 6)))
        number = "".join(r.choice("0123456789") for _ in range(r.randrange(1, 8)))
        parts.append(
            r.choice(
                [
                    r.choice(TAG_WORDS),
                    r.choice(WORDS),
                    "#" + tag,
                    number,
                    f"{number},{r.randrange(1000):03}",
                    f"{number}{r.choice('./-:,')}{number}",
                    r.choice(["<person>", "<PERSON>", "<person>,and ", " and ", "and"]),
                    r.choice(["<b>", "</b>", "<", ">", "<<a>>", "< >", "<>", "<br/>"]),
                    f"[{number[:2]}]",
                    r.choice(["http://x.y/z", "https", "HTTP://a.b?c", "www.a.com", "a@b.c"]),
                    r.choice(["'s", "'t", "'d", "'m", "'ll", "'re", "'ve", "'x", "'", "''", '"', "`", "’s", "'S", "'s's"]),
                    r.choice("()[].,|:;?!=+~-/{}%&$*#_\\^@<>'\"` \n\t") * r.choice([1, 1, 1, 2, 3, 4, 5]),
                    r.choice("aeoz01I., ") * r.randrange(1, 7),
                    r.choice(["xtokx", "dot", "xtokxdotxtokx", "quote", "slash"]),
                    r.choice("abc") + r.choice(".-/,'_") + r.choice("abc"),
                ]
            )
        )
        parts.append(r.choice(["", "", " ", " ", "  ", "\n", ", "]))
    return "".join(parts)


def mixed():
    return r.choice(["", " ", "\n"]).join(r.choice(MAKERS)() for _ in range(r.randrange(2, 4)))


MAKERS = [once, twice, thrice, beside, pieces, clues, garbled, entities, signs, characters, marks, emoji, captions]
KINDS = {maker.__name__: maker for maker in [*MAKERS, once, once, twice, twice, beside, beside, mixed]}
chosen = [KINDS[kind] for kind in args.kinds.split(",")] if args.kinds else [*MAKERS, once, once, twice, twice, beside, beside, mixed]


def frequency_list():
    """Short words in any order, so that hashtags have many splits, some of which cost the same."""
    made = {"".join(r.choice("abcxyz019'stel") for _ in range(r.randrange(1, 5))) for _ in range(3000)}
    listed = TAG_WORDS + sorted(made.difference(TAG_WORDS))
    r.shuffle(listed)
    return listed


def original(words):
    """The module dalle_mini.model.text, whose word list is `words`."""
    file = tempfile.NamedTemporaryFile("w", encoding="utf8")
    file.write("".join(f"{word} 1\n" for word in words))
    file.flush()
    hub = types.ModuleType("huggingface_hub")
    hub.hf_hub_download = lambda *_, **__: file.name
    sys.modules["huggingface_hub"] = hub
    spec = importlib.util.spec_from_file_location("text", args.originals / "dalle-mini/src/dalle_mini/model/text.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module, module.TextNormalizer()


# The calls of TextNormalizer.__call__, in its order.
STEPS = """fix_text fix_html demojize unidecode lower replace_person_token remove_wiki_ref remove_html_tags remove_urls remove_comma_numbers
pre_process_dot_numbers pre_process_quotes pre_process_dates handle_special_chars expand_hashtags ignore_chars simplify_quotes
replace_punctuation_with_commas post_process_dot_numbers post_process_quotes post_process_dates remove_repeating_chars merge_quotes merge_commas
remove_extra_spaces remove_first_last_commas""".split()


def write(line):
    sys.stdout.write(json.dumps(line) + "\n")


words_for_tags = frequency_list()
text_py, normalizer = original(words_for_tags)
OTHERWISE = {
    "fix_text": text_py.ftfy.fix_text,
    "demojize": text_py.emoji.demojize,
    "unidecode": text_py.unidecode,
    "lower": str.lower,
    "expand_hashtags": lambda t: text_py.expand_hashtags(t, normalizer._hashtag_processor),
}
calls = {name: OTHERWISE.get(name) or getattr(text_py, name) for name in STEPS}
versions = {name: version(name) for name in ["ftfy", "emoji", "Unidecode"]} | {"python": sys.version.split()[0], "unicode": unicodedata.unidata_version}
head = {"versions": versions, "words": words_for_tags}
if not args.golden:
    write(head)


def alone(kind, step, text):
    write({"kind": kind, "text": text, "step": step, "result": calls[step](text)})


if args.exhaustive:
    for code in range(0x110000):
        one = chr(code)
        alone("each code point", "unidecode", one)
        alone("each code point", "fix_text", one)
        alone("each code point", "demojize", one)
    for name in ENTITIES:
        bare = name.rstrip(";")
        for form in {name, bare, bare + "x", bare + "é", bare + "=1", bare.upper() + ";", bare.lower() + ";", bare.title() + ";", bare[:-1], bare[:-1] + ";"}:
            alone("each entity", "fix_html", f"a&{form}b")
            alone("each entity", "fix_text", f"a&{form}b")
    for number in [*range(0x300), *range(0xD7F0, 0xD810), *range(0xFDC0, 0xFE00), *range(0xFFF0, 0x10010), *range(0x10FFF0, 0x110010), 10**20]:
        for form in [f"&#{number};", f"&#x{number:x};", f"&#{number}", f"&#X{number:X}x"]:
            alone("each number", "fix_html", form)
            alone("each number", "fix_text", form)
    for one in EMOJI:
        for end in range(len(one) + 1):
            alone("each emoji", "demojize", one[:end])
            alone("each emoji", "demojize", one[:end] + "\u200da")

cases = []
for i in range(args.count):
    maker = chosen[i % len(chosen)]
    text = maker()
    random.seed(i)
    draws = [random.random() for _ in range(24)]
    random.seed(i)
    changed = {}
    t = text
    for name, call in calls.items():
        after = call(t)
        if after != t:
            changed[name] = after
        t = after
    drawn = random.random() != draws[0]
    line = {"text": text, "steps": changed, "result": f" {t}"}
    if not args.golden:
        write({"kind": maker.__name__} | line | ({"draws": draws} if drawn else {}))
    elif not drawn:
        cases.append({"group": maker.__name__} | line)
if args.golden:
    cases.sort(key=lambda case: case["group"])
    rows = ",\n".join(map(json.dumps, cases))
    args.golden.write_text(json.dumps(head)[:-1] + f', "cases": [\n{rows}\n]}}\n', encoding="utf8")
