import math

import torch
import torch.nn.functional as F
from torch_inputs import indices, values


def trainer(parameters, loss):
    for parameter in parameters:
        parameter.requires_grad_()

    def form(**options):
        optimizer = torch.optim.Adam(parameters, 1e-3, **options)

        def step():
            optimizer.zero_grad()
            loss().backward()
            optimizer.step()

        return step

    return [form(fused=True), form(foreach=True)]


def convnet(batch, size, classes):
    def make(layout):
        filter1, filter2 = (values(*shape, scale=scale).to(memory_format=layout) for shape, scale in (((32, 3, 3, 3), 0.2), ((64, 32, 3, 3), 0.06)))
        bias1, bias2, bias3, dense = torch.zeros(32), torch.zeros(64), torch.zeros(classes), values(4096, classes, scale=0.02)
        images, labels = values(batch, 3, size, size).to(memory_format=layout), indices(batch, classes)

        def loss():
            h = F.max_pool2d(F.relu(F.conv2d(images, filter1, bias1, padding=1)), 2)
            h = F.max_pool2d(F.relu(F.conv2d(h, filter2, bias2, padding=1)), 2)
            return F.cross_entropy(torch.addmm(bias3, h.flatten(1), dense), labels)

        return trainer([filter1, bias1, filter2, bias2, dense, bias3], loss)

    return make(torch.contiguous_format) + make(torch.channels_last)


convnet_fused = convnet


def transformer_of(block, batch, length, width, heads, inner, vocabulary, layers):
    tokens, positions = values(vocabulary, width, scale=0.1), values(length, width, scale=0.1)
    blocks = [
        dict(
            scale1=torch.ones(width), bias1=torch.zeros(width), scale2=torch.ones(width), bias2=torch.zeros(width),
            query=values(width, width, scale=0.06), key=values(width, width, scale=0.06),
            value=values(width, width, scale=0.06), out=values(width, width, scale=0.06),
            up=values(width, inner, scale=0.06), down=values(inner, width, scale=0.03),
        )
        for _ in range(layers)
    ]  # fmt: skip
    ids = indices(batch * length, vocabulary)
    split = lambda x: x.view(batch, length, heads, width // heads).transpose(1, 2)

    def loss():
        x = (F.embedding(ids, tokens).view(batch, length, width) + positions).view(batch * length, width)
        for weights in blocks:
            x = block(x, weights, split)
        return F.cross_entropy(x @ tokens.t(), ids)

    return trainer([tokens, positions] + [weight for weights in blocks for weight in weights.values()], loss)


def composed_block(mask):
    """As the tfjs program has it: norms, GELU and attention of single operations."""

    def norm(x, scale, bias):
        centred = x - x.mean(-1, keepdim=True)
        return centred * torch.rsqrt((centred * centred).mean(-1, keepdim=True) + 1e-5) * scale + bias

    def block(x, p, split):
        h = norm(x, p["scale1"], p["bias1"])
        q, k, v = (split(h @ p[name]) for name in ("query", "key", "value"))
        scores = torch.softmax(q @ k.mT / math.sqrt(q.shape[-1]) + mask, -1)
        x = x + (scores @ v).transpose(1, 2).reshape(x.shape) @ p["out"]
        u = norm(x, p["scale2"], p["bias2"]) @ p["up"]
        return x + (u * 0.5 * (torch.erf(u * math.sqrt(0.5)) + 1)) @ p["down"]

    return block


def fused_block(x, p, split):
    h = F.layer_norm(x, x.shape[-1:], p["scale1"], p["bias1"])
    q, k, v = (split(h @ p[name]) for name in ("query", "key", "value"))
    x = x + F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(x.shape) @ p["out"]
    return x + F.gelu(F.layer_norm(x, x.shape[-1:], p["scale2"], p["bias2"]) @ p["up"]) @ p["down"]


def transformer(**sizes):
    mask = torch.triu(torch.full((sizes["length"], sizes["length"]), -1e9), 1)
    return transformer_of(composed_block(mask), **sizes)


def transformer_fused(**sizes):
    return transformer_of(fused_block, **sizes)
