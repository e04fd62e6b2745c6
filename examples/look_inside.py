"""Compile the digits network and look inside: formats, latencies, what was rounded, and what one image changes."""

from pathlib import Path

import numpy as np

import hmn_lava as hl

bundle = hl.compile(Path(__file__).with_name("digits.yaml"), seed=0)

print("signal            format  latency")
for name, signal in bundle.network.signals.items():
    print(f"{name:18}{signal.format!s:>8}{signal.offset:>9}")

print(f"\n{'parameter that is not exact':50}{'requested':>11}{'relative error':>16}")
for row in bundle.lowering:
    if row["relative_error"]:
        print(f"{row['parameter']:50}{row['requested']:>11.6g}{row['relative_error']:>16.1e}")

# One image of 12 steps: free and unlearned at step 0, clamped to the label 3 and learned at step 1.
pixels, label, teach = np.zeros((12, 64)), np.zeros((12, 10)), np.zeros((12, 1))
pixels[:2] = np.random.default_rng(0).random(64) < 0.5
label[1] = np.where(np.arange(10) == 3, 1.0, -1.0)
teach[:2] = [[-1.0], [1.0]]

session = bundle.session("fast")
late = session.latency("readout.w")
session.run({"pixels": pixels, "label": label, "teach": teach})
session.run(steps=late)  # until the last update of the image has come back
w = session.real("readout.w")
print(f"\nweights of digit 3 rose by up to {w[3].max():.4f}; those of the others fell by up to {-w.min():.4f}")
