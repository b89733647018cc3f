"""Runs cases in NumPy (its OpenBLAS) or PyTorch: python_peer.py numpy|torch. One JSON request a line in, one answer a line out.

Threads wait passively at barriers: the peers take turns on the same cores, and spinning would slow whoever runs next.
"""
import json
import os
import sys
import time

os.environ.update(OMP_WAIT_POLICY="PASSIVE", GOMP_SPINCOUNT="0")
for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):  # forced kernels would make the peer slower than it is
    os.environ.pop(name, None)

which = sys.argv[1]
if which == "numpy":
    import numpy as np

    def values(*shape):
        return (np.random.default_rng(1).random(shape, dtype=np.float32) * 2) - 1

    def matmul(m, k, n):
        a, b = values(m, k), values(k, n)
        return lambda: a @ b

    kinds = {"matmul": matmul}

    def describe():
        import threadpoolctl

        blas = threadpoolctl.threadpool_info()[0]
        return {"numpy": np.__version__, "blas": f"{blas['internal_api']} {blas['version']}", "cpu": blas.get("architecture"), "threads": blas["num_threads"]}

else:
    import torch
    import torch.nn.functional as F

    torch.manual_seed(1)

    def values(*shape):
        return torch.rand(*shape) * 2 - 1

    def matmul(m, k, n):
        a, b = values(m, k), values(k, n)
        return lambda: a @ b

    def conv(batch, size, channels):
        x, w = values(batch, channels, size, size), values(channels, channels, 3, 3)
        return lambda: F.conv2d(x, w, padding=1)

    def conv_gradients(batch, size, channels):
        x = values(batch, channels, size, size).requires_grad_()
        w = values(channels, channels, 3, 3).requires_grad_()
        dy = values(batch, channels, size, size)

        def run():
            x.grad = w.grad = None
            F.conv2d(x, w, padding=1).backward(dy)

        return run

    kinds = {"matmul": matmul, "conv": conv, "conv_gradients": conv_gradients}

    def describe():
        return {"torch": torch.__version__, "threads": torch.get_num_threads(), "cpu": torch.backends.cpu.get_cpu_capability()}


prepared = {}
for line in sys.stdin:
    request = json.loads(line)
    if request["command"] == "describe":
        answer = describe()
    elif request["kind"] not in kinds:
        answer = {"unsupported": True}
    else:
        if request["name"] not in prepared:
            prepared.clear()
            prepared[request["name"]] = kinds[request["kind"]](**request["args"])
            prepared[request["name"]]()
        ms = []
        for _ in range(request["repeats"]):
            start = time.perf_counter()
            prepared[request["name"]]()
            ms.append((time.perf_counter() - start) * 1e3)
        answer = {"ms": ms}
    print(json.dumps(answer), flush=True)
