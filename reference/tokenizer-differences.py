"""Random texts and what transformers' fast tokenizers make of them, a JSON line each on stdout, for tokenizer-differences.mjs:
python tokenizer-differences.py FOLDER [--clip] [--count 100000] [--seed 1]. transformers 4.25.1, tokenizers 0.13.3 as the original.

FOLDER: vocab.json and merges.txt (of BART, or with --clip of CLIP). A line: text, ids with start and end; of every tenth text, ids in random order
and their decoded text.
"""

import argparse
import json
import random
import sys

from transformers import BartTokenizerFast, CLIPTokenizerFast

parser = argparse.ArgumentParser()
parser.add_argument("folder")
parser.add_argument("--clip", action="store_true")
parser.add_argument("--count", type=int, default=100_000)
parser.add_argument("--seed", type=int, default=1)
args = parser.parse_args()
tokenizer = (CLIPTokenizerFast if args.clip else BartTokenizerFast).from_pretrained(args.folder)
r = random.Random(args.seed)

WORDS = """a the of in on red blue green cat dogs heart hearts' DALL·E painting photo don't we'll you're they've I'm it's he'd 'tis rock'n'roll
Straße naïve café Ελλάδα ΣΊΣΥΦΟΣ привет мир 日本語 中文字符 한국어 العربية עברית हिन्दी ไทย İstanbul ﬁne Ǆ ẞ Ω Å 3.14 1,000 ²½ Ⅷ ٣ #hashtag @you
e.g. U.S.A. -- … “quoted” ‘so’ `code` x=y+z; http://a.b/c?d=e&f=g a_b A/B 50% $5 €7 №9 ♥ ❤️ 👩‍👩‍👧‍👦 👍🏽 🇩🇪 🏴󠁧󠁢󠁥󠁮󠁧󠁿 ☃""".split()
SPACES = [" ", " ", " ", "  ", "   ", "\t", "\n", "\r\n", "\n\n ", "\u00a0", "\u2003", "\u3000", "\u0085", "\u1680", "\u2028", "\u200b", "\ufeff", "\x0b", "\x0c", "\x1c", "\x1f", "\u180e"]
SPECIALS = ["<s>", "</s>", "<pad>", "<unk>", "<mask>", "<S>", "<|startoftext|>", "<|endoftext|>", "<|ENDOFTEXT|>", "</w>", "< s>", "<mask"]
SUFFIXES = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'LL", "’s", "'", "''", "!!", "?!", "...", ".", ",", ":)", "\u0301", "\u0308", "\u200d", "\ufe0f"]


def character():
    kind = r.random()
    if kind < 0.3:
        return chr(r.randrange(0x80))
    if kind < 0.5:
        return chr(r.randrange(0x80, 0x800))
    if kind < 0.8:
        return chr(r.choice([r.randrange(0x800, 0xD800), r.randrange(0xE000, 0x10000)]))
    if kind < 0.9:
        return chr(r.randrange(0x1F000, 0x20000))
    return chr(r.randrange(0x10000, 0x110000))


def text():
    parts = []
    for _ in range(r.choice([0, 1, 1, 2, 3, 5, 8, 13, 30])):
        kind = r.random()
        if kind < 0.4:
            word = r.choice(WORDS)
            parts.append(r.choice([word, word.upper(), word.lower(), word.title()]))
        elif kind < 0.6:
            parts.append(r.choice(SPACES) * r.choice([1, 1, 1, 2, 3]))
        elif kind < 0.7:
            parts.append(r.choice(SUFFIXES))
        elif kind < 0.76:
            parts.append(r.choice(SPECIALS))
        elif kind < 0.82:
            parts.append(str(r.randrange(10 ** r.randrange(1, 9))))
        elif kind < 0.86:
            parts.append(r.choice("abAB1. '-_é漢") * r.randrange(1, 40))
        else:
            parts.append("".join(character() for _ in range(r.randrange(1, 6))))
    return "".join(parts)


texts = [text() for _ in range(args.count)]
for begin in range(0, len(texts), 1000):
    batch = texts[begin : begin + 1000]
    for i, (one, ids) in enumerate(zip(batch, tokenizer(batch).input_ids)):
        line = {"text": one, "ids": ids}
        if i % 10 == 0:
            some = r.sample(ids, r.randrange(len(ids) + 1)) + [r.randrange(len(tokenizer)) for _ in range(r.randrange(8))]
            decoded = tokenizer.decode(some, skip_special_tokens=True, clean_up_tokenization_spaces=False)
            line |= {"some": some, "decoded": decoded}
        sys.stdout.write(json.dumps(line) + "\n")
