"""Writes models in the PyTorch forms of min-dalle and taming from Flax and safetensors ones, for the tests of reading them.

python make-torch-models.py REPOSITORY; needs PyTorch 2.6, NumPy and msgpack. The names follow the conversion that min-dalle's own program does.
"""

import json
import re
import struct
import sys

import msgpack
import numpy as np
import torch

ROOT = sys.argv[1]
BART = f"{ROOT}/reference/golden"
VQGAN = f"{ROOT}/reference/golden/vqgan"
OUT = f"{ROOT}/reference/torch"


def read_flax(path):
    def array(code, data):
        shape, dtype, buffer = msgpack.unpackb(data, raw=True)
        return np.frombuffer(buffer, dtype=dtype.decode()).reshape(shape)

    with open(path, "rb") as file:
        return msgpack.unpackb(file.read(), ext_hook=array)


def read_safetensors(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    header.pop("__metadata__", None)
    return {
        name: torch.from_numpy(np.frombuffer(data[slice(*info["data_offsets"])], dtype=np.float32).reshape(info["shape"]).copy())
        for name, info in header.items()
    }


LAYER = {
    "encoder": {"LayerNorm_0": "pre_self_attn_layer_norm", "LayerNorm_1": "self_attn_layer_norm", "FlaxBartAttention_0": "self_attn"},
    "decoder": {
        "LayerNorm_0": "pre_self_attn_layer_norm",
        "LayerNorm_1": "self_attn_layer_norm",
        "FlaxBartAttention_0": "self_attn",
        "LayerNorm_2": "pre_encoder_attn_layer_norm",
        "LayerNorm_3": "encoder_attn_layer_norm",
        "FlaxBartAttention_1": "encoder_attn",
    },
}
GLU = {"LayerNorm_0": "ln0", "LayerNorm_1": "ln1", "Dense_0": "fc0", "Dense_1": "fc1", "Dense_2": "fc2"}


def to_torch(tree, rename, prefix=""):
    """A Flax subtree as a state dict: kernels transposed, kernel, scale and embedding called weight."""
    for key, value in tree.items():
        name = prefix + rename(key)
        if isinstance(value, dict):
            yield from to_torch(value, rename, f"{name}.")
        else:
            leaf = prefix + ("bias" if key == "bias" else "weight")
            yield leaf, torch.from_numpy((value.T if key == "kernel" else value).copy()).half()


def min_dalle_text():
    params = read_flax(f"{BART}/bart/normformer_noscan/flax_model.msgpack")
    for stack in ("encoder", "decoder"):
        tree = dict(params["model"][stack])
        layers = tree.pop("layers")
        state = dict(to_torch(tree, lambda key: key))
        for name, layer in layers.items():
            layer = dict(layer)
            prefix = f"layers.{re.search('[0-9]+$', name)[0]}."
            state.update(to_torch(layer.pop("GLU_0"), lambda key: GLU.get(key, key), f"{prefix}glu."))
            state.update(to_torch(layer, lambda key: LAYER[stack].get(key, key), prefix))
        if stack == "decoder":
            state.update(to_torch({"lm_head": params["lm_head"]}, lambda key: key))
        torch.save(state, f"{OUT}/{stack}.pt")


class Settings(dict):
    """Stands for the settings object of a Lightning file."""


def vqgan():
    state = read_safetensors(f"{VQGAN}/two_levels/taming_state_dict.safetensors")
    state = {name: tensor.half() for name, tensor in state.items()}
    discriminator = {"loss.discriminator.main.0.weight": torch.ones(1, 3, 4, 4)}
    torch.save(
        {
            "epoch": 1,
            "global_step": 2,
            "pytorch-lightning_version": "1.0.8",
            "state_dict": state | discriminator,
            "optimizer_states": [{"state": {0: {"step": 2, "exp_avg": torch.ones(2)}}, "param_groups": [{"lr": 1.0, "params": [0]}]}],
            "hyper_parameters": Settings(base_lr=1.0),
        },
        f"{OUT}/taming.ckpt",
    )
    decoder = {name: tensor for name, tensor in state.items() if re.match(r"decoder\.|post_quant_conv\.", name)}
    decoder["embedding.weight"] = state["quantize.embedding.weight"]
    torch.save(decoder, f"{OUT}/detoker.pt")


min_dalle_text()
vqgan()
