"""Rounding noise of the original text model: how far its runs in float32, bfloat16 and float16 are from its run in float64.

  ORIGINALS=DIR python bart.py [--seeds 8] [--only REGEX] [--low] [--json FILE]

Each configuration is compiled once and run with the weights and inputs of several seeds, made as scripts/make_bart.py makes
those of a recorded case. No seed of a recorded case is among them. One line a configuration:

  states    |float32 - float64| / largest |float64|, worst of all hidden states and of the encoder's result
  logits    |float32 - float64| / largest |float64|
  loss      |float32 - float64| / |float64|
  grads     |float32 - float64| / largest |float64| of its tensor (one layer where layers are stacked), worst of all tensors

each as median and largest over seeds. Tensors whose gradient is 0 in exact arithmetic (largest below 1e-6) are left out of
grads. With --low the lines are instead those of logits and of the encoder's result in bfloat16 and float16, divided by the
rounding of the type (2^-8, 2^-11): compiled, or op by op with --low eager.
"""
import argparse
import json
import re
import sys
import time
from pathlib import Path

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--seeds", type=int, default=8)
parser.add_argument("--only", default="", help="regular expression on names of configurations")
parser.add_argument("--low", nargs="?", const="jit", choices=["jit", "eager"])
parser.add_argument("--json", type=Path, help="adds a line of JSON for each configuration to this file")
args = parser.parse_args()

sys.path.insert(0, str(Path(__file__).parents[1] / "golden/scripts"))
sys.argv = ["make_bart.py", "--out", "/nonexistent"]
import make_bart as mb  # noqa: E402

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from flax.core.frozen_dict import unfreeze  # noqa: E402
from jax.experimental import enable_x64  # noqa: E402

SEED = 900_000
ZERO_GRADIENT = 1e-6


def deep(layers, **kw):
    return mb.S(encoder_layers=layers, decoder_layers=layers, **kw)


CONFIGS = {}
for position in ("normformer", "cogview", "postln", "preln", "subln", "deepnet", "swinv2"):
    switches = dict(ln_positions=position, use_scan=False, use_deepnet_scaling=position == "deepnet")
    for layers in (2, 4, 8) if position != "swinv2" else (1, 2, 3, 4, 5, 6, 7, 8, 10, 13):
        CONFIGS[f"{position}_{layers}"] = deep(layers, **switches)
    CONFIGS[f"{position}_rms_ffn_2"] = deep(2, **switches, ln_type="rmsnorm", use_glu=False)
    CONFIGS[f"{position}_rms_6"] = deep(6, **switches, ln_type="rmsnorm")
    CONFIGS[f"{position}_bias_scale_3"] = deep(3, **switches, use_bias=True, use_head_scale=True, force_ln_scale=True)
for position in ("normformer", "preln", "postln", "subln", "swinv2"):
    for tau in (0.05, 0.1, 0.02) if position in ("normformer", "preln") else (0.05, 0.1):
        CONFIGS[f"cosine_{position}_tau{tau}_2"] = deep(2, ln_positions=position, use_scan=False, use_cosine_attention=True, tau_init=tau)
CONFIGS["cosine_normformer_tau0.05_6"] = deep(6, use_scan=False, use_cosine_attention=True)
CONFIGS["cosine_preln_tau0.05_6"] = deep(6, ln_positions="preln", use_scan=False, use_cosine_attention=True)
CONFIGS["cosine_swin_sinkhorn_2"] = deep(2, use_cosine_attention=True, sinkhorn_iters=2, use_scan=False, **mb.SWIN_POS)
CONFIGS["large_2"] = mb.L(use_scan=False)
CONFIGS["large_swinv2_7"] = mb.L(ln_positions="swinv2", encoder_layers=7, decoder_layers=7)
CONFIGS["scanned_12"] = deep(12)
CONFIGS["preln_scanned_12"] = deep(12, ln_positions="preln")
for name, over in dict(
    sinkhorn2=dict(sinkhorn_iters=2), sinkhorn5=dict(sinkhorn_iters=5), swin_positions=mb.SWIN_POS,
    scale_embedding=dict(scale_embedding=True), no_final_ln=dict(use_final_ln_encoder=False, use_final_ln_decoder=False),
    relu=dict(activation_function="relu"), smelu=dict(activation_function="smelu"), quick_gelu=dict(activation_function="quick_gelu"),
    subln_init=dict(ln_positions="subln", use_subln_init=True), deepnet_scaling=dict(use_deepnet_scaling=True),
    no_positions=dict(use_absolute_position_embeddings=False), no_final_ln_preln=dict(ln_positions="preln", use_final_ln_encoder=False),
).items():
    CONFIGS[f"{name}_2"] = deep(2, use_scan=False, **over)
for file in ("mini", "mini_glu", "mega"):
    CONFIGS[f"like_{file}"] = mb.repo_config(file, use_scan=False)


