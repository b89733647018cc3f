import numpy as np

generator = np.random.default_rng(1)


def values(*shape):
    return generator.random(shape, dtype=np.float32) * 2 - 1


def matmul(m, k, n, transpose, batch):
    lead = (batch,) if batch > 1 else ()
    a = values(*lead, k, m).swapaxes(-1, -2) if transpose[0] == "t" else values(*lead, m, k)
    b = values(*lead, n, k).swapaxes(-1, -2) if transpose[1] == "t" else values(*lead, k, n)
    out = np.empty((*lead, m, n), np.float32)
    return [lambda: a @ b, lambda: np.matmul(a, b, out=out)]
