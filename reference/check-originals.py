"""Loads a folder that `easel convert --to flax` wrote into the original program and compares its outputs: python check-originals.py WRITTEN
ORIGINAL --originals DIR. ORIGINAL: the folder that was converted, in Flax's form, with io.safetensors of the original's recorded outputs if any.

Which program runs follows from config.json: DalleBart (both layouts), the first version's CustomFlaxBartForConditionalGeneration, vqgan-jax's VQModel,
transformers' FlaxCLIPModel. Each loads both folders by its own from_pretrained, whole or in parts, and computes the same fixed inputs.
DIR holds git clones dalle-mini/ (borisdayma/dalle-mini) and vqgan-jax/ (patil-suraj/vqgan-jax).

Environment: Python 3.11; jax==0.4.13 jaxlib==0.4.13 flax==0.6.11 transformers==4.25.1 tokenizers==0.13.3 numpy==1.25.2 "scipy<1.12" einops
unidecode ftfy emoji==1.7.0 pillow safetensors msgpack optax==0.1.7 chex==0.1.82 orbax-checkpoint==0.2.7.
"""

import argparse
import json
import os
import subprocess
import sys
import types
from pathlib import Path

os.environ.setdefault("JAX_PLATFORMS", "cpu")
parser = argparse.ArgumentParser()
parser.add_argument("written", type=Path)
parser.add_argument("original", type=Path)
parser.add_argument("--originals", type=Path, required=True)
args = parser.parse_args()
for part in ("dalle-mini/src", "vqgan-jax"):
    sys.path.insert(0, str(args.originals / part))

import flax
import jax
import jax.experimental
import jax.sharding
import numpy as np
import transformers
from safetensors.numpy import load_file

# dalle-mini was written for jax 0.3.25 and wants wandb for downloads.
jax.experimental.PartitionSpec = jax.sharding.PartitionSpec
sys.modules.setdefault("wandb", types.ModuleType("wandb"))

FIRST_VERSION_COMMIT = "1d04ab3"