def numbers(model, seed):
    params = mb.perturb(mb.fresh(model, seed), seed + 1)
    return params, mb.make_inputs(model.config, seed + 2)


def cast(tree, dtype):
    return jax.tree_util.tree_map(lambda x: jnp.asarray(np.asarray(x), dtype), tree)


def forward(model, params, batch, **kw):
    return model(batch["input_ids"], batch["attention_mask"], batch["decoder_input_ids"], params=params, **kw)


def compiled(model, scan):
    def f(params, batch):
        out = forward(model, params, batch, **({} if scan else {"output_hidden_states": True}))
        states = [out.encoder_last_hidden_state]
        if not scan:
            states += [*out.encoder_hidden_states, *out.decoder_hidden_states]
        return mb.loss_fn(out.logits, batch["labels"]), (out.logits, states)

    return jax.jit(jax.value_and_grad(f, has_aux=True))


def far(got, want):
    """Largest difference over largest number."""
    got, want = np.asarray(got, np.float64), np.asarray(want, np.float64)
    return float(np.abs(got - want).max() / max(np.abs(want).max(), 1e-30))


def layers_of(name, gradient):
    gradient = np.asarray(gradient, np.float64)
    return list(gradient) if "Layers" in name else [gradient]


def float32_noise(config, cls, run32, run64, seed):
    model = cls(config, _do_init=False)
    params, batch = numbers(model, seed)
    (loss, (logits, states)), grads = run32(cast(params, jnp.float32), batch)
    with enable_x64():
        (loss64, (logits64, states64)), grads64 = run64(cast(params, jnp.float64), batch)
        assert logits64.dtype == jnp.float64
    worst, where = 0.0, ""
    grads, grads64 = mb.common.flat(unfreeze(grads)), mb.common.flat(unfreeze(grads64))
    for k in grads:
        for a, b in zip(layers_of(k, grads[k]), layers_of(k, grads64[k])):
            if np.abs(b).max() > ZERO_GRADIENT and far(a, b) > worst:
                worst, where = far(a, b), k
    return {
        "states": max(far(a, b) for a, b in zip(states, states64)),
        "states_abs": max(float(np.abs(np.asarray(a) - np.asarray(b)).max()) for a, b in zip(states, states64)),
        "logits": far(logits, logits64),
        "logits_abs": float(np.abs(np.asarray(logits) - np.asarray(logits64)).max()),
        "loss": far(loss, loss64),
        "loss_abs": abs(float(loss) - float(loss64)),
        "grads": worst,
        "worst_gradient": where,
    }


def low_noise(model64, models, params, batch):
    with enable_x64():
        want = model64(cast(params, jnp.float64), batch)
        want = [np.asarray(x) for x in want]
    row = {}
    for dtype, (run, epsilon) in models.items():
        got = run(cast(params, jnp.float32), batch)
        for name, a, b in zip(("logits", "encoder"), got, want):
            row[f"{dtype}_{name}"] = far(np.asarray(a.astype(jnp.float32)), b) / epsilon
    return row


def measure(name, over):
    start = time.time()
    config = mb.DalleBartConfig(**over)
    mb.with_patch(config)
    cls = mb.model_class(config)
    model = cls(config, _do_init=False)
    rows = []
    if args.low:
        def results(m, jit):
            def f(params, batch):
                out = forward(m, params, batch)
                return out.logits, out.encoder_last_hidden_state

            return jax.jit(f) if jit else f

        with enable_x64():
            run64 = results(cls(config, _do_init=False, dtype=jnp.float64), True)
        models = {
            dtype: (results(cls(config, _do_init=False, dtype=getattr(jnp, dtype)), args.low == "jit"), epsilon)
            for dtype, epsilon in (("bfloat16", 2.0**-8), ("float16", 2.0**-11))
        }
        for seed in range(args.seeds):
            params, batch = numbers(model, SEED + 10 * seed)
            rows.append(low_noise(run64, models, params, batch))
    else:
        run32 = compiled(model, config.use_scan)
        with enable_x64():
            run64 = compiled(cls(config, _do_init=False, dtype=jnp.float64), config.use_scan)
        for seed in range(args.seeds):
            rows.append(float32_noise(config, cls, run32, run64, SEED + 10 * seed))
    line = [f"{name:32}"]
    for key in rows[0]:
        values = [row[key] for row in rows]
        if isinstance(values[0], str):
            line.append(f"{key} {values[int(np.argmax([row['grads'] for row in rows]))]}")
        else:
            line.append(f"{key} {np.median(values):.1e} {max(values):.1e}")
    print(" | ".join(line), flush=True)
    print(f"{name}: {time.time() - start:.0f} s", file=sys.stderr, flush=True)
    if args.json:
        with args.json.open("a") as file:
            file.write(json.dumps({"name": name, "low": args.low, "rows": rows}) + "\n")


for name, over in CONFIGS.items():
    if re.search(args.only, name):
        measure(name, over)
