"""One of each component, and what is sent to it: the same for the tests with Lava and those without."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from hmn_lava.fixed import Fixed
from hmn_lava.partition import Part
from hmn_lava.parts.ports import read_ports, sent_ports
from hmn_lava.reference.parts import FloatPart

STEPS = 50

_RNG = np.random.default_rng(5)
WEIGHTS = _RNG.uniform(-0.5, 0.5, (3, 4))
MASK = np.array([[1, 0, 1, 1], [0, 1, 0, 0], [1, 1, 0, 1]])
PHASES = _RNG.uniform(0.0, 6.0, (3, 4))
LEARN: dict[str, Any] = {"tau_fast": 4.0, "tau_slow": 30.0, "third": (-0.05, 0.05)}

ZOO: dict[str, tuple[str, str, dict[str, Any]]] = {
    "relu": ("neuron.HMNNeuron", "neuron.neuron_part", {"shape": (3,), "bias": [0.5, 0.0, -0.5], "z_max": 3.0}),
    "sigmoid": ("neuron.HMNNeuron", "neuron.neuron_part", {"shape": (3,), "activation": "sigmoid", "noise": 0.3}),
    "lif": (
        "neuron.HMNNeuron",
        "neuron.neuron_part",
        {"shape": (3,), "activation": "lif", "du": 0.3, "dv": 0.1, "vth": 4.0, "a_range": (-2.0, 3.0), "bias_v": 0.125},
    ),
    "winner": (
        "neuron.HMNNeuron",
        "neuron.neuron_part",
        {"shape": (3,), "activation": "sigmoid", "competition": "winner_take_all"},
    ),
    "sampler": (
        "neuron.HMNNeuron",
        "neuron.neuron_part",
        {"shape": (3,), "activation": "lif", "competition": "sample", "temperature": 0.5, "seed": 9},
    ),
    "competition": ("competition.Competition", "competition.competition_part", {"shape": (3,)}),
    "plain": ("connection.HMNConnection", "connection.connection_part", {"weights": WEIGHTS, **LEARN}),
    "graded": (
        "connection.HMNConnection",
        "connection.connection_part",
        {
            "weights": WEIGHTS,
            **LEARN,
            "mode": "accumulating",
            "x_range": (-1.0, 2.0),
            "z_range": (0.0, 1.0),
            "phase": "per_synapse",
            "phi": PHASES,
            "learn_delay": 3,
        },
    ),
    "sparse": (
        "connection.HMNConnection",
        "connection.connection_part",
        {
            "weights": WEIGHTS,
            **LEARN,
            "topology": MASK,
            "phase": "shared",
            "beta_p": 100.0,
            "theta_p": 0.02,
            "delays": 2 * MASK,
            "x_range": (0.0, 1.0),
        },
    ),
    "attended": (
        "connection.HMNConnection",
        "connection.connection_part",
        {
            "weights": WEIGHTS,
            **LEARN,
            "tau_slow": None,
            "attention": {"beta": 1.5, "dimensions": 2, "embedding": [[1, 0], [0, 1], [-1, 1], [0.5, 0.5]]},
        },
    ),
    "trace": (
        "trace.EligibilityTrace",
        "trace.trace_part",
        {"shape": (3,), "tau_fast": 4.0, "tau_slow": 40.0, "x_range": (-1.0, 1.0), "learn_delay": 1},
    ),
    "accumulating": (
        "trace.EligibilityTrace",
        "trace.trace_part",
        {"shape": (3,), "tau_fast": 6.0, "mode": "accumulating"},
    ),
    "oscillator": (
        "oscillator.Oscillator",
        "oscillator.oscillator_part",
        {"period": 12.5, "phase": 0.7, "delay": 2},
    ),
    "waves": ("oscillator.Oscillator", "oscillator.oscillator_part", {"period": 9.0, "phase": -1.0, "waves": True}),
    "phase_gate": ("phase_gate.PhaseGate", "oscillator.phase_gate_part", {"phi": [0.0, 1.0, -2.5]}),
    "reward": (
        "modulation.Neuromodulator",
        "modulation.modulation_part",
        {
            "modulators": {
                "dopamine": {"type": "reward", "mean_rate": 0.1, "on": "delivery", "weight": 0.5},
                "teacher": {"range": (-1.0, 3.0), "weight": -0.25},
            },
            "eta_local": 0.01,
            "eta_global": 0.2,
        },
    ),
    "attending": (
        "modulation.Neuromodulator",
        "modulation.modulation_part",
        {
            "modulators": {
                "a": {"type": "reward", "mean_rate": 0.05, "key": [1.0, 0.5]},
                "b": {"weight": 2.0, "key": [-0.2, 1.0]},
            },
            "attention": {"beta": 2.0, "dimensions": 2, "rate": 0.2, "context_range": (-1.0, 1.0)},
        },
    ),
    "static": (
        "static.StaticConnection",
        "static.static_part",
        {"weights": [[2, -4, 6, 0], [100, 8, -50, 4], [0, 0, 2, 2]], "delays": 1 + 2 * MASK, "weight_exp": -1},
    ),
    "real": (
        "static.StaticConnection",
        "static.static_part",
        {"weights": WEIGHTS, "topology": MASK, "x_range": (-1.0, 1.0)},
    ),
}


IN_LAVA = (
    "relu",
    "sigmoid",
    "lif",
    "sampler",
    "competition",
    "graded",
    "sparse",
    "attended",
    "trace",
    "oscillator",
    "phase_gate",
    "attending",
    "static",
    "real",
)
"""Those that run in Lava as well: one of each kind of port, since each process there takes its time to start."""

NEAR = {
    "relu": {"s_out": 3.1e-5},
    "sigmoid": {"s_out": 2e-4},
    "lif": {"s_out": 0.0},
    "winner": {"s_out": 2.3e-5, "key_out": 0.0},
    "sampler": {"s_out": 0.0, "key_out": 5e-3},
    "competition": {"beaten_out": 0.0},
    "plain": {"a_out": 2e-4},
    "graded": {"a_out": 6e-3},
    "sparse": {"a_out": 1e-4},
    "attended": {"a_out": 2e-4, "score_out": 2e-4},
    "trace": {"e_out": 6e-4},
    "accumulating": {"e_out": 8e-4},
    "oscillator": {"gate_out": 1.6e-5},
    "waves": {"cos_out": 1.6e-5, "sin_out": 1.6e-5},
    "phase_gate": {"gate_out": 6.1e-5},
    "reward": {"third_out": 1e-6},
    "attending": {"third_out": 6e-5},
    "static": {"a_out": 0.5},
    "real": {"a_out": 6e-3},
}
"""How far the integers may be from real numbers: of what remembers, twice what was seen after STEPS steps."""


def process_of(name: str) -> Any:
    """The Lava Process."""
    where, _, kwargs = ZOO[name]
    module, _, cls = where.partition(".")
    return getattr(importlib.import_module(f"hmn_lava.processes.{module}.process"), cls)(**kwargs)


def part_of(name: str) -> tuple[Part, FloatPart]:
    """The same without Lava."""
    _, where, kwargs = ZOO[name]
    module, _, function = where.partition(".")
    part: tuple[Part, FloatPart] = getattr(importlib.import_module(f"hmn_lava.parts.{module}"), function)(**kwargs)
    return part


def formats_of(part: Part) -> dict[str, Fixed]:
    """The formats of its ports."""
    return {name: port.format for name, port in {**read_ports(part), **sent_ports(part)}.items()}


def integers(name: str, part: Part) -> dict[str, np.ndarray]:
    """What is sent to each port, (STEPS, size): silent in half of the steps, else anything within its bounds."""
    found = {}
    for number, (port, range) in enumerate(sorted(read_ports(part).items())):
        rng = np.random.default_rng([len(name), number, *name.encode()])
        size = next(p.size for p in part.inputs if p.name == port)
        low, high = range.bounds
        if name == "static":
            low, high = -200, 200
        if port == "reciprocal_in":  # of sums from 1 up
            low, high = high // 8, high // 4
        values = rng.integers(low, high + 1, (STEPS, size))
        found[port] = np.where(rng.random((STEPS, size)) < 0.5, values, 0)
    if "direction_0_in" in found:  # unit vectors
        angle = np.random.default_rng(3).uniform(0.0, 6.3, found["direction_0_in"].shape)
        format = read_ports(part)["direction_0_in"].format
        found["direction_0_in"], found["direction_1_in"] = (format.quantise(wave(angle)) for wave in (np.cos, np.sin))
    return found


def reals(name: str, part: Part) -> dict[str, np.ndarray]:
    """The same in real numbers."""
    formats = formats_of(part)
    return {port: formats[port].real(values) for port, values in integers(name, part).items()}
