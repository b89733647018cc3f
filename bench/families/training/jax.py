import math

import jax
import jax.numpy as jnp
from jax import lax
from jax_inputs import indices, values

tree_map = jax.tree_util.tree_map


def trainer(parameters, loss, rate=1e-3, b1=0.9, b2=0.999, epsilon=1e-8):
    """Adam on loss(parameters), all of a step under one jit; the state's memory is reused."""

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
