"""What the tests run in Lava; see ``lava_child.py``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from changes import CHANGES, HALF, changed
from lava_child import run, sink, source
from zoo import IN_LAVA, STEPS, integers, process_of, reals

from hmn_lava.components.neuron import Z_SIGMOID
from hmn_lava.components.port import Port


def whole_zoo(tag: str) -> dict[str, np.ndarray]:
    """All components side by side: what each sends, and its Vars after the last step."""
    processes = {name: process_of(name) for name in IN_LAVA}
    silent: dict[tuple[int, ...], Any] = {}
    sinks = {}
    tie = None  # Lava runs what is connected: what is silent, and a sink that nobody reads, tie the components together
    for name, process in processes.items():
        sent = (integers if tag == "fixed_pt" else reals)(name, process.proc_params["part"])
        for port, values in sent.items():
            source(values).s_out.connect(getattr(process, port))
        for port in process.in_ports:
            size = port.shape
            silent[size] = silent.get(size) or source(np.zeros((STEPS, *size)))
            silent[size].s_out.connect(port)
        for port in process.sends:
            sinks[f"{name}.{port}"] = sink(getattr(process, port), STEPS)
            if getattr(process, port).shape == (1,):
                tie = tie or sink(getattr(process, port), STEPS)
                if getattr(process, port) not in tie.a_in.in_connections:
                    getattr(process, port).connect(tie.a_in)
    run(next(iter(processes.values())), tag, STEPS)
    found = {name: keeper.data.get().T for name, keeper in sinks.items()}
    for name, process in processes.items():
        found |= {f"{name}.{var.name}": var.get() for var in process.vars}
    next(iter(processes.values())).stop()
    return found


def against_lava(kind: str) -> dict[str, np.ndarray]:
    """Components and Lava's own behind the same sources; each thing is there twice, as ours.* and as lava.*."""
    return {"lif": _lif, "dense": _dense}[kind]()


def _lif() -> dict[str, np.ndarray]:
    """LIF with decays, threshold and bias such that it spikes, idles and wraps."""
    from lava.proc.dense.process import Dense
    from lava.proc.lif.process import LIF

    from hmn_lava.fixed import Fixed
    from hmn_lava.processes.neuron.process import HMNNeuron

    steps, n = 60, 5
    rng = np.random.default_rng(1)
    spikes = source(rng.random((steps, 8)) < 0.4)
    synapses = Dense(weights=2 * rng.integers(-100, 128, (n, 8)))
    huge = source(np.where(rng.random((steps, n)) < 0.2, rng.integers(-70000, 70000, (steps, n)), 0))
    bias = rng.integers(-300, 300, n)
    lava = LIF(shape=(n,), du=700, dv=300, vth=400, bias_mant=bias)
    given = {"du": 701 / 4096, "dv": 300 / 4096, "vth": 400.0, "bias_v": bias / 64}
    ours = HMNNeuron(shape=(n,), activation="lif", a_range=Fixed(24, True, 0), **given)
    spikes.s_out.connect(synapses.s_in)
    found = {}
    for name, neuron in (("lava", lava), ("ours", ours)):
        synapses.a_out.connect(neuron.a_in)
        huge.s_out.connect(neuron.a_in)
        found[name] = neuron, sink(neuron.s_out, steps), [], []
    for _ in range(steps):
        run(lava, "fixed_pt", 1)
        for neuron, _, u, v in found.values():
            u.append(neuron.u.get())
            v.append(neuron.v.get())
    arrays = {f"{name}.s_out": kept.data.get() for name, (_, kept, _, _) in found.items()}
    arrays |= {f"{name}.u": np.array(u) for name, (_, _, u, _) in found.items()}
    arrays |= {f"{name}.v": np.array(v) for name, (_, _, _, v) in found.items()}
    lava.stop()
    return arrays


def _dense() -> dict[str, np.ndarray]:
    """Dense and DelayDense: weights of both signs and of one, exponents, spikes and graded messages."""
    from lava.proc.dense.process import DelayDense, Dense

    from hmn_lava.processes.static.process import StaticConnection

    rng = np.random.default_rng(2)
    mixed, positive = 2 * rng.integers(-128, 128, (3, 4)), rng.integers(0, 256, (3, 4))
    delays = rng.integers(0, 6, (3, 4))
    spikes = source(rng.random((STEPS, 4)) < 0.5)
    graded = source(rng.integers(-100, 101, (STEPS, 4)))
    cases = {
        "mixed": (spikes, Dense(weights=mixed), StaticConnection(weights=mixed)),
        "graded": (graded, Dense(weights=mixed, num_message_bits=8), StaticConnection(weights=mixed)),
        "excitatory": (graded, Dense(weights=positive, num_message_bits=8), StaticConnection(weights=positive)),
        "inhibitory": (graded, Dense(weights=-positive, num_message_bits=8), StaticConnection(weights=-positive)),
        "up": (
            graded,
            Dense(weights=mixed, num_message_bits=8, weight_exp=3),
            StaticConnection(weights=mixed, weight_exp=3),
        ),
        "down": (
            graded,
            Dense(weights=mixed, num_message_bits=8, weight_exp=-3),
            StaticConnection(weights=mixed, weight_exp=-3),
        ),
        "delayed": (
            graded,
            DelayDense(weights=mixed, delays=delays, num_message_bits=8),
            StaticConnection(weights=mixed, delays=delays),
        ),
    }
    sinks, tie = {}, None
    for name, (sender, lava, ours) in cases.items():
        for whose, process in (("lava", lava), ("ours", ours)):
            sender.s_out.connect(process.s_in)
            sinks[f"{whose}.{name}"] = sink(process.a_out, STEPS)
        tie = tie or sink(spikes.s_out, STEPS)  # ties what has the other source to the rest
        if name == "graded":
            graded.s_out.connect(tie.a_in)
    run(spikes, "fixed_pt", STEPS)
    found = {name: kept.data.get() for name, kept in sinks.items()}
    spikes.stop()
    return found


