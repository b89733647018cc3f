"""Writes the PyTorch files of views and of tensors that are none, which packages/core/src/checkpoint/torch-views.test.ts reads:
python make-torch-views.py OUT [--random COUNT]. PyTorch 2.15.

views.pt (zip), views_legacy.pt, views_big.pt (high byte first): each beside a .json of what torch.load finds (name -> dtype, shape,
numbers as float32 bits) and which names no reader of plain numbers can have. --random: only random.pt and random_legacy.pt, COUNT
tensors of random dtype, view, sign and storage.
"""

import argparse
import json
import os
import random
import sys
import warnings
import zipfile

import torch

warnings.filterwarnings("ignore")
parser = argparse.ArgumentParser()
parser.add_argument("out")
parser.add_argument("--random", type=int)
args = parser.parse_args()
FLOATS = [torch.float32, torch.float16, torch.bfloat16, torch.float64]
SMALL = [torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz, torch.float8_e5m2fnuz, torch.float8_e8m0fnu]
INTEGERS = [torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8]
WIDE = [torch.uint16, torch.uint32, torch.uint64]


class Marked(torch.Tensor):
    """A tensor of somebody's class."""


Marked.__module__, Marked.__qualname__ = "somebody", "Marked"
sys.modules["somebody"] = type(sys)("somebody")
sys.modules["somebody"].Marked = Marked
torch.serialization.add_safe_globals([Marked])


def bits(tensor):
    """Of the numbers in float32, in C order; what float64 and integers lose is rounded to nearest."""
    plain = tensor.detach().as_subclass(torch.Tensor).resolve_neg().clone(memory_format=torch.contiguous_format)
    return plain.to(torch.float32).view(torch.int32).flatten().tolist()


def readable(value):
    return isinstance(value, torch.Tensor) and value.layout == torch.strided and value.device.type == "cpu" and not (
        value.is_quantized or value.is_complex() or value.is_nested or value.numel() > 2**26
    )


def record(name, tree):
    loaded = torch.load(f"{args.out}/{name}.pt", weights_only=False)
    tensors = {
        key: {"dtype": str(value.dtype).removeprefix("torch."), "shape": list(value.shape), "bits": bits(value)}
        for key, value in loaded.items()
        if readable(value)
    }
    others = [key for key, value in loaded.items() if isinstance(value, torch.Tensor) and not readable(value)]
    with open(f"{args.out}/{name}.json", "w") as file:
        json.dump({"tensors": tensors, "others": others}, file)
        file.write("\n")


def save(name, tree):
    torch.save(tree, f"{args.out}/{name}.pt")
    record(name, tree)
    # PyTorch itself cannot load the old form of dtypes that have no class of storages, nor of nested tensors.
    tree = {key: value for key, value in tree.items() if value.dtype not in [*SMALL, *WIDE, torch.complex32] and not value.is_nested}
    torch.save(tree, f"{args.out}/{name}_legacy.pt", _use_new_zipfile_serialization=False)
    record(f"{name}_legacy", tree)


def big_endian(source, name, widths):
    """The archive as a machine with the high byte first writes it: `widths` of the storages' elements, by number."""
    with zipfile.ZipFile(f"{args.out}/{source}.pt") as old, zipfile.ZipFile(f"{args.out}/{name}.pt", "w") as new:
        for info in old.infolist():
            content = old.read(info)
            folder, _, rest = info.filename.partition("/")
            if rest == "byteorder":
                content = b"big"
            elif rest.startswith("data/"):
                width = widths[int(rest[5:])]
                content = b"".join(content[i : i + width][::-1] for i in range(0, len(content), width))
            new.writestr(info.filename, content)


