"""Inputs of the PyTorch cases, and how they run: forward alone under inference mode, else with gradients."""

import torch

torch.manual_seed(1)


def values(*shape, scale=1.0):
    return (torch.rand(*shape) * 2 - 1) * scale


def indices(count, most):
    return torch.tensor([((i + 1) * 2654435761 & 0xFFFFFFFF) // 2 % most for i in range(count)])


def forward(function, *arguments):
    """Calls function(*arguments) without anything kept for gradients."""

    def run():
        with torch.inference_mode():
            return function(*arguments)

    return run


def forward_backward(function, dy, *arguments):
    """Value of function(*arguments) and its gradients by all of them."""
    arguments = [argument.requires_grad_() for argument in arguments]
    return lambda: torch.autograd.grad(function(*arguments), arguments, dy)
