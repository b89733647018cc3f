from torch_inputs import forward, values


def matmul(m, k, n, transpose, batch):
    lead = (batch,) if batch > 1 else ()
    a = values(*lead, k, m).mT if transpose[0] == "t" else values(*lead, m, k)
    b = values(*lead, n, k).mT if transpose[1] == "t" else values(*lead, k, n)
    return forward(lambda: a @ b)
