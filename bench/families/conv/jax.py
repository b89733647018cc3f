from jax import lax
from jax_inputs import forward, forward_backward, values


def convolve(x, weights):
    return lax.conv_general_dilated(x, weights, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


def conv(batch, size, channels):
    return forward(convolve, values(batch, size, size, channels), values(3, 3, channels, channels, scale=0.05))


def conv_gradients(batch, size, channels):
    x, weights = values(batch, size, size, channels), values(3, 3, channels, channels, scale=0.05)
    return forward_backward(convolve, values(batch, size, size, channels), x, weights)
