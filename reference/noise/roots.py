"""Rounding noise of the original's inverse roots: S^(-1/p) in float32 beside its value by eigenvalues in float64.

  ORIGINALS=DIR python roots.py [--seeds 20]

Symmetric matrices with random eigenvectors and eigenvalues spaced evenly on a logarithmic scale from 1 down to 1 / condition. The original
adds 1e-6 of the largest eigenvalue to all, so that no matrix is conditioned worse than 1e6. Printed: largest difference /
largest number of the root, divided by condition * 2^-24; median and largest over seeds.
"""
import argparse
import sys
import warnings
from pathlib import Path

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--seeds", type=int, default=20)
args = parser.parse_args()
sys.path.insert(0, str(Path(__file__).parents[1] / "golden/scripts"))
sys.argv = ["roots.py"]
warnings.simplefilter("ignore")

import common  # noqa: E402

common.shim()
import jax  # noqa: E402
import numpy as np  # noqa: E402
from scalable_shampoo import distributed_shampoo as ds  # noqa: E402

for size in (4, 7, 12):
    for p in (2, 4):
        root = jax.jit(lambda m: ds.matrix_inverse_pth_root(m, p))
        for condition in (1, 10, 1e2, 1e4, 1e6, 1e9):
            ratios = []
            for seed in range(args.seeds):
                r = np.random.default_rng(10_000 + seed)
                q = np.linalg.qr(r.normal(size=(size, size)))[0]
                matrix = ((q * condition ** -np.linspace(0, 1, size)) @ q.T).astype(np.float32)
                got, error = root(matrix)
                if not float(error) < 0.1:
                    continue  # the original keeps the old root
                values, vectors = np.linalg.eigh(matrix.astype(np.float64))
                ridged = values + 1e-6 * values.max()
                if ridged.min() <= 0:
                    continue
                exact = (vectors * ridged ** (-1 / p)) @ vectors.T
                known = ridged.max() / ridged.min()
                ratios.append(np.abs(exact - np.asarray(got)).max() / np.abs(exact).max() / (known * 2.0**-24))
            print(f"size {size:2} p {p} condition {condition:.0e} | taken {len(ratios):2} | {np.median(ratios):.2f} {max(ratios):.2f}", flush=True)
