"""What a run did: every message of every step of the chip, the paths of programs, and which weights changed.

The network runs as it is, with more of it named: for each output and each step of the frame there is a signal, so that
the probes that every executor has record all messages. Nothing in an executor knows that it is counted, and what is
counted cannot depend on which executor it is. Steps are recorded in parts, to bound memory; weights that are too many
to be recorded are read from the executor's state after each step instead.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.energy.activity import Activity, Likely, column_counts
from hmn_lava.energy.path import clock, clocked_skips, sent, skips, watched
from hmn_lava.errors import InputError
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.ir import WORD
from hmn_lava.network import Group, IntegerNetwork, Signal, SignalKind
from hmn_lava.simulator.executor import IntegerSession
from hmn_lava.simulator.interface import check_inputs
from hmn_lava.simulator.interpreter import Interpreter
from hmn_lava.simulator.probes import MEMORY_LIMIT, Probe

PART = 1 << 27
"""Bytes that are recorded and counted at a time, about: weights of more are not recorded."""

BACKENDS = ("fast", "interpreter")
_WORD = Fixed(WORD, True)


def observe(
    network: IntegerNetwork,
    inputs: Mapping[str, Any],
    steps: int | None,
    backend: str = "fast",
    threads: int | None = None,
) -> Iterator[Activity]:
    """Run ``steps`` steps of the model from the initial state; yields what happened, part after part.

    ``inputs`` and ``steps`` as in :meth:`hmn_lava.simulator.interface.Session.run`. Raises InputError for a backend
    that is not one of :data:`BACKENDS`, for a network whose messages of one step need more memory than a run may
    record, and as ``run`` does.
    """
    if backend not in BACKENDS:
        remedy = f"one of: {', '.join(BACKENDS)}, which give the same counts; board or rehearsal, to run there besides"
        raise InputError("does not count", field="backend", value=backend, remedy=remedy)
    arrays, steps = check_inputs(network, inputs, steps)
    if steps < 1:
        raise InputError(
            "nothing happens in no steps", field="inputs", value=steps, remedy="give an input of some steps"
        )
    many = 8 * sum(_size(network, name) for name in plastic(network)) > PART
    named = _named(network, with_weights=not many)
    _refuse_unrecordable(named)
    session = _open(named, backend, threads)
    weights = {name: session.states[name][variable].flatten() for name, variable in plastic(network).items()}
    most = 1 if many else max(1, PART // max(1, _bytes(network)))
    probes = [Probe(name) for name in named.signals]
    for first in range(0, steps, most):
        count = min(most, steps - first)
        part = {name: values[first : first + count] for name, values in arrays.items()}
        raw = dict(session.run(part, count, probes, outputs=False).raw)
        if many:
            for name, variable in plastic(network).items():
                raw[_key(name, variable, network.frame - 1)] = session.states[name][variable].reshape(1, -1)
        yield _activity(network, raw, first * network.frame, count, weights)


def _refuse_unrecordable(named: IntegerNetwork) -> None:
    """Raise InputError if one step of all signals is more than a run may record."""
    sizes = {name: 8 * math.prod(signal.shape) for name, signal in named.signals.items()}
    need = sum(sizes.values())
    if need > MEMORY_LIMIT:
        largest = named.signals[max(sizes, key=lambda name: sizes[name])]
        limit = f"{MEMORY_LIMIT >> 20} MiB can be recorded"
        raise InputError(
            f"too large to count: the messages of one step need {need >> 20} MiB, and {limit}",
            field=largest.owner,
            value=f"{largest.shape[0]} values of {largest.variable}",
            remedy="count without a run, by worst or rates, or profile a smaller network",
        )


def plastic(network: IntegerNetwork) -> dict[str, str]:
    """Groups of learning synapses, microcoded or of the learning engine, and the state that is their weight."""
    coded = {g.name: "w" for g in network.groups.values() if g.topology is not None and _learns(g)}
    return coded | dict.fromkeys(network.learning, "weights")


def _learns(group: Group) -> bool:
    """Whether a program writes the weight of its synapse."""
    return any(i.op == "store" and i.operands[0] == "w" for i in group.program.instructions)


def _open(network: IntegerNetwork, backend: str, threads: int | None) -> IntegerSession:
    if backend == "interpreter":
        return Interpreter(network)
    from hmn_lava.simulator.fast import Fast  # takes half a second

    return Fast(network, threads)


def _size(network: IntegerNetwork, owner: str) -> int:
    """How many synapses a group of them has."""
    return network.learning[owner].size if owner in network.learning else network.groups[owner].size


def _named(network: IntegerNetwork, with_weights: bool = True) -> IntegerNetwork:
    """The network with a signal for each output in each step of the frame, and for what its counts depend on."""
    groups = {g.name: replace(g, program=watched(g.program, g.topology is not None)) for g in network.groups.values()}
    signals: dict[str, Signal] = {}

    def name(owner: str, variable: str, kind: SignalKind, width: int, phases: range) -> None:
        for phase in phases:
            signals[_key(owner, variable, phase)] = Signal(owner, variable, kind, _WORD, phase, (width,))

    frame = range(network.frame)
    for source in network.inputs.values():
        name(source.name, "x", "input", source.size, frame[:1])  # silent in the rest of a frame
    for group in groups.values():
        for output in group.program.outputs:
            name(group.name, output.name, "output", group.width, frame)
        known = {o.name for o in network.groups[group.name].program.observables}
        for observable in group.program.observables:
            if observable.name not in known:
                name(group.name, observable.name, "observable", group.size, frame)
    for owner, variable in plastic(network).items() if with_weights else ():
        name(owner, variable, "state", _size(network, owner), frame[-1:])
    return replace(network, groups=groups, signals=signals, outputs=())


def _key(owner: str, variable: str, phase: int) -> str:
    return f"{owner}/{variable}/{phase}"


def _bytes(network: IntegerNetwork) -> int:
    """About what is held for one step of the model while it is recorded and counted."""
    wide = sum(source.size for source in network.inputs.values())
    for group in network.groups.values():
        wide += group.width * len(group.program.outputs) + 2 * group.size
        if group.topology is not None:
            wide += group.size * (len(group.program.inputs) + 2 * len(group.program.outputs))
    wide += sum(2 * link.topology.size for link in network.links if link.topology is not None)
    weights = sum(4 * synapses.size for synapses in network.learning.values())
    return 8 * (network.frame * wide + weights)


def _activity(
    network: IntegerNetwork,
    raw: Mapping[str, NDArray[Any]],
    start: int,
    count: int,
    weights: dict[str, NDArray[Any]],
) -> Activity:
    """What was recorded of ``count`` steps of the model; ``weights`` are those before, and are moved on."""
    frame, steps = network.frame, count * network.frame

    def series(owner: str, variable: str) -> NDArray[Any]:
        parts = [raw[_key(owner, variable, phase)] for phase in range(frame)]
        return np.asarray(np.stack(parts, axis=1).reshape(steps, -1))

    messages: dict[tuple[str, str], Likely] = {}
    unit: dict[tuple[str, str], NDArray[Any]] = {}
    shared = _shared(network)
    integers: dict[tuple[str, str], NDArray[Any]] = {}

    def keep(owner: str, output: str, values: NDArray[Any], one: int) -> None:
        messages[owner, output] = values != 0
        if (owner, output) in shared:
            integers[owner, output] = values
        unit[owner, output] = ((values == 0) | (np.abs(values) == one)).all(axis=1)

    for source in network.inputs.values():
        driven = np.zeros((count, frame, source.size), np.int64)
        driven[:, 0] = raw[_key(source.name, "x", 0)]
        keep(source.name, "x", driven.reshape(steps, -1), _one(source.format))
    skipped: dict[tuple[str, int], Likely] = {}
    emitted: dict[tuple[str, str], Likely] = {}
    for group in network.groups.values():
        program, here = group.program, clock(group.program, start, steps)
        for n in skips(program):
            if n not in clocked_skips(program):
                here[n] = series(group.name, f"skip_{n}") != 0
        skipped |= {(group.name, n): condition for n, condition in here.items()}
        for output in program.outputs:
            keep(group.name, output.name, series(group.name, output.name), _one(output.format))
            if group.topology is not None:
                sends = {
                    n: series(group.name, f"emit_{n}")
                    for n, i in enumerate(program.instructions)
                    if i.op == "emit" and i.operands[0] == output.name and isinstance(i.operands[1], str)
                }
                emitted[group.name, output.name] = sent(group, output.name, sends, here, steps)
    changed, effective = {}, {}
    for owner, variable in plastic(network).items():
        after = raw[_key(owner, variable, frame - 1)]
        before = np.concatenate([weights[owner][None].astype(after.dtype), after[:-1]])
        changed[owner] = np.count_nonzero(after != before, axis=1)
        topology = network.learning[owner].topology if owner in network.learning else network.groups[owner].topology
        if topology is not None:
            effective[owner] = np.array([column_counts(row != 0, topology) for row in before], np.int64)
        weights[owner] = after[-1].copy()
    return Activity(start, steps, messages, skipped, emitted, changed, integers, effective, unit)


def _shared(network: IntegerNetwork) -> set[tuple[str, str]]:
    """Outputs that share an axon of learning synapses with others."""
    onto = [network.links_to(name) for name in network.learning]
    return {link.source for links in onto if len(links) > 1 for link in links}


def _one(format: Fixed) -> int:
    """The integer that stands for 1; none where the format has no such integer."""
    return 1 << format.frac if format.frac >= 0 else -1
