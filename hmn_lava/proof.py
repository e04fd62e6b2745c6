"""What must hold of an integer network before anything runs it.

It is well formed, and nothing overflows that is not meant to.

The compiler runs these checks on what it made, and a bundle runs them on what it read: the executors rely on them,
since they index without looking and leave out what the bounds make needless.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from hmn_lava.errors import Finding
from hmn_lava.fixed import Fixed
from hmn_lava.learning.connection import PAYLOAD_BITS
from hmn_lava.learning.engine import SIGN_MODES, Engine, Levels
from hmn_lava.learning.parser import EXPONENT
from hmn_lava.learning.records import X_TRACES, Y_TRACES
from hmn_lava.microcode.ir import WORD, Observable, Variable
from hmn_lava.microcode.ranges import WORD_RANGE, Interval, overflows
from hmn_lava.microcode.verify import verify
from hmn_lava.network import (
    LONGEST_DELAY,
    LONGEST_FRAME,
    Group,
    Input,
    IntegerNetwork,
    LearningSynapses,
    Link,
    Signal,
    SynapticVariable,
)
from hmn_lava.topology import Topology, compact


def prove(network: IntegerNetwork, limits: Mapping[str, int] | None = None) -> list[Finding]:
    """All findings about a network.

    Form, programs (with the profile's ``limits``), overflow inside them, learning synapses, and bounds of what ports
    receive.
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
    if not 1 <= network.frame <= LONGEST_FRAME:
        yield _error("frame", network.name, network.frame, (1, LONGEST_FRAME), _AGAIN)
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
    for name, synapses in network.learning.items():
        if name in network.inputs or name in network.groups:
            yield _error("name-once", name, "learning synapses and another", 1, _AGAIN)
        yield from _learning(network, synapses)
    for link in network.links:
        if link.kind == "plastic":
            yield from _plastic(network, link)
        elif link.target[0] in network.learning:
            yield from _axons(network, link, outputs)
        else:
            yield from _link(network, link, outputs)
    for name, signal in network.signals.items():
        if signal.owner in network.learning:
            yield from _learned(network.learning[signal.owner], name, signal)
            continue
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
    starts, columns, n_post, n_pre = topology.starts, topology.columns, topology.n_post, topology.n_pre
    if starts.shape != (n_post + 1,) or starts[0] != 0 or starts[-1] != size:
        yield _error("topology", name, starts.shape, f"starts of {n_post} rows with {size} synapses", _AGAIN)
    elif columns is None:
        if not np.array_equal(starts, np.arange(n_post + 1) * n_pre):
            yield _error("topology", name, size, f"{n_post} x {n_pre}, all pairs", _AGAIN)
    elif columns.shape != (size,):
        yield _error("topology", name, columns.shape, (size,), _AGAIN)
    elif not ((starts[1:] >= starts[:-1]).all() and _within(columns, (0, n_pre - 1))):
        yield _error("topology", name, "indices", f"{n_post} x {n_pre}, row by row", _AGAIN)


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


def _learning(network: IntegerNetwork, synapses: LearningSynapses) -> Iterator[Finding]:
    """Learning synapses: engine, topology, starting values, what the neuron supplies, and epochs that fit the frame."""
    name, topology, engine, rule = synapses.name, synapses.topology, synapses.engine, synapses.rule
    if synapses.sign_mode not in SIGN_MODES or synapses.graded not in (0, 1, 2, 3) or synapses.seed < 0:
        yield _error("learning", name, (synapses.sign_mode, synapses.graded, synapses.seed), "a known mode", _AGAIN)
        return
    if problems := list(_engine(name, engine)):
        yield from problems
        return
    yield from _topology(name, topology, topology.size)
    for variable in get_args(SynapticVariable):
        values, levels = synapses.initial.get(variable), engine.levels(variable, synapses.sign_mode)
        if values is None or values.shape != (topology.size,):
            yield _error(
                "learning", f"{name}.{variable}", None if values is None else values.shape, topology.size, _AGAIN
            )
        elif not _within(values, (levels.low, levels.high)) or not _multiples(values, levels.step):
            yield _error(
                "learning-range",
                f"{name}.{variable}",
                _bounds(values),
                (levels.low, levels.high, levels.step),
                "Choose a value among the levels.",
            )
    if network.frame % rule.t_epoch and network.frame > 1:
        yield _error("epoch", name, rule.t_epoch, f"a divisor of the frame, {network.frame}", "Change the epoch.")
    group = network.groups.get(synapses.neuron)
    if group is None or group.topology is not None or group.size != topology.n_post:
        yield _error("learning", f"{name}.neuron", synapses.neuron, f"a group of {topology.n_post} neurons", _AGAIN)
        return
    accepted = engine.y_range or (0, engine.trace_high)
    for state in group.program.states:
        if rule.supplied and state.name in Y_TRACES and not accepted[0] <= state.low <= state.high <= accepted[1]:
            yield _error(
                "supplied-range",
                f"{group.name}.{state.name}",
                (state.low, state.high),
                accepted,
                "Scale what the neuron supplies to a trace.",
            )


def _engine(name: str, engine: Engine) -> Iterator[Finding]:
    """Widths, shifts and ranges that the executors' integers have room for."""
    top = 1 << 31
    ranges = {"accumulator": engine.accumulator, "y_range": engine.y_range or (0, 0)}
    levels: dict[str, Levels] = {mode: engine.weights[mode] for mode in SIGN_MODES}
    levels |= {"tag_1": engine.tag_1, "tag_2": engine.tag_2}
    limits = {
        "trace_bits": (engine.trace_bits, (1, 16)),
        "spike_width": (engine.spike_width, (1, 16)),
        "variable_width": (engine.variable_width, (1, 16)),
        "fraction_bits": (engine.fraction_bits, (0, WORD)),
        "scaling_mantissa_bits": (engine.scaling_mantissa_bits, (0, 32)),
        # A product is shifted by its exponent and the alignment in a register of 32 bits.
        "accumulator_bits - variable_width": (engine.alignment, (-EXPONENT[0], 31 - EXPONENT[1])),
    }
    for what, (used, (low, high)) in limits.items():
        if not low <= used <= high:
            yield _error("engine", f"{name}.{what}", used, (low, high), "Mend the hardware profile.")
    for what, (low, high) in ranges.items():
        if not -top <= low <= high < top:
            yield _error("engine", f"{name}.{what}", (low, high), (-top, top - 1), "Mend the hardware profile.")
    for what, entry in levels.items():
        low, high, step = entry.low, entry.high, entry.step
        rounded = engine.alignment + step.bit_length() - 1
        whole = step >= 1 and step & (step - 1) == 0 and low % step == 0 and high % step == 0
        if not (-(1 << 16) <= low <= high <= 1 << 16 and whole and rounded <= WORD):
            yield _error(
                "engine", f"{name}.{what}", (low, high, step), "levels of 16 bits", "Mend the hardware profile."
            )


def _axons(network: IntegerNetwork, link: Link, outputs: Mapping[tuple[str, str], int]) -> Iterator[Finding]:
    """A link to the axons of learning synapses."""
    place, n_pre = _name(link), network.learning[link.target[0]].topology.n_pre
    if link.target[1] != "x" or link.kind != "same" or outputs.get(link.source) != n_pre:
        yield _error("link", place, (link.kind, outputs.get(link.source)), f"same, {n_pre} axons", _AGAIN)
    if link.delay.shape != (1,) or not _within(link.delay, (0, LONGEST_DELAY)):
        yield _error("delay", place, _bounds(link.delay), (0, LONGEST_DELAY), "Lower the delay.")


def _plastic(network: IntegerNetwork, link: Link) -> Iterator[Finding]:
    """What learning synapses bring to a port. The payloads have been delayed on their way to the axons."""
    place = _name(link)
    synapses, group = network.learning.get(link.source[0]), network.groups.get(link.target[0])
    known = group is not None and link.target[1] in {v.name for v in group.program.inputs}
    if synapses is None or link.source[1] != "weights" or group is None or not known:
        yield _error("link", place, "unknown end", "weights of learning synapses and a port", _AGAIN)
        return
    if group.topology is not None or group.size != synapses.topology.n_post:
        yield _error("link", place, synapses.topology.n_post, group.size, _AGAIN)
    if link.delay.shape != (1,) or link.delay[0] != 0:
        yield _error("delay", place, _bounds(link.delay), 0, "Delay the links to the axons.")
    yield from _shift(link)


def _shift(link: Link) -> Iterator[Finding]:
    if not -63 < link.shift < 24:
        yield _error(
            "shift",
            _name(link),
            link.shift,
            "-62..23",
            "Bring weights, input ranges and thresholds nearer to one scale.",
        )


def _learned(synapses: LearningSynapses, name: str, signal: Signal) -> Iterator[Finding]:
    """A signal of learning synapses shows what its format holds."""
    engine = synapses.engine
    if signal.variable in get_args(SynapticVariable):
        levels, size = engine.levels(signal.variable, synapses.sign_mode), synapses.size
        low, high = levels.low, levels.high
    else:  # a graded spike may set a trace to its whole payload
        low, high, size = 0, max(engine.trace_high, (1 << PAYLOAD_BITS) - 1), synapses.topology.n_pre
    known = signal.variable in (*get_args(SynapticVariable), *X_TRACES)
    if signal.kind != "state" or not known or math.prod(signal.shape) != size:
        yield _error("signal", name, (signal.owner, signal.variable, signal.shape), size, _AGAIN)
    elif not signal.format.holds(low, high):
        yield _error("signal", name, str(signal.format), (low, high), _AGAIN)


def _name(link: Link) -> str:
    return f"{'.'.join(link.source)} -> {'.'.join(link.target)}"


def _link(network: IntegerNetwork, link: Link, outputs: Mapping[tuple[str, str], int]) -> Iterator[Finding]:
    place = _name(link)
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
        yield from _shift(link)
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
    if link.kind == "plastic":
        return _brought(network, network.learning[link.source[0]], link.shift)
    low, high = _emitted(network, link.source)
    if link.kind == "matrix" and link.topology is not None and link.weights is not None:
        weights, scale = link.weights, 2.0**link.shift

        def extreme(part: slice, which: np.ufunc) -> Any:
            real = weights[part].astype(np.float64)
            return which(real * low, real * high)

        sums = [link.topology.row_sums(partial(extreme, which=which)) for which in (np.minimum, np.maximum)]
        return np.floor(sums[0] * scale), np.floor(sums[1] * scale)
    count: Any = 1.0
    source = network.groups.get(link.source[0])
    if link.kind == "rows" and source is not None and source.topology is not None:
        count = source.topology.counts.astype(np.float64)
    elif link.kind == "total":
        count = float(source.size if source is not None else network.inputs[link.source[0]].size)
    return low * count, high * count


def _brought(network: IntegerNetwork, synapses: LearningSynapses, shift: int) -> tuple[Any, Any]:
    """Bounds of Σ w p over each row, whatever weights are learned."""
    low = high = 0.0
    for link in network.links_to(synapses.name):
        arriving = _arriving(network, link)
        low, high = low + arriving[0], high + arriving[1]
    if not WORD_RANGE[0] <= low <= high <= WORD_RANGE[1]:  # then the payloads may wrap
        low, high = -float(1 << (WORD - 1)), float(WORD_RANGE[1])
    levels = synapses.engine.levels("weights", synapses.sign_mode)
    products = [weight * payload for weight in (levels.low, levels.high) for payload in (low, high)]
    count = synapses.topology.counts
    scale = 2.0**shift
    return np.floor(count * min(products) * scale), np.floor(count * max(products) * scale)


def _emitted(network: IntegerNetwork, source: tuple[str, str]) -> Interval:
    if source[0] in network.inputs:
        host: Input = network.inputs[source[0]]
        return min(0, host.low), max(0, host.high)
    variable = next(v for v in network.groups[source[0]].program.outputs if v.name == source[1])
    return min(0, variable.low), max(0, variable.high)


def _multiples(values: NDArray[Any], step: int) -> bool:
    """Whether all are multiples of a power of two."""
    return not int(np.bitwise_or.reduce(compact(values), initial=0)) & (step - 1)


def _within(values: NDArray[Any], bounds: Interval) -> bool:
    values = values[:1] if values.strides == (0,) else values
    return values.size == 0 or (bounds[0] <= int(values.min()) and int(values.max()) <= bounds[1])


def _bounds(values: NDArray[Any]) -> Interval | None:
    return (int(values.min()), int(values.max())) if values.size else None
