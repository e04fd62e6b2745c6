"""A whole learning network made of parts, and the same network as a spec."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import hmn_lava as hl

sys.path.insert(0, str(Path(__file__).parents[1] / "processes"))

from drive import Wired

from hmn_lava.latency import Latency
from hmn_lava.partition import Part, partition
from hmn_lava.parts.competition import competition_part
from hmn_lava.parts.connection import connection_part
from hmn_lava.parts.modulation import modulation_part
from hmn_lava.parts.neuron import neuron_part
from hmn_lava.parts.oscillator import oscillator_part
from hmn_lava.parts.ports import sent_ports
from hmn_lava.reference import Reference
from hmn_lava.simulator.part import PartExecutor
from hmn_lava.spec import resolve

STEPS = 60
WEIGHTS = np.random.default_rng(8).uniform(-0.5, 0.5, (3, 4))
REWARD = {"mean_rate": 0.1, "weight": 0.8}
RATES = {"eta_local": 0.02, "eta_global": 0.1}
TRACES = {"tau_fast": 4.0, "tau_slow": 25.0, "mode": "replacing"}
PERIOD, PHASE = 9.0, 0.4
PHI = np.random.default_rng(9).uniform(0.0, 6.0, (3, 4))
WIRES = [
    ("x.s_out", "synapses.s_in"),
    ("reward.s_out", "third.e_reward_in"),
    ("third.third_out", "synapses.third_in"),
    ("synapses.a_out", "neurons.a_in"),
    ("neurons.s_out", "synapses.z_in"),
]
ATTENTION = {
    "beta": 1.5,
    "dimensions": 2,
    "embedding": np.random.default_rng(3).normal(size=(4, 2)),
    "key": np.random.default_rng(2).normal(size=(3, 2)),
}
DELAYS = np.random.default_rng(7).integers(0, 3, (3, 4))


def inputs() -> dict[str, np.ndarray]:
    """Graded activity that is silent at times, and a reward."""
    rng = np.random.default_rng(4)
    x = rng.uniform(0.0, 1.0, (STEPS, 4)) * (rng.random((STEPS, 4)) < 0.6)
    return {"x": np.round(x * 2**15) / 2**15, "reward": np.round(rng.uniform(-1, 1, (STEPS, 1)) * 2**14) / 2**14}


def parts(competition: str, phase: str) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The parts in both kinds of numbers, and their wires."""
    late = 1 if competition == "none" else 3
    third, z = modulation_part({"reward": {"type": "reward", **REWARD}}, **RATES), neuron_part(3, "sigmoid")
    phases: dict[str, Any] = {"phase": phase, "phi": PHI} if phase == "per_synapse" else {"phase": phase}
    synapses = connection_part(
        WEIGHTS,
        x_range=(0.0, 1.0),
        z_range=sent_ports(z[0])["s_out"],
        third=sent_ports(third[0])["third_out"],
        learn_delay=late,
        delays=DELAYS,
        **TRACES,
        **phases,
    )
    a = sent_ports(synapses[0])["a_out"]
    neurons = neuron_part(3, "sigmoid", a_range=a, bias=[0.1, 0.0, -0.2], competition=competition)
    found = {"third": third, "synapses": synapses, "neurons": neurons}
    wires = list(WIRES)
    if phase != "none":
        found["oscillator"] = oscillator_part(PERIOD, PHASE, waves=phase == "per_synapse", delay=late)
        names = ("cos", "sin") if phase == "per_synapse" else ("gate",)
        wires += [(f"oscillator.{name}_out", f"synapses.{name}_in") for name in names]
    if competition != "none":
        found["contest"] = competition_part(3, sent_ports(neurons[0])["key_out"])
        wires += [("neurons.key_out", "contest.mine_in"), ("neurons.key_out", "contest.other_in")]
        wires += [("contest.beaten_out", "neurons.beaten_in")]
    return found, wires


