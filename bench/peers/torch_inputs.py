"""Makes inputs of the PyTorch cases and runs them: forward alone under inference mode, or with
gradients."""

import torch

torch.manual_seed(1)


def values(*shape, scale=1.0):
    return (torch.rand(*shape) * 2 - 1) * scale


def indices(count, most):
    return torch.tensor([((i + 1) * 2654435761 & 0xFFFFFFFF) // 2 % most for i in range(count)])


def forward(function, *arguments):
    """Calls function(*arguments) and keeps nothing for gradients."""

    def run():
        with torch.inference_mode():
            return function(*arguments)

    return run


def forward_backward(function, dy, *arguments):
    """Returns the value of function(*arguments) and its gradients by all arguments."""
    arguments = [argument.requires_grad_() for argument in arguments]
    return lambda: torch.autograd.grad(function(*arguments), arguments, dy)
