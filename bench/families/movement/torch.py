import numpy as np
import torch
import torch.nn.functional as F
from torch_inputs import forward, indices, values

transpose = lambda: forward(lambda x: x.t().contiguous(), values(2048, 2048))
transpose_heads = lambda: forward(lambda x: x.permute(0, 2, 1, 3).contiguous(), values(16, 64, 16, 64))
concat = lambda: forward(lambda x, y: torch.cat([x, y], 0), values(1024, 2048), values(1024, 2048))
concat_columns = lambda: forward(lambda x, y: torch.cat([x, y], 1), values(2048, 1024), values(2048, 1024))
slice = lambda: forward(lambda x: x[:, 512:1536].contiguous(), values(2048, 2048))


def gather():
    x, ids = values(16384, 1024), indices(1024, 16384)
    return [forward(lambda: x[ids]), forward(lambda: torch.index_select(x, 0, ids)), forward(lambda: F.embedding(ids, x))]


def scatter():
    rows, ids = values(1024, 1024), indices(1024, 4096)
    return forward(lambda: torch.zeros(4096, 1024).index_add_(0, ids, rows))


def pad():
    return forward(lambda x: F.pad(x, (0, 0, 1, 1, 1, 1)), values(1, 128, 128, 128))


def resize():
    x = values(1, 256, 64, 64)
    layouts = (x, x.to(memory_format=torch.channels_last))
    return [forward(lambda x: F.interpolate(x, scale_factor=2, mode="nearest"), layout) for layout in layouts]


def upload():
    """The upload copies from NumPy's memory and does not share it."""
    array = np.ones((2048, 2048), np.float32)
    return forward(lambda: torch.from_numpy(array).clone())


download = lambda: forward(lambda x: (x + 1).numpy(), values(2048, 2048))
