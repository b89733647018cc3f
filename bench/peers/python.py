"""Runs cases in a Python library: python.py numpy|torch|jax. One JSON request a line in, one answer a line out.

A family's NAME.py defines functions named as the kinds are; each makes inputs and returns a function to time, or a list of
functions that compute the same in different ways, of which the fastest is taken.
"""

import gc
import importlib.util
import json
import os
import resource
import sys
import time

which = sys.argv[1]
families = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "families")

if which == "numpy":
    import numpy as np

    def describe():
        import threadpoolctl

        blas = threadpoolctl.threadpool_info()[0]
        return {"numpy": np.__version__, "blas": f"{blas['internal_api']} {blas['version']}", "cpu": blas.get("architecture"), "threads": blas["num_threads"]}

    wait = lambda result: None
elif which == "torch":
    import torch

    def describe():
        return {"torch": torch.__version__, "threads": torch.get_num_threads(), "cpu": torch.backends.cpu.get_cpu_capability()}

    wait = lambda result: None
else:
    import jax

    def describe():
        return {"jax": jax.__version__, "devices": str(jax.devices())}

    wait = jax.block_until_ready

modules = {}


def kinds(family):
    if family not in modules:
        path = os.path.join(families, family, f"{which}.py")
        modules[family] = None
        if os.path.exists(path):
            spec = importlib.util.spec_from_file_location(f"{family}_{which}", path)
            modules[family] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(modules[family])
    return modules[family]


def timed(run, inner):
    start = time.perf_counter()
    for _ in range(inner):
        result = run()
    wait(result)
    return (time.perf_counter() - start) * 1e3


prepared = None


def prepare(family, kind, args, inner):
    """Makes the inputs and runs each form a few times; the time of the fastest."""
    global prepared
    make = getattr(kinds(family), kind, None) if kinds(family) else None
    if make is None:
        return {"unsupported": True}
    forms = make(**args)
    best = None
    for form in forms if isinstance(forms, list) else [forms]:
        wait(form())
        ms = timed(form, inner)
        if isinstance(forms, list):
            ms = min([ms] + [timed(form, inner) for _ in range(4)])
        if best is None or ms < best:
            best, prepared = ms, (form, inner)
    return {"ms": best}


def run(turnMs, warm):
    form, inner = prepared
    ms, start = [], time.perf_counter()
    if warm:
        timed(form, inner)
    while not ms or ((time.perf_counter() - start) * 1e3 < turnMs and len(ms) < 500):
        ms.append(timed(form, inner))
    return {"ms": ms}


def forget():
    global prepared
    prepared = None
    gc.collect()
    return {}


for line in sys.stdin:
    request = json.loads(line)
    command = request.pop("command")
    try:
        if command == "describe":
            answer = describe()
        elif command == "prepare":
            answer = prepare(request["family"], request["kind"], request.get("args", {}), request["inner"])
        elif command == "run":
            answer = run(request["turnMs"], request.get("warm", True))
        elif command == "peak":
            answer = {"bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)}
        else:
            answer = forget()
    except Exception as error:  # the run goes on without this row
        answer = {"failed": f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"}
    print(json.dumps(answer), flush=True)