def views():
    count = torch.arange(12, dtype=torch.float32) - 3
    pairs = torch.view_as_complex((count / 4).reshape(6, 2))
    real = lambda: torch.view_as_complex((count / 4).reshape(6, 2).clone()).conj()  # one storage has one dtype in a file
    tree = {
        "neg": torch._neg_view(count.reshape(3, 4)),
        "neg_transposed": torch._neg_view(count.reshape(3, 4).T),
        "neg_twice": torch._neg_view(torch._neg_view(count[:5])),
        "conj_imag": real().imag,
        "conj_real": real().real,
        "complex": pairs,
        "complex_conj": pairs.conj(),
        "complex128_imag": torch.view_as_complex(count.double().reshape(2, 3, 2)).conj().imag,
        "complex32": torch.zeros(2, dtype=torch.complex32),
        "half_neg": torch._neg_view(count[2:9].half()),
        "bfloat16_neg": torch._neg_view(count[2:9].bfloat16()),
        "int8_neg": torch._neg_view(torch.tensor([-128, -1, 0, 127], dtype=torch.int8)),
        "uint8_neg": torch._neg_view(torch.tensor([0, 1, 255], dtype=torch.uint8)),
        "int64_neg": torch._neg_view(torch.tensor([-(2**40), 3, -(2**63)])),
        "expanded": torch.tensor([[1.5], [2.5]]).expand(2, 7),
        "expanded_scalar": torch.tensor(3, dtype=torch.int64).expand(2, 3, 5),
        "expanded_neg": torch._neg_view(torch.tensor([1.0, 0.0])).expand(3, 2),
        "windows": count.unfold(0, 5, 2),
        "overlap": count.as_strided((4, 3, 2), (2, 1, 1), 1),
        "huge": torch.zeros(1).expand(2**27),
        "parameter": torch.nn.Parameter(count[:2].clone()),
        "parameter_int": torch.nn.Parameter(torch.arange(3), requires_grad=False),
        "buffer": torch.nn.Buffer(count[:3].clone()),
        "somebodys": count[:4].clone().as_subclass(Marked),
        "bool": torch.tensor([[True, False, True]]),
        "sparse": torch.eye(3).to_sparse(),
        "csr": torch.eye(3).to_sparse_csr(),
        "quantized": torch.quantize_per_tensor(count, 0.5, 3, torch.quint8),
        "quantized_channels": torch.quantize_per_channel(count.reshape(2, 6), torch.tensor([0.5, 0.25]), torch.tensor([0, 1]), 0, torch.qint8),
        "nested": torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]),
        "meta": torch.empty(3, 2, device="meta"),
        "no_elements": torch.zeros(0, 3).expand(0, 3),
        "last": count,
    }
    for dtype in SMALL:
        name = str(dtype).removeprefix("torch.")
        tree[name] = torch.arange(256, dtype=torch.uint8).view(dtype)
    for dtype in WIDE:
        tree[str(dtype).removeprefix("torch.")] = torch.tensor([[0, 1], [2**15, 65535]], dtype=dtype).T
    return tree


def one(r):
    dtype = r.choice(FLOATS + FLOATS + SMALL + INTEGERS + WIDE + [torch.bool])
    shape = [r.randrange(0 if r.random() < 0.05 else 1, 6) for _ in range(r.randrange(5))]
    size = 1
    for dim in shape:
        size *= dim
    width = torch.empty(0, dtype=dtype).element_size()
    # Any bits, but for float NaNs, whose payload conversions may change.
    base = torch.tensor([r.randrange(256) for _ in range(width * (size + r.randrange(4)))], dtype=torch.uint8)
    if dtype in FLOATS:
        base = (torch.randn(size + r.randrange(4), dtype=torch.float64) * 10).to(dtype)
    elif dtype == torch.bool:
        base = base < 128
    elif width > 0:
        base = base[: len(base) // width * width].view(dtype)
    tensor = base[len(base) - size :].reshape(shape)
    for _ in range(r.randrange(3)):
        kind = r.random()
        if kind < 0.3 and tensor.dim() > 1:
            order = list(range(tensor.dim()))
            r.shuffle(order)
            tensor = tensor.permute(order)
        elif kind < 0.5 and tensor.dim() > 0 and tensor.shape[0] > 0:
            tensor = tensor[r.randrange(tensor.shape[0]) :: r.randrange(1, 3)]
        elif kind < 0.7:
            tensor = tensor.unsqueeze(0).expand(r.randrange(1, 5), *tensor.shape)
        elif kind < 0.85 and tensor.dim() > 0 and tensor.shape[-1] > 1:
            tensor = tensor.unfold(-1, r.randrange(1, tensor.shape[-1] + 1), r.randrange(1, 3))
    if dtype in FLOATS + INTEGERS and r.random() < 0.4:
        tensor = torch._neg_view(tensor)
    return torch.nn.Parameter(tensor, requires_grad=False) if r.random() < 0.2 and tensor.layout == torch.strided else tensor


os.makedirs(args.out, exist_ok=True)
if args.random:
    r = random.Random(1)
    torch.manual_seed(1)
    save("random", {f"t{i}": one(r) for i in range(args.random)})
else:
    save("views", views())
    small = {"f32": torch.arange(6.0).reshape(2, 3).T, "neg": torch._neg_view(torch.arange(4, dtype=torch.int16)), "f64": torch.tensor([1 / 3], dtype=torch.float64), "i64": torch.tensor([-5, 2**40]), "u8": torch.arange(3, dtype=torch.uint8)}
    torch.save(small, f"{args.out}/views_big.pt")
    os.rename(f"{args.out}/views_big.pt", f"{args.out}/little.pt")
    big_endian("little", "views_big", [4, 2, 8, 8, 1])
    os.remove(f"{args.out}/little.pt")
    record("views_big", small)
    strange = {"plain": torch.arange(2.0), "minus": torch._neg_view(torch.arange(3.0))}
    torch.save(strange, f"{args.out}/little.pt")
    with zipfile.ZipFile(f"{args.out}/little.pt") as old, zipfile.ZipFile(f"{args.out}/views_strange.pt", "w") as new:
        for info in old.infolist():
            content = old.read(info)
            new.writestr(info.filename, content.replace(b"\x03\x00\x00\x00neg", b"\x03\x00\x00\x00fog") if info.filename.endswith("data.pkl") else content)
    os.remove(f"{args.out}/little.pt")
