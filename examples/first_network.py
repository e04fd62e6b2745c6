"""Build a network in Python, compile it, and see where its integers leave the float model."""

import numpy as np

import hmn_lava as hl

net = hl.Network("first")
pre = net.input("pre", 20, signal="spike")
teach = net.input("teach", 1, range=(-1, 1))
post = net.hmn("post", 5, activation="relu", z_max=4.0)
teacher = net.modulator("teacher", type="input", source=teach)
net.connect(
    pre,
    post,
    name="synapses",
    weights={"init": "uniform", "low": 0.0, "high": 0.2},
    rates={"global": 0.02},
    modulators=[teacher],
    probabilistic_gate={"beta": 100.0, "threshold": 0.01},
)

bundle = hl.compile(net.spec(), profile="loihi2", seed=0)

steps = 500
draws = np.random.default_rng(0)
inputs = {"pre": draws.random((steps, 20)) < 0.1, "teach": draws.choice([-1.0, 0.0, 1.0], (steps, 1))}
result = bundle.run(inputs, probes=["synapses.w@0:500:100"])
for step, w in zip(range(0, steps, 100), result.probes["synapses.w"], strict=True):
    print(f"step {step:3d}: mean weight {w.mean():.4f}")

report = hl.compare(bundle, "reference", "fast", inputs=inputs)
for name, error in report.signals.items():
    snr = "equal" if error.snr_db is None else f"{error.snr_db:.0f} dB"
    print(f"{name:18} largest error {error.max_abs_error:.2g}, signal to noise {snr}")
