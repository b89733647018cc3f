"""Random vocabularies with added tokens, random texts, and the ids that `tokenizers` gives them, for added-token-differences.mjs and the tests
of BART's and CLIP's tokenizers: python added-token-differences.py OUT [--tokenizers 200] [--texts 100] [--seed 1].
tokenizers 0.23; 0.13.3 does not cut added tokens that the model's own vocabulary has.

A JSON line a vocabulary: kind (bart, clip), files (tokenizer.json; every third as vocab.json, merges.txt and the added tokens of
tokenizer_config.json), texts with ids, and of BART the decoded ids.
"""

import argparse
import json
import random

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

parser = argparse.ArgumentParser()
parser.add_argument("out")
parser.add_argument("--tokenizers", type=int, default=200)
parser.add_argument("--texts", type=int, default=100)
parser.add_argument("--seed", type=int, default=1)
args = parser.parse_args()
r = random.Random(args.seed)
PIECES = ["a", "b", "ab", "abc", "cat", "Cat", "CAT", "dog", "é", "É", "e\u0301", "ß", "ä", "日本", "😀", "_", "-", "1", "12", "<x>", "<X>", "[sks]", "'s", ".", ")", "Ġ", "x</w>", "ÃĢ"]
SPACES = [" ", "  ", "\t", "\n", "\u00a0", "\u3000", "\u0085"]
CORPUS = ["a cat and a dog", "abc abab cab", "the cats' 12 dogs, a cat-dog", "日本 é ß"] * 3
SPECIALS = {"bart": ["<s>", "<pad>", "</s>", "<unk>", "<mask>"], "clip": ["<|startoftext|>", "<|endoftext|>"]}


def content():
    parts = [r.choice(PIECES) for _ in range(r.choice([1, 1, 2, 3]))]
    if r.random() < 0.2:
        parts.insert(r.randrange(len(parts) + 1), r.choice(SPACES))
    return "".join(parts)


def tokenizer(kind):
    end = "</w>" if kind == "clip" else ""
    model = models.BPE(unk_token="<|endoftext|>", end_of_word_suffix="</w>") if kind == "clip" else models.BPE()
    made = Tokenizer(model)
    if kind == "clip":
        made.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
        word = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
        made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(word), "removed", True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    else:
        made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    options = {"end_of_word_suffix": end} if end else {}
    trainer = trainers.BpeTrainer(vocab_size=600 if end else 300, initial_alphabet=alphabet, special_tokens=SPECIALS[kind], show_progress=False, **options)
    made.train_from_iterator(CORPUS, trainer)
    root = json.loads(made.to_str())
    if end:  # every byte at a word's end, as CLIP's vocabulary has
        vocab = root["model"]["vocab"]
        for symbol in alphabet:
            vocab.setdefault(symbol + end, len(vocab))
    made = Tokenizer.from_str(json.dumps(root))
    for _ in range(r.randrange(1, 9)):
        flag = lambda chance=0.3: r.random() < chance
        token = AddedToken(content(), single_word=flag(), lstrip=flag(), rstrip=flag(), normalized=flag(0.5))
        (made.add_special_tokens if flag() else made.add_tokens)([token])
    return made


def text(added):
    parts = []
    for _ in range(r.randrange(1, 9)):
        kind = r.random()
        word = r.choice(added) if kind < 0.5 else r.choice(PIECES) if kind < 0.75 else r.choice(SPACES)
        parts.append(r.choice([word, word, word, word.upper(), word.lower()]))
    return "".join(parts)


with open(args.out, "w") as out:
    for i in range(args.tokenizers):
        kind = "bart" if i % 2 == 0 else "clip"
        made = tokenizer(kind)
        root = json.loads(made.to_str())
        files = {"tokenizerJson": json.dumps(root)}
        if i % 3 == 2:
            pairs = [merge if isinstance(merge, str) else " ".join(merge) for merge in root["model"]["merges"]]
            decoder = {str(token["id"]): {key: value for key, value in token.items() if key != "id"} for token in root["added_tokens"]}
            files = {
                "vocab": json.dumps(root["model"]["vocab"]),
                "merges": "#version: 0.2\n" + "\n".join(pairs),
                "tokenizerConfig": json.dumps({"added_tokens_decoder": decoder}),
            }
        added = [token["content"] for token in root["added_tokens"]]
        texts = [text(added) for _ in range(args.texts)]
        cases = []
        for one in texts:
            ids = made.encode(one).ids
            # tokenizers 0.23 decodes an added token of CLIP in its normalized form, earlier ones as it was added, as Easel does.
            decoded = {"decoded": made.decode(ids, skip_special_tokens=True)} if kind == "bart" else {}
            cases.append({"text": one, "ids": ids, **decoded})
        out.write(json.dumps({"kind": kind, "files": files, "cases": cases}) + "\n")
