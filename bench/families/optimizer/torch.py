import torch
from torch_inputs import values


def step(make, shapes):
    parameters = [values(*shape).requires_grad_() for shape in shapes]
    for parameter in parameters:
        parameter.grad = values(*parameter.shape, scale=1e-3)
    optimizer = make(parameters)
    return lambda: optimizer.step()


def adamw(shapes):
    forms = ({"fused": True}, {"foreach": True}, {"foreach": False})
    return [step(lambda p, form=form: torch.optim.AdamW(p, 1e-3, weight_decay=0.01, **form), shapes) for form in forms]


def adafactor(shapes):
    return [step(lambda p, each=each: torch.optim.Adafactor(p, 1e-3, foreach=each), shapes) for each in (True, False)]
