import torch.nn.functional as F
from torch_inputs import forward, forward_backward, values


def operands(batch, heads, queries, keys, width):
    return values(batch, heads, queries, width), values(batch, heads, keys, width), values(batch, heads, keys, width)


def causal(q, k, v):
    return F.scaled_dot_product_attention(q, k, v, is_causal=True)


def attention(**sizes):
    return forward(F.scaled_dot_product_attention, *operands(**sizes))


def attention_causal(**sizes):
    return forward(causal, *operands(**sizes))


def attention_causal_gradients(**sizes):
    q, k, v = operands(**sizes)
    return forward_backward(causal, values(*q.shape), q, k, v)
