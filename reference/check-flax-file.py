"""Checks a flax_model.msgpack that Easel wrote with Flax itself: python check-flax-file.py WRITTEN [ORIGINAL] [--chunk-bytes N]; needs flax, jax.

Flax restores the tree and writes it again; the bytes must be Easel's. With ORIGINAL, the tree that the original program wrote: names, dtypes,
shapes and every number must be equal. --chunk-bytes sets the size from which Flax cuts arrays, for a file that was written with another.
"""

import argparse

import flax
import jax
import numpy as np
from flax import serialization, traverse_util

parser = argparse.ArgumentParser()
parser.add_argument("written")
parser.add_argument("original", nargs="?")
parser.add_argument("--chunk-bytes", type=int)
args = parser.parse_args()
if args.chunk_bytes is not None:
    serialization.MAX_CHUNK_SIZE = args.chunk_bytes


def restore(path):
    with open(path, "rb") as file:
        content = file.read()
    return content, traverse_util.flatten_dict(serialization.msgpack_restore(content), sep=".")


content, tree = restore(args.written)
again = serialization.to_bytes(traverse_util.unflatten_dict(tree, sep="."))
assert again == content, f"Flax writes {len(again)} other bytes than the {len(content)} of {args.written}"
zeros = jax.tree_util.tree_map(np.zeros_like, traverse_util.unflatten_dict(tree, sep="."))
loaded = traverse_util.flatten_dict(serialization.from_bytes(zeros, content), sep=".")
assert all(np.array_equal(loaded[name], tree[name]) for name in tree)
print(f"flax {flax.__version__}, jax {jax.__version__}: {args.written}: {len(tree)} tensors, {len(content)} bytes, written again the same")
if args.original:
    _, expected = restore(args.original)
    assert tree.keys() == expected.keys(), sorted(tree.keys() ^ expected.keys())
    for name, array in expected.items():
        assert tree[name].dtype == array.dtype and tree[name].shape == array.shape, name
        assert tree[name].tobytes() == array.tobytes(), name
    print(f"{len(expected)} tensors equal to those of {args.original}")
