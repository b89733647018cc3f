import math

import torch
from torch_inputs import forward, values


def gelu_of(x):
    return x * 0.5 * (torch.erf(x * math.sqrt(0.5)) + 1)


add = lambda: forward(torch.add, values(2048, 2048), values(2048, 2048))
add_row = lambda: forward(torch.add, values(2048, 2048), values(2048))
add_column = lambda: forward(torch.add, values(2048, 2048), values(2048, 1))
mul = lambda: forward(torch.mul, values(2048, 2048), values(2048, 2048))
exp = lambda: forward(torch.exp, values(2048, 2048))
tanh = lambda: forward(torch.tanh, values(2048, 2048))
gelu = lambda: forward(gelu_of, values(2048, 2048))
