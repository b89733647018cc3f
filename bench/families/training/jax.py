import math

import jax
import jax.numpy as jnp
from jax import lax
from jax_inputs import indices, values

tree_map = jax.tree_util.tree_map


def trainer(parameters, loss, rate=1e-3, b1=0.9, b2=0.999, epsilon=1e-8):
    """Adam on loss(parameters). A whole step is under one jit. The state's memory is reused."""

    def step(state):
        parameters, m, v, count = state
        value, gradients = jax.value_and_grad(loss)(parameters)
        m = tree_map(lambda m, g: b1 * m + (1 - b1) * g, m, gradients)
        v = tree_map(lambda v, g: b2 * v + (1 - b2) * g * g, v, gradients)
        factor = rate * jnp.sqrt(1 - b2**count) / (1 - b1**count)
        parameters = tree_map(lambda p, m, v: p - factor * m / (jnp.sqrt(v) + epsilon), parameters, m, v)
        return (parameters, m, v, count + 1), value

    compiled = jax.jit(step, donate_argnums=0)
    zeros = lambda: tree_map(jnp.zeros_like, parameters)
    state = (parameters, zeros(), zeros(), jnp.float32(1))

    def run():
        nonlocal state
        state, value = compiled(state)
        return value

    return run


def cross_entropy(logits, labels):
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], -1).mean()


