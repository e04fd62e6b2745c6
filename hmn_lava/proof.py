"""What must hold of an integer network before anything runs it.

It is well formed, and nothing overflows that is not meant to.

The compiler runs these checks on what it made, and a bundle runs them on what it read: the executors rely on them,
since they index without looking and leave out what the bounds make needless.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from hmn_lava.errors import Finding
from hmn_lava.fixed import Fixed, Integers
from hmn_lava.microcode.ir import Observable, Variable
from hmn_lava.microcode.ranges import WORD_RANGE, Interval, overflows
from hmn_lava.microcode.verify import verify
from hmn_lava.network import LONGEST_DELAY, Group, Input, IntegerNetwork, Link, Signal, Topology


def prove(network: IntegerNetwork, limits: Mapping[str, int] | None = None) -> list[Finding]:
    """All findings about a network.

    Form, programs (with the profile's ``limits``), overflow inside them, and bounds of what ports receive.
    """
    findings = list(_form(network))
    if findings:
        return findings
    for group in network.groups.values():
        problems = verify(group.program, limits)
        findings += problems or overflows(group.program)
    return findings or list(_ports(network))


def _error(rule: str, place: str, used: object, limit: object, remedy: str) -> Finding:
    return Finding(rule, place, used, limit, "error", remedy)


_AGAIN = "Compile the bundle again."


def _form(network: IntegerNetwork) -> Iterator[Finding]:
    """Sizes, names and indices."""
    for source in network.inputs.values():
        inside = (
            source.format.holds(source.low, source.high) and WORD_RANGE[0] <= source.low <= source.high <= WORD_RANGE[1]
        )
        if source.size < 1 or not inside:
            yield _error("input-range", source.name, (source.low, source.high), str(source.format), _AGAIN)
    outputs: dict[tuple[str, str], int] = {(source.name, "x"): source.size for source in network.inputs.values()}
    for name, group in network.groups.items():
        if group.program.name != name:
            yield _error("program-name", name, group.program.name, name, _AGAIN)
        if name in network.inputs:
            yield _error("name-once", name, "an input and a group", 1, _AGAIN)
        if group.topology is not None:
            yield from _topology(name, group.topology, group.size)
        width = group.size if group.topology is None else group.topology.n_post
        outputs.update({(name, output.name): width for output in group.program.outputs})
        yield from _contents(group)
    for link in network.links:
        yield from _link(network, link, outputs)
    for name, signal in network.signals.items():
        format, size = _shown(network, signal, outputs)
        if format is None or size != math.prod(signal.shape):
            yield _error("signal", name, (signal.owner, signal.variable, signal.shape), size, _AGAIN)
        elif format != signal.format:
            yield _error("signal", name, str(signal.format), str(format), _AGAIN)
    for name in network.outputs:
        if name not in network.signals:
            yield _error("signal", name, "an output", "a signal", _AGAIN)
    for name, delay in network.delay.items():
        if delay.ndim != 1 or not _within(delay, (0, LONGEST_DELAY)):
            yield _error("delay", name, _bounds(delay), (0, LONGEST_DELAY), _AGAIN)


def _shown(
    network: IntegerNetwork, signal: Signal, outputs: Mapping[tuple[str, str], int]
) -> tuple[Fixed | None, int | None]:
    """The declared format and size of what a signal shows; None where there is no such thing."""
    if signal.kind == "input":
        source = network.inputs.get(signal.owner)
        return (source.format, source.size) if source is not None and signal.variable == "x" else (None, None)
    group = network.groups.get(signal.owner)
    if group is None:
        return None, None
    program = group.program
    declared: Iterable[Variable | Observable] = (
        program.states
        if signal.kind == "state"
        else program.outputs
        if signal.kind == "output"
        else program.observables
    )
    format = next((v.format for v in declared if v.name == signal.variable), None)
    return format, outputs.get((signal.owner, signal.variable)) if signal.kind == "output" else group.size


def _topology(name: str, topology: Topology, size: int) -> Iterator[Finding]:
    row, col = topology.row, topology.col
    if row.shape != (size,) or col.shape != (size,):
        yield _error("topology", name, (row.shape, col.shape), (size,), _AGAIN)
    elif size and not (
        row[0] >= 0
        and row[-1] < topology.n_post
        and (np.diff(row) >= 0).all()
        and col.min() >= 0
        and col.max() < topology.n_pre
    ):
        yield _error("topology", name, "indices", f"{topology.n_post} x {topology.n_pre}, sorted by row", _AGAIN)
    elif topology.dense and size != topology.n_post * topology.n_pre:
        yield _error("topology", name, size, f"{topology.n_post} x {topology.n_pre}, all pairs", _AGAIN)
    elif (
        topology.dense
        and size
        and not (col.reshape(topology.n_post, topology.n_pre) == np.arange(topology.n_pre)).all()
    ):
        yield _error("topology", name, "indices", "all pairs in order", _AGAIN)


def _contents(group: Group) -> Iterator[Finding]:
    """Constants and initial states: all there, of the right length, inside their declared bounds."""
    lengths = {"all": {1}, "each": {group.size}}
    if group.topology is not None:
        lengths |= {"pre": {group.topology.n_pre}, "post": {group.topology.n_post}}
    for variable in group.program.constants:
        constant = group.constants.get(variable.name)
        if (
            constant is None
            or constant.values.ndim != 1
            or constant.values.size not in lengths.get(constant.along, set())
        ):
            yield _error(
                "constant",
                f"{group.name}.{variable.name}",
                None if constant is None else constant.values.shape,
                group.size,
                _AGAIN,
            )
        elif not _within(constant.values, (variable.low, variable.high)):
            yield _error(
                "constant-range",
                f"{group.name}.{variable.name}",
                _bounds(constant.values),
                (variable.low, variable.high),
                "Choose a value in the declared bounds.",
            )
    for variable in group.program.states:
        initial = group.initial.get(variable.name)
        if initial is None or initial.ndim != 1 or initial.size not in (1, group.size):
            yield _error(
                "state", f"{group.name}.{variable.name}", None if initial is None else initial.shape, group.size, _AGAIN
            )
        elif not _within(initial, (variable.low, variable.high)):
            yield _error(
                "state-range",
                f"{group.name}.{variable.name}",
                _bounds(initial),
                (variable.low, variable.high),
                "Choose a value in the declared bounds.",
            )


def _link(network: IntegerNetwork, link: Link, outputs: Mapping[tuple[str, str], int]) -> Iterator[Finding]:
    place = f"{'.'.join(link.source)} -> {'.'.join(link.target)}"
    group = network.groups.get(link.target[0])
    if group is None or link.target[1] not in {v.name for v in group.program.inputs} or link.source not in outputs:
        yield _error("link", place, "unknown end", "an output and a port", _AGAIN)
        return
    width, topology = outputs[link.source], group.topology
    if link.delay.ndim != 1 or not _within(link.delay, (0, LONGEST_DELAY)):
        yield _error("delay", place, _bounds(link.delay), (0, LONGEST_DELAY), "Lower the delay.")
    many = {"pre": group.size, "matrix": link.topology.size if link.topology is not None else 1}.get(link.kind, 1)
    if link.delay.size not in (1, many):
        yield _error("delay", place, link.delay.size, many, _AGAIN)
    if link.kind == "matrix":
        if link.topology is None or link.weights is None or link.weights.shape != (link.topology.size,):
            yield _error("link", place, "a matrix", "with topology and weights", _AGAIN)
            return
        yield from _topology(place, link.topology, link.topology.size)
        if link.topology.n_pre != width or link.topology.n_post != group.size or topology is not None:
            yield _error("link", place, (link.topology.n_post, link.topology.n_pre), (group.size, width), _AGAIN)
        if not _within(link.weights, WORD_RANGE):
            yield _error("link", place, _bounds(link.weights), WORD_RANGE, _AGAIN)
        if not -63 < link.shift < 24:
            yield _error(
                "shift", place, link.shift, "-62..23", "Bring weights, input ranges and thresholds nearer to one scale."
            )
        return
    expected = {
        "same": topology is None and width == group.size,
        "rows": topology is None and width == group.size,
        "all": width == 1,
        "total": topology is None and group.size == 1,
        "pre": topology is not None and topology.n_pre == width,
        "post": topology is not None and topology.n_post == width,
    }.get(link.kind, False)
    if not expected:
        yield _error("link", place, (link.kind, width), group.size, _AGAIN)


def _ports(network: IntegerNetwork) -> Iterator[Finding]:
    """What arrives at a port stays inside its declared bounds, at every synapse and step.

    A port as wide as a word may wrap.
    """
    for group in network.groups.values():
        for port in group.program.inputs:
            if (port.low, port.high) == WORD_RANGE:
                continue
            low = high = np.zeros(group.size if group.topology is None else 1, np.float64)
            for link in network.links_to(group.name):
                if link.target[1] == port.name:
                    arriving = _arriving(network, link)
                    low, high = low + arriving[0], high + arriving[1]
            if low.size and not (port.low <= low.min() and high.max() <= port.high):
                yield _error(
                    "port-range",
                    f"{group.name}.{port.name}",
                    (int(low.min()), int(high.max())),
                    (port.low, port.high),
                    "Give the signals tighter bounds, or a coarser format.",
                )


def _arriving(network: IntegerNetwork, link: Link) -> tuple[Any, Any]:
    """Bounds of what a link brings: zero is always possible, before anything has arrived."""
    low, high = _emitted(network, link.source)
    if link.kind == "matrix" and link.topology is not None and link.weights is not None:
        weights = link.weights.astype(np.float64)
        least, most = np.minimum(weights * low, weights * high), np.maximum(weights * low, weights * high)
        scale = 2.0**link.shift
        totals = [np.bincount(link.topology.row, weights=w, minlength=link.topology.n_post) for w in (least, most)]
        return np.floor(totals[0] * scale), np.floor(totals[1] * scale)
    count: Any = 1.0
    source = network.groups.get(link.source[0])
    if link.kind == "rows" and source is not None and source.topology is not None:
        count = np.bincount(source.topology.row, minlength=source.topology.n_post).astype(np.float64)
    elif link.kind == "total":
        count = float(source.size if source is not None else network.inputs[link.source[0]].size)
    return low * count, high * count


def _emitted(network: IntegerNetwork, source: tuple[str, str]) -> Interval:
    if source[0] in network.inputs:
        host: Input = network.inputs[source[0]]
        return min(0, host.low), max(0, host.high)
    variable = next(v for v in network.groups[source[0]].program.outputs if v.name == source[1])
    return min(0, variable.low), max(0, variable.high)


def _within(values: Integers, bounds: Interval) -> bool:
    return values.size == 0 or (bounds[0] <= int(values.min()) and int(values.max()) <= bounds[1])


def _bounds(values: Integers) -> Interval | None:
    return (int(values.min()), int(values.max())) if values.size else None
