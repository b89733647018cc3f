import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax_inputs import forward, values


def updating(update, state, gradients):
    """Runs state = update(state, gradients). The state's memory is reused."""
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
    """optax's Adafactor: factored squares, clipping by root mean square, the parameter's scale."""
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


def shampoo_statistics(size, old=0.999, fresh=1e-3):
    """Updates both statistics of one block in place."""

    def update(sums, gradient):
        left, right = sums
        return old * left + fresh * (gradient @ gradient.T), old * right + fresh * (gradient.T @ gradient)

    sums = tuple(1e-6 * jnp.eye(size) for _ in range(2))
    return updating(update, sums, values(size, size, scale=1e-3))


def shampoo_root(size, p):
    """The coupled Newton iteration with the power iteration, as the original's trainer compiles it.
    """
    gradient = values(size, size)
    matrix = 1e-3 * (gradient @ gradient.T) + 1e-6 * jnp.eye(size)
    start = jnp.asarray(np.random.RandomState(1729).uniform(-1, 1, size).astype(np.float32))
    return forward(lambda matrix: inverse_root(matrix, start, p), matrix)


def largest_eigenvalue(matrix, start):
    def going_on(state):
        i, _, _, change = state
        return (i < 100) & (change > 1e-6)

    def iterate(state):
        i, vector, eigenvalue, _ = state
        unit = vector / jnp.linalg.norm(vector)
        image = matrix @ unit
        quotient = unit @ image
        return i + 1, image, quotient, jnp.abs(quotient - eigenvalue)

    return jax.lax.while_loop(going_on, iterate, (0, start, jnp.float32(0), jnp.float32(jnp.inf)))[2]


def inverse_root(matrix, start, p):
    identity = jnp.eye(len(matrix))
    alpha = -1.0 / p
    matrix = matrix + 1e-6 * jnp.maximum(largest_eigenvalue(matrix, start), 1e-6) * identity
    z = (1 + p) / (2 * jnp.linalg.norm(matrix))
    distance = lambda m: jnp.abs(m - identity).max()

    def going_on(state):
        i, _, _, _, error, converging = state
        return (i < 100) & (error > 1e-6) & converging

    def iterate(state):
        i, m, h, _, error, _ = state
        step = (1 - alpha) * identity + alpha * m
        m = jnp.linalg.matrix_power(step, p) @ m
        now = distance(m)
        return i + 1, m, h @ step, h, now, now < error * 1.2

    m, h = z * matrix, z ** (1 / p) * identity
    _, _, h, before, _, converging = jax.lax.while_loop(going_on, iterate, (0, m, h, h, distance(m), True))
    return jnp.where(converging, h, before)