def set_while_running(tag: str) -> dict[str, np.ndarray]:
    """What some components send when a Var of theirs is set after half of the steps."""
    processes = {name: process_of(name) for name in CHANGES}
    silent: dict[tuple[int, ...], Any] = {}
    sinks, tie = {}, sink(processes["oscillator"].gate_out, STEPS)
    processes["reward"].third_out.connect(tie.a_in)
    for name, process in processes.items():
        sent = (integers if tag == "fixed_pt" else reals)(name, process.proc_params["part"])
        for port in process.in_ports:
            source(sent[port.name]).s_out.connect(port)
            silent[port.shape] = silent.get(port.shape) or source(np.zeros((STEPS, *port.shape)))
            silent[port.shape].s_out.connect(port)
        sinks |= {f"{name}.{port}": sink(getattr(process, port), STEPS) for port in process.sends}
    first = processes["relu"]
    run(first, tag, HALF)
    for name, (variable, values) in CHANGES.items():
        var = getattr(processes[name], variable)
        var.set(changed(processes[name].proc_params["part"], variable, values) if tag == "fixed_pt" else values)
    run(first, tag, STEPS - HALF)
    found = {name: kept.data.get().T for name, kept in sinks.items()}
    first.stop()
    return found


def closed_loop(tag: str) -> dict[str, np.ndarray]:
    """The network of tests/parts/closed_loop.py, of Processes that are told of each other."""
    sys.path.append(str(Path(__file__).parents[1] / "parts"))
    import closed_loop as loop

    from hmn_lava.processes.competition.process import Competition
    from hmn_lava.processes.connection.process import HMNConnection
    from hmn_lava.processes.modulation.process import Neuromodulator
    from hmn_lava.processes.neuron.process import HMNNeuron
    from hmn_lava.processes.oscillator.process import Oscillator

    third = Neuromodulator(modulators={"reward": {"type": "reward", **loop.REWARD}}, **loop.RATES)
    synapses = HMNConnection(
        weights=loop.WEIGHTS,
        x_range=(0.0, 1.0),
        z_range=Port(Z_SIGMOID, (0, 1 << 16)),
        third=third.sends["third_out"],
        learn_delay=3,
        delays=loop.DELAYS,
        phase="per_synapse",
        phi=loop.PHI,
        **loop.TRACES,
    )
    neurons = HMNNeuron(
        shape=(3,),
        activation="sigmoid",
        a_range=synapses.sends["a_out"],
        bias=[0.1, 0.0, -0.2],
        competition="winner_take_all",
    )
    Competition.of(neurons)
    oscillator = Oscillator(period=loop.PERIOD, phase=loop.PHASE, waves=True, delay=synapses.update_delay)
    scale = {"x": 2**15, "reward": 2**14} if tag == "fixed_pt" else {"x": 1.0, "reward": 1.0}
    sent = {name: source(values * scale[name]) for name, values in loop.inputs().items()}
    sent["x"].s_out.connect(synapses.s_in)
    sent["reward"].s_out.connect(third.e_reward_in)
    third.third_out.connect(synapses.third_in)
    synapses.a_out.connect(neurons.a_in)
    neurons.s_out.connect(synapses.z_in)
    oscillator.cos_out.connect(synapses.cos_in)
    oscillator.sin_out.connect(synapses.sin_in)
    kept = sink(neurons.s_out, loop.STEPS)
    run(neurons, tag, loop.STEPS)
    found = {"z": kept.data.get().T, "weights": synapses.weights.get(), "psi_slow": synapses.psi_slow.get()}
    neurons.stop()
    return found


def examples() -> dict[str, np.ndarray]:
    """Runs the examples in the docstrings: how many were tried, and how many failed."""
    import doctest
    import importlib

    found = {}
    for folder in ("neuron", "competition", "connection", "trace", "oscillator", "phase_gate", "modulation", "static"):
        tried = doctest.testmod(importlib.import_module(f"hmn_lava.processes.{folder}.process"))
        found[folder] = np.array([tried.attempted, tried.failed])
    return found
