import jax.numpy as jnp
import numpy as np
from jax_inputs import forward, indices, values

transpose = lambda: forward(jnp.transpose, values(2048, 2048))
transpose_heads = lambda: forward(lambda x: jnp.transpose(x, (0, 2, 1, 3)), values(16, 64, 16, 64))
concat = lambda: forward(lambda x, y: jnp.concatenate([x, y], 0), values(1024, 2048), values(1024, 2048))
concat_columns = lambda: forward(lambda x, y: jnp.concatenate([x, y], 1), values(2048, 1024), values(2048, 1024))
slice = lambda: forward(lambda x: x[:, 512:1536], values(2048, 2048))
gather = lambda: forward(lambda x, ids: x[ids], values(16384, 1024), indices(1024, 16384))
scatter = lambda: forward(lambda rows, ids: jnp.zeros((4096, 1024)).at[ids].add(rows), values(1024, 1024), indices(1024, 4096))
pad = lambda: forward(lambda x: jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))), values(1, 128, 128, 128))
resize = lambda: forward(lambda x: jnp.repeat(jnp.repeat(x, 2, 1), 2, 2), values(1, 64, 64, 256))


def upload():
    """The upload copies from NumPy's memory and does not share it."""
    array = np.ones((2048, 2048), np.float32)
    return lambda: jnp.array(array, copy=True)


def download():
    add_one = forward(lambda x: x + 1, values(2048, 2048))
    return lambda: np.asarray(add_one())
