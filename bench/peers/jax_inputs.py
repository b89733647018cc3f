"""Inputs of the JAX cases, and how they run: all under jit."""

import jax
import jax.numpy as jnp
import numpy as np

generator = np.random.default_rng(1)


def values(*shape, scale=1.0):
    return jnp.asarray((generator.random(shape, np.float32) * 2 - 1) * np.float32(scale))


def indices(count, most):
    return jnp.asarray([((i + 1) * 2654435761 & 0xFFFFFFFF) // 2 % most for i in range(count)], jnp.int32)


def forward(function, *arguments):
    compiled = jax.jit(function)
    return lambda: compiled(*arguments)


def forward_backward(function, dy, *arguments):
    """Returns the value of function(*arguments) and its gradients by all arguments."""

    def both(dy, *arguments):
        value, pull_back = jax.vjp(function, *arguments)
        return value, pull_back(dy)

    compiled = jax.jit(both)
    return lambda: compiled(dy, *arguments)
