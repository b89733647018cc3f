"""Rounding noise of the original's training: how far its float32 runs drift from its float64 runs, update by update.

  ORIGINALS=DIR python training.py [--seeds 5] [--only NAME...] [--json FILE]

Model, loss and gradients are DalleBart's; optimizer and update are TrainState.create and apply_gradients as train.py has them
(see scripts/train_parts.py). Each seed has other weights, made as those of make_train.py, and other batches. Each line is the
largest difference after so many updates:

  params    |float32 - float64| / learning rate, over all elements but those whose gradient was below 1e-7 at some update
  tiny      the same, of those elements
  loss      |float32 - float64| / |float64|, of the loss before that update
  norms     likewise of the norm of each gradient, of those above 1e-6
  state     |float32 - float64| / largest |float64| of its array, worst of the momenta and second moments (int8 in buckets)

each as median and largest over seeds. Preconditioned updates, which begin at update 102, are not run.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--seeds", type=int, default=5)
parser.add_argument("--only", nargs="*")
parser.add_argument("--json", type=Path, help="adds a line of JSON for each case to this file")
parser.add_argument("--run", nargs=2, help=argparse.SUPPRESS)  # a case and a file, of the process that computes
args = parser.parse_args()

UPDATES = 20
SHAMPOO = dict(optim="distributed_shampoo", learning_rate=0.003, block_size=72)
# Without statistics, which take long to compile: parameters do not depend on them before update 102.
GRAFTED = dict(**SHAMPOO, skip_preconditioning_dim_size_gt=0)
CASES = {  # name -> (scanned, flags of train.py)
    "shampoo_quantized": (True, dict(**GRAFTED, optim_quantized=True)),
    "shampoo_grafted": (True, GRAFTED),
    "adam": (False, dict(optim="adam", learning_rate=0.01, beta2=0.99, weight_decay=0.01, warmup_steps=1)),
    "adafactor": (False, dict(optim="adafactor", learning_rate=0.02, warmup_steps=2)),
}
SHOWN = (1, 2, 3, 5, 10, 20)
TINY_GRADIENT = 1e-7


def compute(name, file):
    """One precision of one case, all seeds, into an .npz file."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "golden/scripts"))
    os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true")
    import numpy as np
    from train_harness import load_train
    from train_parts import arguments, state_class

    load_train()  # with stand-ins for what DalleBart imports
    import jax
    import jax.numpy as jnp
    import optax
    import tiny
    from common import flat
    from dalle_mini.model import DalleBart, DalleBartConfig
    from flax.core.frozen_dict import freeze, unfreeze
    from flax.serialization import to_state_dict
    from flax.training.common_utils import onehot
    from flax.traverse_util import flatten_dict, unflatten_dict
    from jax.sharding import Mesh

    real = np.float64 if jax.config.jax_enable_x64 else np.float32
    scanned, flags = CASES[name]
    config = DalleBartConfig(**tiny.CONFIG, use_scan=scanned)
    model = DalleBart(config, _do_init=False, dtype=jnp.dtype(real))
    shapes = flatten_dict(unfreeze(model.params_shape_tree))

    def start(seed):
        r = np.random.default_rng(seed)
        out = {}
        for k, v in sorted(shapes.items()):
            if k[-1] in ("scale", "bias"):
                x = (k[-1] == "scale") + r.uniform(-0.2, 0.2, v.shape)
            else:
                x = 0.08 * r.standard_normal(v.shape)
            out[k] = jnp.asarray(x.astype(np.float32), real)
        return freeze(unflatten_dict(out))

    def batch(r):
        B, S, T = 4, config.max_text_length, config.image_length
        ids = r.integers(3, config.encoder_vocab_size, (B, S)).astype(np.int32)
        mask = (np.arange(S) < r.integers(4, S + 1, (B, 1))).astype(np.int32)
        labels = r.integers(0, config.image_vocab_size, (B, T)).astype(np.int32)
        shifted = np.concatenate([np.full((B, 1), config.decoder_start_token_id, np.int32), labels[:, :-1]], 1)
        return dict(input_ids=np.where(mask == 1, ids, 1), attention_mask=mask, decoder_input_ids=shifted), labels

    @jax.jit
    def gradients(params, inputs, labels):
        def loss(p):
            logits = model(**inputs, params=p).logits
            return optax.softmax_cross_entropy(logits, onehot(labels, logits.shape[-1])).mean()

        return jax.value_and_grad(loss)(params)

    parts = state_class(arguments(**flags), start(0))
    update = jax.jit(lambda state, grads: state.apply_gradients(grads=grads))
    arrays = {}
    with Mesh(np.asarray(jax.devices()).reshape(1, 1), ("dp", "mp")):
        for seed in range(args.seeds):
            state = parts.TrainState.create(apply_fn=None, params=start(500 + seed), tx=parts.optimizer)
            r = np.random.default_rng(700 + seed)
            batches = [batch(r) for _ in range(5)]
            for step in range(1, UPDATES + 1):
                inputs, labels = batches[(step - 1) % 5]
                loss, grads = gradients(state.params, inputs, labels)
                assert loss.dtype == real, loss.dtype
                state = update(state, grads)
                for k, v in flat(unfreeze(grads)).items():
                    key = f"{seed}|tiny|{k}"
                    arrays[key] = arrays.get(key, False) | (np.abs(np.asarray(v)) < TINY_GRADIENT)
                if step not in SHOWN:
                    continue
                at = f"{seed}|{step}|"
                arrays[f"{at}loss"] = np.asarray(loss)
                for k, v in flat(unfreeze(grads)).items():
                    arrays[f"{at}norm|{k}"] = np.linalg.norm(np.asarray(v, np.float64))
                for k, v in flat(unfreeze(state.params)).items():
                    arrays[f"{at}params|{k}"] = np.asarray(v)
                    arrays[f"{at}tiny|{k}"] = arrays[f"{seed}|tiny|{k}"].copy()
                for k, v in flatten_dict(to_state_dict(state.opt_state)).items():
                    path = "/".join(map(str, k))
                    if hasattr(v, "shape") and np.size(v) > 1 and "global_stats" not in path and "error" not in path:
                        arrays[f"{at}state|{path}"] = np.asarray(v)
    np.savez(file, **arrays)


