"""Times Hugging Face's `tokenizers` for tokenizer.mjs. It reads a JSON request a line on stdin and
writes an answer a line on stdout."""

import json
import sys
import time

import tokenizers
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors


def bart(folder, lower_case, add_prefix_space):
    tokenizer = Tokenizer(models.BPE.from_file(f"{folder}/vocab.json", f"{folder}/merges.txt"))
    if lower_case:
        tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=add_prefix_space)
    ids = tokenizer.get_vocab()
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", ids["</s>"]), ("<s>", ids["<s>"]), add_prefix_space=add_prefix_space)
    tokenizer.add_special_tokens([token for token in ("<s>", "<pad>", "</s>", "<unk>", "<mask>") if token in ids])
    return tokenizer


def clip(folder):
    end = "<|endoftext|>"
    model = models.BPE.from_file(f"{folder}/vocab.json", f"{folder}/merges.txt", unk_token=end, end_of_word_suffix="</w>", continuing_subword_prefix="")
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    words = Regex(r"""'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+""")
    split = pre_tokenizers.Split(words, behavior="removed", invert=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    ids = tokenizer.get_vocab()
    start = "<|startoftext|>"
    tokenizer.post_processor = processors.RobertaProcessing((end, ids[end]), (start, ids[start]), add_prefix_space=False, trim_offsets=False)
    tokenizer.add_special_tokens([start, end])
    return tokenizer


for line in sys.stdin:
    request = json.loads(line)
    if "folder" in request:
        folder, texts = request["folder"], request["texts"]
        tokenizer = clip(folder) if request["clip"] else bart(folder, request["lowerCase"], request["addPrefixSpace"])
        encode = getattr(tokenizer, "encode_batch_fast", tokenizer.encode_batch)  # without offsets, where there is one
        answer = {"ids": [i for row in encode(texts) for i in row.ids]}
    elif "time" in request:
        begin = time.perf_counter()
        rows = encode(texts)
        answer = {"seconds": time.perf_counter() - begin}
        del rows
    else:
        answer = {"version": tokenizers.__version__}
    print(json.dumps(answer), flush=True)
