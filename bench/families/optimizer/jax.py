import functools

import jax
import jax.numpy as jnp
from jax_inputs import values


def updating(update, state, gradients):
    """Runs state = update(state, gradients); the state's memory is reused."""
    compiled = jax.jit(update, donate_argnums=0)

    def run():
        nonlocal state
        state = compiled(state, gradients)
        return state

    return run


def adamw_update(state, gradients, rate=1e-3, b1=0.9, b2=0.999, epsilon=1e-8, decay=0.01):
    parameters, m, v, count = state
    count = count + 1
    tree = functools.partial(jax.tree_util.tree_map)
    m = tree(lambda m, g: b1 * m + (1 - b1) * g, m, gradients)
    v = tree(lambda v, g: b2 * v + (1 - b2) * g * g, v, gradients)
    move = lambda p, m, v: p - rate * (m / (1 - b1**count) / (jnp.sqrt(v / (1 - b2**count)) + epsilon) + decay * p)
    return tree(move, parameters, m, v), m, v, count


def adamw(shapes):
    parameters = [values(*shape) for shape in shapes]
    zeros = lambda: [jnp.zeros(shape) for shape in shapes]
    return updating(adamw_update, (parameters, zeros(), zeros(), jnp.float32(0)), [values(*shape, scale=1e-3) for shape in shapes])


def adafactor_update(state, gradients, rate=1e-3):
    """As optax's: factored squares, clipping by root mean square, the parameter's scale."""
    parameters, rows, columns, count = state
    count = count + 1
    rho = 1 - count**-0.8
    squares = [g * g + 1e-30 for g in gradients]
    rows = [rho * r + (1 - rho) * s.mean(1) for r, s in zip(rows, squares)]
    columns = [rho * c + (1 - rho) * s.mean(0) for c, s in zip(columns, squares)]
    moved = []
    for p, g, r, c in zip(parameters, gradients, rows, columns):
        u = g * jax.lax.rsqrt(r / r.mean())[:, None] * jax.lax.rsqrt(c)[None, :]
        u = u / jnp.maximum(1, jnp.sqrt((u * u).mean()))
        moved.append(p - rate * jnp.maximum(1e-3, jnp.sqrt((p * p).mean())) * u)
    return moved, rows, columns, count


def adafactor(shapes):
    parameters = [values(*shape) for shape in shapes]
    rows, columns = [jnp.zeros(shape[0]) for shape in shapes], [jnp.zeros(shape[1]) for shape in shapes]
    return updating(adafactor_update, (parameters, rows, columns, jnp.float32(0)), [values(*shape, scale=1e-3) for shape in shapes])