def inputs(config, text_length, text_vocabulary, image_length, start):
    random = np.random.default_rng(0)
    mask = np.ones((2, text_length), np.int32)
    mask[1, text_length // 2 :] = 0
    ids = random.integers(3, text_vocabulary, mask.shape).astype(np.int32)
    tokens = random.integers(0, start, (2, image_length)).astype(np.int32)
    tokens[:, 0] = start
    return {"input_ids": np.where(mask == 1, ids, 1), "attention_mask": mask, "decoder_input_ids": tokens}


def dalle_bart(folder, recorded):
    from dalle_mini.model import DalleBart

    model, params = DalleBart.from_pretrained(str(folder), _do_init=False)
    c = model.config
    made = inputs(c, c.max_text_length, c.encoder_vocab_size, c.image_length, c.decoder_start_token_id)
    return lambda batch: {"logits": model(**batch, params=params).logits}, text_batches(made, recorded)


def first_version(folder, recorded):
    source = subprocess.run(
        ["git", "-C", str(args.originals / "dalle-mini"), "show", f"{FIRST_VERSION_COMMIT}:dalle_mini/model.py"],
        check=True, capture_output=True, text=True,
    ).stdout
    module = types.ModuleType("dalle_mini_of_2021")
    sys.modules["dalle_mini_of_2021"] = module
    exec(compile(source, "dalle_mini/model.py", "exec"), module.__dict__)
    defaults = json.loads((folder / "decoder_config.json").read_text()) if (folder / "decoder_config.json").exists() else {}

    class Config(transformers.BartConfig):
        """The decoder is built from BartConfig's defaults, whatever the file says: here those of decoder_config.json."""

        def __init__(self, vocab_size=50265, **settings):
            super().__init__(**{**defaults, "vocab_size": vocab_size, **settings})

    module.BartConfig = Config
    Model = module.CustomFlaxBartForConditionalGeneration
    config = Config(**json.loads((folder / "config.json").read_text()))
    model, params = Model.from_pretrained(str(folder), config=config, _do_init=False)
    c = model.config
    text_length = min(128, c.max_position_embeddings)
    made = inputs(c, text_length, c.vocab_size, c.max_position_embeddings_decoder - 1, c.decoder_start_token_id)
    return lambda batch: {"logits": model(**batch, params=params).logits}, text_batches(made, recorded)


def text_batches(made, recorded):
    names = ("input_ids", "attention_mask", "decoder_input_ids")
    return {"made": made} | ({"recorded": {name: recorded[name] for name in names}} if "input_ids" in recorded else {})


def vqgan(folder, recorded):
    from vqgan_jax.modeling_flax_vqgan import VQModel

    model = VQModel.from_pretrained(str(folder))
    c = model.config
    random = np.random.default_rng(0)
    side = 2 ** (len(c.ch_mult) - 1) * 4
    made = {"pixels": random.random((1, side, side, 3), np.float32), "code": random.integers(0, c.n_embed, (1, 16))}

    def run(batch):
        out = {"decode_code": model.decode_code(batch["code"])}
        z_q, indices = model.encode(batch["pixels"])
        return out | {"z_q": z_q, "indices": indices, "decoded": model.decode(z_q)}

    known = {"recorded": {name: recorded[name] for name in ("pixels", "code")}} if "code" in recorded else {}
    return run, {"made": made} | known


def clip(folder, recorded):
    model = transformers.FlaxCLIPModel.from_pretrained(str(folder))
    t, v = model.config.text_config, model.config.vision_config
    random = np.random.default_rng(0)
    mask = np.ones((3, t.max_position_embeddings), np.int32)
    made = {
        "input_ids": random.integers(1, t.vocab_size, mask.shape).astype(np.int32),
        "attention_mask": mask,
        "pixel_values": random.standard_normal((2, 3, v.image_size, v.image_size)).astype(np.float32),
    }

    def run(batch):
        out = model(**batch)
        return {name: out[name] for name in ("logits_per_image", "text_embeds", "image_embeds")}

    names = ("input_ids", "attention_mask", "pixel_values")
    known = {"recorded": {name: recorded[name] for name in names}} if "pixel_values" in recorded else {}
    return run, {"made": made} | known


PROGRAMS = {"dallebart": dalle_bart, "bart": first_version, "clip": clip, None: vqgan}
config = json.loads((args.original / "config.json").read_text())
program = PROGRAMS[config.get("model_type")]
if program is dalle_bart and "ch_mult" in config:
    program = vqgan
# The first version's outputs were recorded under two releases of transformers, which have different epsilons.
of_release = args.original / f"io_transformers_{transformers.__version__}.safetensors"
io = args.original / "io.safetensors"
recorded = load_file(io) if io.exists() else {}
expected = {**recorded, **load_file(of_release)} if of_release.exists() else recorded

# The same program on the same numbers gives the same bits; stacked and unstacked layers are two programs to XLA, which rounds differently.
use_scan = json.loads((args.written / "config.json").read_text()).get("use_scan")
allowed = 0 if use_scan == config.get("use_scan", use_scan) else 1e-5

print(f"{program.__name__}: jax {jax.__version__}, flax {flax.__version__}, transformers {transformers.__version__}; {args.written}")
run_written, batches = program(args.written, recorded)
run_original, _ = program(args.original, recorded)
for name, batch in batches.items():
    written, original = ({k: np.asarray(v) for k, v in run(batch).items()} for run in (run_written, run_original))
    for key, value in original.items():
        difference = np.abs(written[key].astype(np.float64) - value).max()
        print(f"  {name} inputs, {key} {list(value.shape)}: differs by {difference} from the original folder's (largest {np.abs(value).max():.4g})")
        assert difference <= allowed * np.abs(value).max(), key
        if name == "recorded" and key in expected:
            error = np.abs(written[key].astype(np.float64) - expected[key]).max()
            print(f"    by {error:.2g} from the recorded outputs")
            assert error <= 1e-4 * max(1.0, np.abs(expected[key]).max()), key
