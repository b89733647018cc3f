import jax
import jax.numpy as jnp
from jax_inputs import forward, forward_backward, values


def operands(batch, heads, queries, keys, width):
    return values(batch, heads, queries, width), values(batch, heads, keys, width), values(batch, heads, keys, width)


def attend(q, k, v, causal=False):
    scores = jnp.einsum("bhqd,bhkd->bhqk", q, k) * q.shape[-1] ** -0.5
    if causal:
        scores = jnp.where(jnp.tril(jnp.ones(scores.shape[-2:], bool)), scores, -1e9)
    return jax.nn.softmax(scores, -1) @ v


def causal(q, k, v):
    return attend(q, k, v, causal=True)


def attention(**sizes):
    return forward(attend, *operands(**sizes))


def attention_causal(**sizes):
    return forward(causal, *operands(**sizes))


def attention_causal_gradients(**sizes):
    q, k, v = operands(**sizes)
    return forward_backward(causal, values(*q.shape), q, k, v)
