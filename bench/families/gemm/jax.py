import jax.numpy as jnp
from jax_inputs import forward, values


def matmul(m, k, n, transpose, batch):
    lead = (batch,) if batch > 1 else ()
    ta, tb = (letter == "t" for letter in transpose)
    a, b = values(*lead, *((k, m) if ta else (m, k))), values(*lead, *((n, k) if tb else (k, n)))
    return forward(lambda a, b: jnp.matmul(a.mT if ta else a, b.mT if tb else b), a, b)
