import math

import torch
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint
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
    """The same as the tfjs program: norms, GELU and attention consist of single operations."""

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


class Attention(torch.nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.out = (torch.nn.Linear(width, width, bias=False) for _ in range(4))

    def forward(self, x, context, mask=None, causal=False):
        split = lambda y: y.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        q, k, v = split(self.query(x)), split(self.key(context)), split(self.value(context))
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal)
        return self.out(mixed.transpose(1, 2).flatten(2))


class Glu(torch.nn.Module):
    def __init__(self, width, inner):
        super().__init__()
        self.pre, self.mid = torch.nn.LayerNorm(width), torch.nn.LayerNorm(inner)
        self.gate, self.up, self.down = (torch.nn.Linear(*sizes, bias=False) for sizes in ((width, inner), (width, inner), (inner, width)))

    def forward(self, x):
        x = self.pre(x)
        return self.down(self.mid(F.gelu(self.gate(x)) * self.up(x)))


class DalleLayer(torch.nn.Module):
    """NormFormer's placement of norms, as DALL-E mini has it."""

    def __init__(self, width, heads, inner, cross):
        super().__init__()
        norm = lambda: torch.nn.LayerNorm(width)
        self.pre_self, self.self_attention, self.post_self = norm(), Attention(width, heads), norm()
        if cross:
            self.pre_cross, self.cross_attention, self.post_cross = norm(), Attention(width, heads), norm()
        self.feed_forward = Glu(width, inner)

    def forward(self, x, mask, text=None):
        h, causal = self.pre_self(x), text is not None
        x = x + self.post_self(self.self_attention(h, h, None if causal else mask, causal))
        if causal:
            x = x + self.post_cross(self.cross_attention(self.pre_cross(x), text, mask))
        return x + self.feed_forward(x)


class DalleStack(torch.nn.Module):
    def __init__(self, vocabulary, length, width, heads, inner, layers, cross, rematerialize):
        super().__init__()
        self.tokens, self.positions = torch.nn.Embedding(vocabulary, width), torch.nn.Embedding(length, width)
        self.before, self.behind = torch.nn.LayerNorm(width), torch.nn.LayerNorm(width)
        self.layers = torch.nn.ModuleList(DalleLayer(width, heads, inner, cross) for _ in range(layers))
        self.rematerialize = rematerialize

    def forward(self, ids, mask, text=None):
        x = self.before(self.tokens(ids) + self.positions.weight)
        for layer in self.layers:
            x = checkpoint(layer, x, mask, text, use_reentrant=False) if self.rematerialize else layer(x, mask, text)
        return self.behind(x)


class Dalle(torch.nn.Module):
    def __init__(self, vocabulary, codes, text_length, length, width, heads, inner, layers, rematerialize):
        super().__init__()
        rest = (width, heads, inner, layers)
        self.encoder = DalleStack(vocabulary, text_length, *rest, False, rematerialize)
        self.decoder = DalleStack(codes, length, *rest, True, rematerialize)
        self.head = torch.nn.Linear(width, codes, bias=False)

    def forward(self, ids, mask, inputs, labels):
        states = self.decoder(inputs, mask, self.encoder(ids, mask))
        return F.cross_entropy(self.head(states).flatten(0, 1), labels)


def dalle_of(prepare, batch, text, text_length, length, codes, optimizer, **sizes):
    model = Dalle(codes=codes, text_length=text_length, length=length, **sizes)
    if optimizer == "adamw":
        update = torch.optim.AdamW(model.parameters(), 1e-4, fused=True)
    else:
        update = torch.optim.Adafactor(model.parameters(), 1e-4)
    ids = (torch.arange(text_length) + 5).repeat(batch, 1)
    mask = (torch.arange(text_length) < text)[None, None, None, :].repeat(batch, 1, 1, 1)
    labels = indices(batch * length, codes - 1)
    inputs = torch.cat([torch.full((batch, 1), codes - 1), labels.view(batch, length)[:, :-1]], 1)
    run = prepare(model)

    def step():
        loss = run(ids, mask, inputs, labels)
        loss.backward()
        update.step()
        update.zero_grad(set_to_none=True)

    return step


def dalle(**args):
    return dalle_of(lambda model: model, **args)


def dalle_compiled(**args):
    return dalle_of(torch.compile, **args)
