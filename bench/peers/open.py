"""open.py FILE mapped|copied: opens a .safetensors file with safetensors and PyTorch, for bench/open.mjs.

mapped: safetensors.torch.load_file alone, whose tensors lie on the file's pages. copied: the same, then each tensor is
copied into one that a model has already, as load_state_dict does. F16 and BF16 are widened to float32.
"""

import json
import sys
import time

import torch
from safetensors.torch import load_file

path, how = sys.argv[1:]
torch.zeros(1) + 1
begin = time.perf_counter()
weights = load_file(path)
if how == "copied":
    model = {name: torch.empty(tensor.shape) for name, tensor in weights.items()}
    for name, tensor in weights.items():
        model[name].copy_(tensor)
    weights = model
else:
    weights = {name: tensor.float() for name, tensor in weights.items()}
opened = time.perf_counter()
for tensor in weights.values():
    tensor.sum().item()
read = time.perf_counter()
with open("/proc/self/status") as status:
    memory = next(int(line.split()[1]) / 1024 for line in status if line.startswith("RssAnon:"))
print(json.dumps({"open": 1000 * (opened - begin), "read": 1000 * (read - opened), "memory": memory}))
