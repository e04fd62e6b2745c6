"""The adapters of the language model as a network: four residual HMN layers that learn from the next token.

With x_0 = h / ``SCALE`` the token's state, cut to [-1, 1], l = 1 .. 4, and s_l = 1, -1, 1, -1,

    z_l = σ(W_l x_(l-1) + s_l g e),   x_l = x_(l-1) + s_l (z_l - σ(s_l g e)) / SCALE,   out = x_4 - x_0,

where σ is the sigmoid, g a gain, and e the error of the answer, 0 while the network answers. Since the layers are
residual, the error of the last one is, to first order, that of each of them: no layer has to send one back to another,
and the rule stays local. What the error itself does to a layer (``untaught``, neurons without plastic synapses; 1/2
while the network answers) is taken from what it adds, or else the layers behind it would learn it as if it were part of
the text.

A lesson is two steps with the state of the token that was answered for. In the first e and all modulators come with
their sign turned round, in the second as they are. The two updates have opposite signs, and add up to

    Δw_ij ∝ G' s_l x_i [σ(a_j + g e_j) - σ(a_j - g e_j)],

which follows the gradient of log p, and saturates where the error is large. Where an error is, one of the two
activities is near 0 and the probabilistic gate drops its update; so the noise of rounding is that of the change alone.

Two layers add and two subtract because the engine rounds products down: all its weights drift down alike, and what that
does to the answer cancels. Narrow bounds make the levels of its weights, in which the drift is fixed, small.

The engine has no traces of negative activity. For it a state is sent as two populations' worth of values of opposite
sign (``opposite``), so that a layer has twice the weights.

Source: the Trans-HMN paper, section 3; the two steps are contrastive Hebbian learning (Movellan 1991).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import pi
from typing import Any

import numpy as np

from hmn_lava.errors import InputError
from hmn_lava.language.frozen import Floats, Frozen
from hmn_lava.spec import Network, Spec
from hmn_lava.spec.arrays import Values
from hmn_lava.spec.builder import Handle
from hmn_lava.spec.host import LanguageHost

SIGNS = (1.0, -1.0, 1.0, -1.0)
"""Of what an adapter adds."""
ADAPTERS = len(SIGNS)
SCALE = 2.0
"""A state has a variance of 1; one value of 20 is beyond 2, and is cut for the adapters alone."""
MODULATORS = {"uncertainty": 0.5, "novelty": 1.5, "reward": 0.1}
"""w_k of each: the rule's G' is about 1."""
LIMITS = {"uncertainty": 2.0, "novelty": 1.0, "reward": 2.0}
"""What they are cut to: the chip has few bits, and spends them on what occurs."""
BOUNDS = (-0.5, 0.5)


@dataclass(frozen=True)
class Setting:
    """What depends on the lowering.

    A token takes ``period`` steps: the lesson of the one before has steps 0 and 1, its state comes at step ``query``,
    when the lesson's updates are in the weights, and the answer is out within the period. ``gain``: of the error.
    ``rate``: of a synapse, where attention is even and G' is 1.
    """

    period: int
    query: int
    gain: float
    rate: float


SETTINGS = {
    "neurocore": Setting(period=20, query=7, gain=4.0, rate=0.004),
    "engine": Setting(period=6, query=2, gain=8.0, rate=0.004),
}
"""Gains and rates: those with the least forgetting at an adaptation of about 0.6 and 0.75 (docs/language.md)."""


def setting_of(plasticity: str) -> Setting:
    """The setting of a lowering. Raises InputError for another one."""
    if plasticity not in SETTINGS:
        remedy = f"one of: {', '.join(SETTINGS)}"
        raise InputError("no such lowering", field="plasticity", value=plasticity, remedy=remedy)
    return SETTINGS[plasticity]


def language_spec(
    frozen: Frozen, plasticity: str = "neurocore", *, name: str = "language", rule: Mapping[str, Any] | None = None
) -> Spec:
    """The spec of the adapters, with the frozen part as its host.

    ``plasticity``: the lowering that it is for. ``rule``: fields of the plastic connections that are to be otherwise.
    Raises InputError for another lowering.
    """
    opposite, setting, d = plasticity == "engine", setting_of(plasticity), frozen.width
    both = np.concatenate([np.eye(d), -np.eye(d)]) if opposite else np.eye(d)
    net = Network(name, "Four residual HMN adapters behind a frozen encoder")
    state = net.input("state", len(both), range=(0, 1) if opposite else (-1, 1))
    error = net.input("error", d, range=(-1, 1))
    modulators = _modulators(net)
    theta = net.oscillator("theta", period=float(setting.period))
    fields: dict[str, Any] = {
        "weights": 0.0,
        "bounds": BOUNDS,
        "traces": {"tau_fast": 1.0, "tau_slow": 2.0},
        # Attention shares 1 among a neuron's synapses; both traces hold the coincidence.
        "rates": {"global": setting.rate * len(both) / 2.0},
        "attention": {"beta": 0.1},
        "phase_gate": {"oscillator": theta, "phase": pi / setting.period},  # midway between the steps of a lesson
        "probabilistic_gate": {"beta": 5000.0, "threshold": 0.0008},
        "modulators": modulators,
    } | dict(rule or {})
    untaught = net.hmn("untaught", d, activation="sigmoid")
    net.connect_static(error, untaught, name="teach_untaught", weights={"init": "identity", "gain": setting.gain})
    before: list[Handle] = []
    for layer, sign in enumerate(SIGNS, 1):
        source = state
        if before:
            source = _relay(net, f"stream_{layer}", before, both, activation="relu" if opposite else "unit")
            # What is sent as two populations' worth is the difference of both.
            residual = np.concatenate([both, -both], axis=1) if opposite else both
            net.connect_static(state, source, name=f"state_to_{source}", weights=residual)
        adapter = net.hmn(f"adapter_{layer}", d, activation="sigmoid")
        net.connect_static(
            error, adapter, name=f"teach_{layer}", weights={"init": "identity", "gain": sign * setting.gain}
        )
        net.connect(source, adapter, name=f"adapt_{layer}", **fields)
        before.append(adapter)
    _relay(net, "out", before, np.eye(d), activation="unit")
    host = LanguageHost(
        type="language",
        encoder=frozen.encoder.name,
        sha256=frozen.encoder.sha256,
        plasticity="engine" if opposite else "neurocore",
        window=frozen.encoder.window,
        scale=SCALE,
        period=setting.period,
        query=setting.query,
        projection=Values.of(frozen.projection),
        readout=Values.of(frozen.readout),
        bias=Values.of(frozen.bias),
        tokens=Values.of(frozen.tokens),
    )
    return net.spec().model_copy(update={"host": host})


def _modulators(net: Network) -> list[Handle]:
    """G' = Σ γ_k w_k E_k. The context has the sign of the step, so that both steps of a lesson have the same γ."""
    sign = net.input("sign", 1, range=(-1, 1))
    net.global_attention(beta=0.5, rate=1.0, context=sign)
    found = []
    for name, weight in MODULATORS.items():
        source = net.input(f"{name}_now", 1, range=(-LIMITS[name], LIMITS[name]))
        found.append(net.modulator(name, type="input", source=source, weight=weight * len(MODULATORS)))
    return found


def _relay(net: Network, name: str, before: list[Handle], out: Floats, **fields: Any) -> Handle:
    """A relay of what the adapters before add, each value of it as a row of ``out`` says."""
    signs = SIGNS[: len(before)]
    # s σ(s g e) is σ(g e), less 1 where s is -1.
    bias = signs.count(-1.0) * out.sum(1) / SCALE
    relay = net.sigma_delta(name, len(out), sum=False, difference=False, z_max=1.0, bias=bias, **fields)
    net.connect_static("untaught", relay, name=f"untaught_to_{name}", weights=-len(before) * out / SCALE)
    for adapter, sign in zip(before, signs, strict=True):
        net.connect_static(adapter, relay, name=f"{adapter}_to_{name}", weights=sign * out / SCALE)
    return relay
