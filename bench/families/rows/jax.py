import jax
import jax.numpy as jnp
from jax import lax
from jax_inputs import forward, forward_backward, indices, values


def kind(name, make, function):
    """Defines `name` and `name_gradients`; make(sizes) gives dy's shape, the operands to differentiate by, and the others."""

    def run_forward(**sizes):
        _, by, fixed = make(**sizes)
        return forward(function, *by, *fixed)

    def run_gradients(**sizes):
        shape, by, fixed = make(**sizes)
        return forward_backward(lambda *tensors: function(*tensors, *fixed), values(*shape), *by)

    globals()[name], globals()[name + "_gradients"] = run_forward, run_gradients


def layer(x, scale, bias):
    centred = x - x.mean(-1, keepdims=True)
    return centred * lax.rsqrt((centred * centred).mean(-1, keepdims=True) + 1e-5) * scale + bias


def rms(x, scale):
    return x * lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-5) * scale


def group(x, scale, bias):
    batch, height, width, channels = x.shape
    grouped = x.reshape(batch, height * width, 32, channels // 32)
    centred = grouped - grouped.mean((1, 3), keepdims=True)
    normal = centred * lax.rsqrt((centred * centred).mean((1, 3), keepdims=True) + 1e-6)
    return jax.nn.silu(normal.reshape(x.shape) * scale + bias)


def cross_entropy_of(logits, labels):
    return jax.nn.logsumexp(logits, -1) - jnp.take_along_axis(logits, labels[:, None], -1)[:, 0]


affine = lambda rows, width: ((rows, width), [values(rows, width), values(width), values(width)], [])
scaled = lambda rows, width: ((rows, width), [values(rows, width), values(width)], [])
single = lambda rows, width: ((rows, width), [values(rows, width)], [])
labelled = lambda rows, width: ((rows,), [values(rows, width)], [indices(rows, width)])
image = lambda size, channels: ((1, size, size, channels), [values(1, size, size, channels), values(channels), values(channels)], [])

kind("layer_norm", affine, layer)
kind("layer_norm_composed", affine, layer)
kind("rms_norm", scaled, rms)
kind("softmax", single, lambda x: jax.nn.softmax(x, -1))
kind("gelu", single, lambda x: jax.nn.gelu(x, approximate=False))
kind("cross_entropy", labelled, cross_entropy_of)
kind("group_norm", image, group)
