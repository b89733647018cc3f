"""Writes the Flax file of odd dtypes and keys that packages/core/src/checkpoint/flax-dtypes.test.ts reads: python make-flax-dtypes.py OUT.
flax 0.6.11, ml_dtypes 0.5.4.

flax_dtypes.msgpack: every bit pattern of each dtype of a byte, other dtypes, keys that are numbers, a list, what is no number; beside it a
.json of what flax.serialization.msgpack_restore finds: name -> dtype, shape, bits as float32.
"""

import json
import sys

import ml_dtypes
import msgpack
import numpy as np
from flax import serialization

OUT = sys.argv[1]
FLOATS = "float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz float8_e8m0fnu float8_e3m4 float8_e4m3 float8_e4m3b11fnuz".split()
SMALL = {"float4_e2m1fn": 4, "float6_e2m3fn": 6, "float6_e3m2fn": 6, "int2": 2, "int4": 4, "uint2": 2, "uint4": 4}


def tree():
    leaves = {name: np.arange(256, dtype=np.uint8).view(getattr(ml_dtypes, name)).reshape(4, 64) for name in FLOATS}
    for name, bits in SMALL.items():
        leaves[name] = np.arange(2**bits, dtype=np.uint8).view(getattr(ml_dtypes, name))
    leaves["bfloat16"] = np.array([[1.5, -2.25, 3e38]], ml_dtypes.bfloat16)
    leaves["scalar"] = ml_dtypes.float8_e5m2(0.25)
    return {
        "dtypes": leaves,
        "layers": {i: {"kernel": np.full((2, 3), i, np.float32)} for i in [0, 1, 2, 127, 128, 70_000, -1]},
        "numbers": {7: np.arange(3, dtype=np.int16)},
        "list": [np.zeros(1, np.float32), [np.ones(2, np.float32), "text"]],
        "opt": {"pair": [np.float32(1.5), np.int32(-3)]},
        "text_array": np.array(["ab", "c"]),
        "date": np.array([5], "datetime64[s]"),
        "raw": b"\x00\x01\x02",
        "last": np.array([True, False]),
    }


def flatten(node, path=()):
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, (list, tuple)) else None
    if items is None:
        yield ".".join(map(str, path)), node
    else:
        for key, value in items:
            yield from flatten(value, (*path, key))


def known(name):
    try:
        return np.dtype(name)
    except TypeError:
        return np.dtype(getattr(ml_dtypes, name))


def restored(code, data):
    """As flax's own, whose np.dtype() does not know each name of ml_dtypes."""
    if code not in (1, 3):
        raise ValueError(code)
    shape, name, buffer = msgpack.unpackb(data, raw=False)
    if name.startswith("str"):
        return buffer  # NumPy knows no dtype of the name that it gives itself
    return np.frombuffer(buffer, known(name)).reshape(shape)


data = serialization.msgpack_serialize(tree())
with open(f"{OUT}/flax_dtypes.msgpack", "wb") as file:
    file.write(data)
found = {"tensors": {}, "leftOut": []}
for path, leaf in flatten(msgpack.unpackb(data, ext_hook=restored, raw=False, strict_map_key=False)):
    if isinstance(leaf, bytes) or getattr(leaf, "dtype", np.dtype(bool)).kind in "UM":
        found["leftOut"].append(path)
    elif not isinstance(leaf, str):
        bits = np.asarray(leaf).astype(np.float32).view(np.int32).flatten().tolist()
        found["tensors"][path] = {"dtype": leaf.dtype.name, "shape": list(np.shape(leaf)), "bits": bits}
with open(f"{OUT}/flax_dtypes.json", "w") as file:
    json.dump(found, file)
    file.write("\n")
