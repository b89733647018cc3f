import torch
import torch.nn.functional as F
from torch_inputs import forward, forward_backward, indices, values


def kind(name, make, function):
    """Defines `name` and `name_gradients`; make(sizes) gives dy's shape, the operands to differentiate by, and the others."""

    def run_forward(**sizes):
        _, by, fixed = make(**sizes)
        return forward(function, *by, *fixed)

    def run_gradients(**sizes):
        shape, by, fixed = make(**sizes)
        step = forward_backward(lambda *tensors: function(*tensors, *fixed), values(*shape), *by)
        return step

    globals()[name], globals()[name + "_gradients"] = run_forward, run_gradients


def composed(x, scale, bias):
    centred = x - x.mean(-1, keepdim=True)
    return centred * torch.rsqrt((centred * centred).mean(-1, keepdim=True) + 1e-5) * scale + bias


affine = lambda rows, width: ((rows, width), [values(rows, width), values(width), values(width)], [])
scaled = lambda rows, width: ((rows, width), [values(rows, width), values(width)], [])
single = lambda rows, width: ((rows, width), [values(rows, width)], [])
labelled = lambda rows, width: ((rows,), [values(rows, width)], [indices(rows, width)])
image = lambda size, channels: ((1, channels, size, size), [values(1, channels, size, size), values(channels), values(channels)], [])

kind("layer_norm", affine, lambda x, g, b: F.layer_norm(x, x.shape[-1:], g, b))
kind("layer_norm_composed", affine, composed)
kind("rms_norm", scaled, lambda x, g: F.rms_norm(x, x.shape[-1:], g, 1e-5))
kind("softmax", single, lambda x: torch.softmax(x, -1))
kind("gelu", single, F.gelu)
kind("cross_entropy", labelled, lambda x, y: F.cross_entropy(x, y, reduction="none"))
kind("group_norm", image, lambda x, g, b: F.silu(F.group_norm(x, 32, g, b, 1e-6)))