def run_parts(competition: str, phase: str, integers: bool) -> dict[str, np.ndarray]:
    """Weights and traces of each step, in real numbers, and z."""
    found, wires = parts(competition, phase)
    executors = {name: PartExecutor(part) if integers else equations for name, (part, equations) in found.items()}
    wired, given = Wired(executors, wires), inputs()
    scale = {"x": 2**15, "reward": 2**14} if integers else {"x": 1, "reward": 1}
    kept: dict[str, list[np.ndarray]] = {"w": [], "psi_fast": [], "psi_slow": [], "z": []}
    group = found["synapses"][0].group
    for t in range(STEPS):
        sent = wired.step({(name, "s_out"): given[name][t] * scale[name] for name in given})
        z = sent["neurons", "s_out"]
        kept["z"].append(z / 2**16 if integers else z)
        for name in ("w", "psi_fast", "psi_slow"):
            if integers:
                states = executors["synapses"].own
                kept[name].append(group.program.variable(name).format.real(states[name]))
            else:
                states = executors["synapses"].states
                kept[name].append(states["weights" if name == "w" else name].copy())
    return {name: np.array(values) for name, values in kept.items()}


def run_attended() -> np.ndarray:
    """Weights of each step with attention, whose context and normaliser are parts of a compiled network."""
    whole = partition(hl.compile(spec("none", "none", ATTENTION), allow_lossy=True).network).parts
    third, z = modulation_part({"reward": {"type": "reward", **REWARD}}, **RATES)[0], sent_ports(whole["z"])["s_out"]
    formats = {"z_range": z, "third": sent_ports(third)["third_out"]}
    given = {key: ATTENTION[key] for key in ("beta", "dimensions", "embedding")}
    synapses, _ = connection_part(WEIGHTS, x_range=(0.0, 1.0), delays=DELAYS, attention=given, **TRACES, **formats)
    neurons, _ = neuron_part(3, "sigmoid", a_range=sent_ports(synapses)["a_out"], bias=[0.1, 0.0, -0.2])
    made = {"third": third, "synapses": synapses, "neurons": neurons}
    made |= {"context": whole["c.context"], "normaliser": whole["c.attention"]}
    wires = [*WIRES, ("neurons.s_out", "context.z_in"), ("synapses.score_out", "normaliser.sum_in")]
    wires += [(f"context.direction_{d}_out", f"synapses.direction_{d}_in") for d in range(2)]
    wires += [("normaliser.reciprocal_out", "synapses.reciprocal_in")]
    executors = {name: PartExecutor(_prompt(part)) for name, part in made.items()}
    wired, sent = Wired(executors, wires), inputs()
    weights = []
    for t in range(STEPS):
        wired.step({("x", "s_out"): sent["x"][t] * 2**15, ("reward", "s_out"): sent["reward"][t] * 2**14})
        weights.append(synapses.group.program.variable("w").format.real(executors["synapses"].own["w"]))
    return np.array(weights)


def _prompt(part: Part) -> Part:
    """The part with links that wait for nothing but what it does itself."""
    if part.component not in ("context", "attention"):
        return part
    links = tuple(replace(link, delay=np.zeros(1, np.int64)) for link in part.network.links)
    return replace(part, network=replace(part.network, links=links))


def run_reference(competition: str, phase: str, attention: dict[str, Any] | None = None) -> dict[str, np.ndarray]:
    """The same network as a spec, by the float reference, with the lag of its weights."""
    model = resolve(spec(competition, phase, attention))
    late = (1 if competition == "none" else 3) + (0 if attention is None else 3)
    delay = {"c": model.connections["c"].delay}
    return Reference(model, Latency({"c": late}, delay, {})).run(
        inputs(), STEPS, ["c.w", "c.psi_fast", "c.psi_slow", "z.z"]
    )


def spec(competition: str, phase: str, attention: dict[str, Any] | None = None) -> Any:
    """The same network as a spec."""
    net = hl.Network("loop")
    source, reward = net.input("x", 4), net.input("reward", 1, range=(-1, 1))
    post = net.hmn("z", 3, activation="sigmoid", bias=[0.1, 0.0, -0.2], competition=competition)
    net.modulator("dopamine", type="reward", source=reward, **REWARD)
    fields: dict[str, Any] = {} if attention is None else {"attention": attention}
    if phase != "none":
        clock = net.oscillator("clock", period=PERIOD, phase=PHASE)
        fields["phase_gate"] = {"oscillator": clock, "phase": PHI if phase == "per_synapse" else 0.0}
    rates = {"local": RATES["eta_local"], "global": RATES["eta_global"]}
    net.connect(source, post, weights=WEIGHTS, rates=rates, traces=TRACES, name="c", delay=DELAYS, **fields)
    return net.spec()