def far(a, b):
    import numpy as np

    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return float(np.max(np.abs(a - b), initial=0))


def compare(name, single, double):
    import numpy as np

    rate = CASES[name][1]["learning_rate"]
    rows = {}
    for key in double.files:
        seed, step, what = key.split("|")[:3]
        if step == "tiny":
            continue
        row = rows.setdefault(int(step), {}).setdefault(int(seed), {})

        def note(column, value, path):
            if value > row.get(column, (-1, ""))[0]:
                row[column] = (value, path)

        a, b = single[key], double[key]
        path = key.split("|")[-1]
        largest = float(np.max(np.abs(b), initial=0))
        if what == "loss":
            note("loss", far(a, b) / abs(float(b)), "")
        elif what == "norm" and largest > 1e-6:
            note("norms", far(a, b) / largest, path)
        elif what == "params":
            tiny = double[key.replace("params|", "tiny|")] | single[key.replace("params|", "tiny|")]
            note("params", far(a[~tiny], b[~tiny]) / rate, path)
            note("tiny", far(a[tiny], b[tiny]) / rate, path)
        elif what == "state":
            if b.dtype == np.int8:
                note("buckets", far(a, b), path)
            elif largest > 1e-12:
                note("state", far(a, b) / largest, path)
    for step, seeds in sorted(rows.items()):
        line = [f"{name:18} {step:4}"]
        for column in ("params", "tiny", "loss", "norms", "state", "buckets"):
            values = [row[column] for row in seeds.values() if column in row]
            if values:
                line.append(f"{column} {np.median([v for v, _ in values]):.1e} {max(values)[0]:.1e}")
        worst = max(row["params"] for row in seeds.values() if "params" in row)
        print(" | ".join(line), "|", worst[1].replace("/", " ").split(" ", 1)[1], flush=True)
    if args.json:
        with args.json.open("a") as out:
            out.write(json.dumps({"name": name, "rows": rows}) + "\n")


if args.run:
    compute(*args.run)
else:
    import numpy as np

    with tempfile.TemporaryDirectory() as folder:
        for name in args.only or CASES:
            files = []
            for x64 in ("0", "1"):
                file = f"{folder}/{name}{x64}.npz"
                subprocess.run(
                    [sys.executable, "-W", "ignore", __file__, "--seeds", str(args.seeds), "--run", name, file],
                    check=True, env={**os.environ, "JAX_ENABLE_X64": x64},
                )
                files.append(np.load(file))
            compare(name, *files)
