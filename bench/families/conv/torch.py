import torch
import torch.nn.functional as F
from torch_inputs import forward, forward_backward, values

LAYOUTS = (torch.contiguous_format, torch.channels_last)


def operands(batch, size, channels, layout):
    x, weights = values(batch, channels, size, size), values(channels, channels, 3, 3, scale=0.05)
    return x.to(memory_format=layout), weights.to(memory_format=layout)


def convolve(x, weights):
    return F.conv2d(x, weights, padding=1)


def conv(batch, size, channels):
    return [forward(convolve, *operands(batch, size, channels, layout)) for layout in LAYOUTS]


def conv_gradients(batch, size, channels):
    dy = values(batch, channels, size, size)
    return [forward_backward(convolve, dy.to(memory_format=layout), *operands(batch, size, channels, layout)) for layout in LAYOUTS]
