import math

import jax.numpy as jnp
from jax import lax
from jax_inputs import forward, values


def gelu_of(x):
    return x * 0.5 * (lax.erf(x * math.sqrt(0.5)) + 1)


add = lambda: forward(jnp.add, values(2048, 2048), values(2048, 2048))
add_row = lambda: forward(jnp.add, values(2048, 2048), values(2048))
add_column = lambda: forward(jnp.add, values(2048, 2048), values(2048, 1))
mul = lambda: forward(jnp.multiply, values(2048, 2048), values(2048, 2048))
exp = lambda: forward(jnp.exp, values(2048, 2048))
tanh = lambda: forward(jnp.tanh, values(2048, 2048))
gelu = lambda: forward(gelu_of, values(2048, 2048))
