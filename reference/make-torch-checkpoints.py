"""Writes the PyTorch files that the tests of packages/core/src/checkpoint/torch.ts read. python make-torch-checkpoints.py OUT, PyTorch 2.6.

Good ones beside a .json of what torch.load finds in them (name -> dtype, shape, numbers); hostile ones that no reader may obey.
"""

import argparse
import io
import json
import os
import pickle
import struct
import sys
import zipfile
from collections import OrderedDict

import torch

FILES = os.path.join(sys.argv[1], "") if len(sys.argv) > 1 else "golden/"


def flatten(tree, name=""):
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in items:
        if not isinstance(key, (str, int)):
            continue
        path = f"{name}.{key}" if name else str(key)
        if isinstance(value, torch.Tensor):
            yield path, value
        elif type(value) in (dict, OrderedDict, list, tuple):
            yield from flatten(value, path)


def save(name, tree, **options):
    torch.save(tree, f"{FILES}{name}", **options)
    found = {
        path: {
            "dtype": str(tensor.dtype).removeprefix("torch."),
            "shape": list(tensor.shape),
            "values": tensor.to(torch.float64).flatten().tolist(),
        }
        for path, tensor in flatten(tree)
    }
    with open(f"{FILES}{os.path.splitext(name)[0]}.json", "w") as file:
        json.dump(found, file)
        file.write("\n")


def state_dict():
    count = torch.arange(24, dtype=torch.float32)
    shared = torch.arange(30, dtype=torch.float32) / 7
    return OrderedDict(
        [
            ("plain", count.reshape(2, 3, 4)),
            ("transposed", count.reshape(4, 6).T),
            ("permuted", count.reshape(2, 3, 4).permute(2, 0, 1)),
            ("every_other", count[1::2]),
            ("column", count.reshape(6, 4)[:, 2]),
            ("half", (count[:6] / 3).half().reshape(3, 2)),
            ("bfloat16", (count[:6] / 3).bfloat16().reshape(2, 3).T),
            ("double", torch.tensor([1 / 3, 1e300], dtype=torch.float64)),
            ("int64", torch.tensor([-5, 2**40])),
            ("int16", torch.tensor([[-5], [300]], dtype=torch.int16)),
            ("uint8", torch.arange(6, dtype=torch.uint8).reshape(2, 3).T),
            ("bool", torch.tensor([True, False, True])),
            ("float8", torch.tensor([0.5, -448.0]).to(torch.float8_e4m3fn)),
            ("scalar", torch.tensor(2.5)),
            ("empty", torch.zeros(0, 3)),
            ("shared.head", shared[:10].reshape(5, 2)),
            ("shared.tail", shared[12:]),
            ("parameter", torch.nn.Parameter(count[:3].clone())),
        ]
    )


class Settings(dict):
    """Stands for the configuration objects that Lightning keeps: a class that no reader knows, with a tensor inside."""

    def __init__(self):
        super().__init__(base_lr=4.5e-6, inner=torch.ones(2))
        self.attribute = "kept nowhere"


def lightning():
    model = torch.nn.Sequential(OrderedDict(conv=torch.nn.Conv2d(2, 3, 2), norm=torch.nn.GroupNorm(1, 3)))
    with torch.no_grad():
        for i, weight in enumerate(model.parameters()):
            weight.copy_(torch.arange(weight.numel()).reshape(weight.shape) / 8 + i)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, betas=(0.5, 0.9))
    model(torch.ones(1, 2, 3, 3)).sum().backward()
    optimizer.step()
    return {
        "epoch": 7,
        "global_step": 1234,
        "pytorch-lightning_version": "1.0.8",
        "callbacks": {type(model): {"best": torch.tensor(0.25), "path": "x"}},
        "state_dict": model.state_dict(),
        "optimizer_states": [optimizer.state_dict()],
        "hyper_parameters": Settings(),
    }


class Command:
    """A pickle that runs a command when Python loads it."""

    def __reduce__(self):
        return os.system, ("touch /tmp/easel-was-here",)


def repacked(source, name, change):
    """A copy of an archive, its files changed by change(name, bytes) -> bytes or None."""
    with zipfile.ZipFile(f"{FILES}{source}") as old, zipfile.ZipFile(f"{FILES}{name}", "w") as new:
        for info in old.infolist():
            content = change(info.filename, old.read(info))
            if content is not None:
                new.writestr(info.filename, content)


def hostile():
    torch.save({"weight": torch.ones(2), "gift": Command()}, f"{FILES}hostile_command.pt")
    torch.save(Command(), f"{FILES}hostile_only_command.pt")
    small = {"w": torch.arange(4.0)}
    buffer = io.BytesIO()
    torch.save(small, buffer)
    with open(f"{FILES}small.pt", "wb") as file:
        file.write(buffer.getvalue())
    pickled = lambda change: lambda name, content: change(content) if name.endswith("data.pkl") else content
    # In the pickle of `small`: the storage's count K\x04, then QK\x00 (offset) K\x04\x85 (sizes) K\x01\x85 (strides).
    repacked("small.pt", "hostile_offset.pt", pickled(lambda p: p.replace(b"QK\x00K\x04\x85", b"QK\x01K\x04\x85")))
    huge = b"J" + struct.pack("<i", 2**31 - 1)
    repacked("small.pt", "hostile_size.pt", pickled(lambda p: p.replace(b"K\x04\x85", huge + b"\x85")))
    repacked("small.pt", "hostile_stride.pt", pickled(lambda p: p.replace(b"K\x04\x85q\x08K\x01", b"K\x04\x85q\x08K\x02")))
    repacked("small.pt", "hostile_expanded.pt", pickled(lambda p: p.replace(b"K\x04\x85q\x08K\x01", huge + b"\x85q\x08K\x00")))
    repacked("small.pt", "hostile_count.pt", pickled(lambda p: p.replace(b"K\x04tq", b"K\x05tq")))
    repacked("small.pt", "hostile_missing.pt", lambda name, content: None if name.endswith("data/0") else content)
    repacked("small.pt", "hostile_byte_order.pt", lambda name, content: b"middle" if name.endswith("byteorder") else content)
    # Thirty dicts, each holding the next twice: 2^30 names for one tensor.
    tree = {"w": torch.ones(1)}
    for _ in range(30):
        tree = {"a": tree, "b": tree}
    torch.save(tree, f"{FILES}hostile_shared.pt")
    loop = {"w": torch.ones(1)}
    loop["self"] = loop
    torch.save(loop, f"{FILES}hostile_loop.pt")
    with zipfile.ZipFile(f"{FILES}packed.pt", "w", zipfile.ZIP_DEFLATED) as new, zipfile.ZipFile(f"{FILES}small.pt") as old:
        for info in old.infolist():
            new.writestr(info.filename, old.read(info))
    with zipfile.ZipFile(f"{FILES}zip64.pt", "w") as new, zipfile.ZipFile(f"{FILES}small.pt") as old:
        for info in old.infolist():
            with new.open(zipfile.ZipInfo(info.filename), "w", force_zip64=True) as file:
                file.write(old.read(info))
    with open(f"{FILES}pickle_alone.pt", "wb") as file:
        pickle.dump({"w": 1}, file, protocol=2)


if __name__ == "__main__":
    os.makedirs(FILES, exist_ok=True)
    save("state_dict.pt", state_dict())
    save("protocol4.pt", state_dict(), pickle_protocol=4)
    save("lightning.ckpt", lightning())
    save("legacy.pt", state_dict(), _use_new_zipfile_serialization=False)
    hostile()
