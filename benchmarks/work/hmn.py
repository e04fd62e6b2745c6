"""Work for the compiled HMN rule: one dense or sparse connection with every part of the rule, and its neurons."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

import hmn_lava as hl
from hmn_lava.bundle import Bundle
from hmn_lava.network import IntegerNetwork

CONNECTION = "synapses"
PERIOD = 16.0
"""Steps of the oscillator. Where the gate is to stay closed it has so many that its phase does not move in a run."""
STANDING = 1e6

PROFILE = "loihi2"
CHIPS = 1024
AXONS = 1 << 20
"""Of the profile that the work is compiled for, so that no size is refused; a step takes as long for any number."""


@dataclass(frozen=True)
class HmnWork:
    """``steps`` steps of a connection from ``pre`` inputs to ``post`` neurons, lowered as ``plasticity`` says.

    ``rate``: the probability that an input is active in a step. ``density``: of the synapses. ``rewarded``: whether the
    modulator is ever other than zero (then, half of the steps). ``gate``: whether the phase gate opens. ``attention``:
    with local attention (its pooled context does not fit the engine lowering from 256 neurons on).
    """

    pre: int
    post: int
    rate: float
    steps: int
    plasticity: str = "neurocore"
    density: float = 1.0
    rewarded: bool = True
    gate: bool = True
    attention: bool = True
    seed: int = 0

    @property
    def synapses(self) -> int:
        """As many as there are, or as many as expected where they are drawn."""
        return round(self.pre * self.post * self.density)

    def settings(self) -> dict[str, Any]:
        return {"kind": "hmn", "work": asdict(self)}

    def spec(self) -> hl.Spec:
        net = hl.Network("hmn")
        pre = net.input("pre", self.pre, signal="spike")
        reward = net.input("reward", 1, range=(-1, 1))
        post = net.hmn("post", self.post, activation="sigmoid")
        teacher = net.modulator("teacher", type="input", source=reward)
        net.oscillator("theta", period=PERIOD if self.gate else STANDING)
        parts: dict[str, Any] = {} if self.density == 1.0 else {"topology": {"density": self.density}}
        if self.attention:
            parts["attention"] = {"beta": 1.0, "dimensions": 1, "embedding": 1.0, "key": 1.0, "context_rate": 0.1}
        net.connect(
            pre,
            post,
            name=CONNECTION,
            weights={"init": "uniform", "low": -0.25, "high": 0.25},
            bounds=(-1.0, 1.0),
            traces={"tau_fast": 5.0, "tau_slow": 20.0},
            rates={"local": 0.0, "global": 0.05},
            modulators=[teacher],
            phase_gate={"oscillator": "theta", "phase": 0.0 if self.gate else float(np.pi)},
            probabilistic_gate={"beta": 200.0, "threshold": 0.005},
            **parts,
        )
        return net.spec()

    def bundle(self) -> Bundle:
        """The compiled work, for chips without limits of axons: what is measured is this computer."""
        profile = hl.load_profile(PROFILE).with_chips(CHIPS)
        axons = {name: getattr(profile.core, name) for name in ("input_axons", "output_axons")}
        wide = {name: entry.model_copy(update={"value": AXONS}) for name, entry in axons.items()}
        profile = profile.model_copy(update={"core": profile.core.model_copy(update=wide)})
        return hl.compile(self.spec(), profile=profile, plasticity=self.plasticity, seed=self.seed, allow_lossy=True)

    def network(self) -> IntegerNetwork:
        return self.bundle().network

    @cached_property
    def inputs(self) -> dict[str, NDArray[np.float64]]:
        """The host's input: pre (steps, pre) and reward (steps, 1)."""
        rng = np.random.default_rng(self.seed)
        reward = rng.choice([-1.0, 0.0, 0.0, 1.0], (self.steps, 1)) if self.rewarded else np.zeros((self.steps, 1))
        return {"pre": (rng.random((self.steps, self.pre)) < self.rate).astype(np.float64), "reward": reward}