def convnet(batch, size, classes):
    parameters = dict(
        filter1=values(3, 3, 3, 32, scale=0.2), bias1=jnp.zeros(32), filter2=values(3, 3, 32, 64, scale=0.06), bias2=jnp.zeros(64),
        dense=values(4096, classes, scale=0.02), bias3=jnp.zeros(classes),
    )  # fmt: skip
    images, labels = values(batch, size, size, 3), indices(batch, classes)

    def block(x, weights, bias):
        x = lax.conv_general_dilated(x, weights, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        return lax.reduce_window(jax.nn.relu(x + bias), -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")

    def loss(p):
        h = block(block(images, p["filter1"], p["bias1"]), p["filter2"], p["bias2"])
        return cross_entropy(h.reshape(batch, 4096) @ p["dense"] + p["bias3"], labels)

    return trainer(parameters, loss)


convnet_fused = convnet


def transformer(batch, length, width, heads, inner, vocabulary, layers):
    parameters = dict(
        tokens=values(vocabulary, width, scale=0.1), positions=values(length, width, scale=0.1),
        layers=[
            dict(
                scale1=jnp.ones(width), bias1=jnp.zeros(width), scale2=jnp.ones(width), bias2=jnp.zeros(width),
                query=values(width, width, scale=0.06), key=values(width, width, scale=0.06),
                value=values(width, width, scale=0.06), out=values(width, width, scale=0.06),
                up=values(width, inner, scale=0.06), down=values(inner, width, scale=0.03),
            )
            for _ in range(layers)
        ],
    )  # fmt: skip
    ids = indices(batch * length, vocabulary)
    visible = jnp.tril(jnp.ones((length, length), bool))
    split = lambda x: x.reshape(batch, length, heads, width // heads).transpose(0, 2, 1, 3)

    def norm(x, scale, bias):
        centred = x - x.mean(-1, keepdims=True)
        return centred * lax.rsqrt((centred * centred).mean(-1, keepdims=True) + 1e-5) * scale + bias

    def loss(p):
        x = (p["tokens"][ids].reshape(batch, length, width) + p["positions"]).reshape(batch * length, width)
        for weights in p["layers"]:
            h = norm(x, weights["scale1"], weights["bias1"])
            q, k, v = (split(h @ weights[name]) for name in ("query", "key", "value"))
            scores = jnp.where(visible, q @ k.mT / math.sqrt(width // heads), -1e9)
            mixed = (jax.nn.softmax(scores, -1) @ v).transpose(0, 2, 1, 3).reshape(x.shape)
            x = x + mixed @ weights["out"]
            u = norm(x, weights["scale2"], weights["bias2"]) @ weights["up"]
            x = x + jax.nn.gelu(u, approximate=False) @ weights["down"]
        return cross_entropy(x @ p["tokens"].T, ids)

    return trainer(parameters, loss)


transformer_fused = transformer


def dalle(batch, vocabulary, codes, text, text_length, length, width, heads, inner, layers, optimizer, rematerialize):
    """NormFormer's placement of norms, as DALL-E mini has it."""
    kernel = lambda *shape: values(*shape, scale=0.035)
    norm_of = lambda size: dict(scale=jnp.ones(size), bias=jnp.zeros(size))
    attention_of = lambda: {name: kernel(width, width) for name in ("query", "key", "value", "out")}

    def layer_of(cross):
        layer = dict(pre_self=norm_of(width), self=attention_of(), post_self=norm_of(width), pre=norm_of(width), mid=norm_of(inner))
        layer |= dict(gate=kernel(width, inner), up=kernel(width, inner), down=kernel(inner, width))
        if cross:
            layer |= dict(pre_cross=norm_of(width), cross=attention_of(), post_cross=norm_of(width))
        return layer

    def stack_of(entries, positions, cross):
        layers_of = [layer_of(cross) for _ in range(layers)]
        return dict(tokens=kernel(entries, width), positions=kernel(positions, width), before=norm_of(width), behind=norm_of(width), layers=layers_of)

    parameters = dict(encoder=stack_of(vocabulary, text_length, False), decoder=stack_of(codes, length, True), head=kernel(width, codes))
    ids = jnp.tile(jnp.arange(text_length) + 5, (batch, 1))
    seen = jnp.tile(jnp.arange(text_length) < text, (batch, 1))[:, None, None, :]
    labels = indices(batch * length, codes - 1)
    inputs = jnp.concatenate([jnp.full((batch, 1), codes - 1), labels.reshape(batch, length)[:, :-1]], 1)
    before = jnp.tril(jnp.ones((length, length), bool))

    def norm(x, p):
        centred = x - x.mean(-1, keepdims=True)
        return centred * lax.rsqrt((centred * centred).mean(-1, keepdims=True) + 1e-5) * p["scale"] + p["bias"]

    def attend(x, context, p, mask):
        split = lambda y: y.reshape(batch, -1, heads, width // heads)
        q, k, v = split(x @ p["query"]), split(context @ p["key"]), split(context @ p["value"])
        scores = jnp.where(mask, jnp.einsum("bthk,bshk->bhts", q, k) / math.sqrt(width // heads), -1e9)
        return jnp.einsum("bhts,bshk->bthk", jax.nn.softmax(scores, -1), v).reshape(x.shape) @ p["out"]

    def layer(x, p, mask, text=None):
        h = norm(x, p["pre_self"])
        x = x + norm(attend(h, h, p["self"], mask), p["post_self"])
        if text is not None:
            x = x + norm(attend(norm(x, p["pre_cross"]), text, p["cross"], seen), p["post_cross"])
        h = norm(x, p["pre"])
        return x + norm(jax.nn.gelu(h @ p["gate"], approximate=False) * (h @ p["up"]), p["mid"]) @ p["down"]

    layer = jax.checkpoint(layer) if rematerialize else layer

    def stack(ids, p, mask, text=None):
        x = norm(p["tokens"][ids] + p["positions"], p["before"])
        for weights in p["layers"]:
            x = layer(x, weights, mask, text)
        return norm(x, p["behind"])

    def loss(p):
        states = stack(inputs, p["decoder"], before, stack(ids, p["encoder"], seen))
        return cross_entropy(states.reshape(-1, width) @ p["head"], labels)

    return trainer(parameters, loss) if optimizer == "adamw" else adafactor_trainer(parameters, loss)


def adafactor_trainer(parameters, loss, rate=1e-4):
    """The same with optax's Adafactor: factored squares of matrices, clipping by root mean square, the
    parameter's scale."""
    factored = lambda p: p.ndim == 2 and min(p.shape) >= 128

    def update(p, g, state, rho):
        squares = g * g + 1e-30
        blend = lambda old, new: rho * old + (1 - rho) * new
        if factored(p):
            row, column = blend(state[0], squares.mean(1)), blend(state[1], squares.mean(0))
            state, u = (row, column), g * lax.rsqrt(row / row.mean())[:, None] * lax.rsqrt(column)[None, :]
        else:
            state = (blend(state[0], squares),)
            u = g * lax.rsqrt(state[0])
        u = u / jnp.maximum(1, jnp.sqrt((u * u).mean()))
        return p - rate * jnp.maximum(1e-3, jnp.sqrt((p * p).mean())) * u, state

    def step(state):
        parameters, squares, count = state
        value, gradients = jax.value_and_grad(loss)(parameters)
        flat, structure = jax.tree_util.tree_flatten(parameters)
        moved = [update(p, g, s, 1 - count**-0.8) for p, g, s in zip(flat, jax.tree_util.tree_leaves(gradients), squares)]
        return (jax.tree_util.tree_unflatten(structure, [p for p, _ in moved]), [s for _, s in moved], count + 1), value

    compiled = jax.jit(step, donate_argnums=0)
    start = lambda p: (jnp.zeros(p.shape[0]), jnp.zeros(p.shape[1])) if factored(p) else (jnp.zeros_like(p),)
    state = (parameters, [start(p) for p in jax.tree_util.tree_leaves(parameters)], jnp.float32(1))

    def run():
        nonlocal state
        state, value = compiled(state)
        return value

    return run
