"""What the machine code of learning synapses depends on, and what follows from it for both of its functions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from hmn_lava.learning.connection import PAYLOAD_BITS, LearningConnection
from hmn_lava.learning.engine import Engine, Levels
from hmn_lava.learning.products import down_scaling
from hmn_lava.learning.records import VARIABLE_NAMES, X_TRACES, Y_TRACES, Factor, Product
from hmn_lava.microcode.ir import WORD
from hmn_lava.microcode.ranges import Interval
from hmn_lava.network import IntegerNetwork, LearningSynapses
from hmn_lava.simulator.compiled.bounds import INT16, inside, times
from hmn_lava.simulator.compiled.columns import neuron_bits
from hmn_lava.simulator.compiled.storage import storage, variable_type
from hmn_lava.simulator.compiled.writer import Value, Writer
from hmn_lava.topology import Topology


@dataclass(frozen=True)
class RuleForm:
    """A rule of one synaptic variable.

    ``products``: each with its shift to the right, then to the left. The mantissa of a product is a bound of the
    mantissas that its code serves, -2^n to 2^n; the one that holds is in the table.
    """

    variable: str
    levels: Levels
    products: tuple[tuple[Product, int, int], ...]


@dataclass(frozen=True)
class LearningForm:
    """All that the text depends on.

    ``storage``: type of each synaptic variable; ``supplies``: type of each of y1 to y3 that the neuron declares, None
    for the others; ``spikes``: whether it emits y0. ``axons`` counts the links that bring payloads. ``widths`` of
    factors. ``steady``: supplied traces keep their value through an epoch, whatever spikes. ``held``: no synapse can
    be left out, since even a variable to which nothing is added changes. Mantissas, impulses, decays, seeds and ranges
    of supplied traces are in the table.
    """

    rules: tuple[RuleForm, ...]
    dense: bool
    neuron_bits: tuple[int, int]
    epoch: int
    graded: int
    supplied: bool
    steady: bool
    held: bool
    spikes: bool
    supplies: tuple[str | None, ...]
    axons: int
    storage: tuple[tuple[str, str], ...]
    widths: tuple[tuple[str, int], ...]
    trace_high: int
    fraction_bits: int
    alignment: int
    accumulator: Interval
    y_bounds: Interval

    def product(self, rule: int, number: int) -> int:
        """The number of a product among all."""
        return sum(len(r.products) for r in self.rules[:rule]) + number


Moment = Literal["own", "end", "row"]
"""When a product's presynaptic traces are taken: at the neuron's spike, at the epoch's end, at the row's spike."""


def moment_of(form: LearningForm, product: Product) -> Moment:
    if product.dependency == "x0":
        return "own"
    return "row" if product.dependency == "y0" and form.epoch > 1 else "end"


def presynaptic(form: LearningForm, product: Product) -> list[Factor]:
    """Factors that depend on the presynaptic neuron and the step alone."""
    if moment_of(form, product) == "row":
        return [f for f in product.factors if f.variable == "x0"]
    return [f for f in product.factors if f.variable in (*X_TRACES, "x0")]


def has_part(form: LearningForm, product: Product) -> bool:
    """Whether a product has a part that depends on the presynaptic neuron alone."""
    return product.dependency == "x0" or bool(presynaptic(form, product))


def parts(form: LearningForm) -> list[Product]:
    """One product for each distinct part that depends on the presynaptic neuron alone; products share these parts."""
    found: dict[Key, Product] = {}
    for rule in form.rules:
        for product, _, _ in rule.products:
            if has_part(form, product):
                found.setdefault(key_of(form, product), product)
    return list(found.values())


Key = tuple[bool, Moment, tuple[Factor, ...]]


def key_of(form: LearningForm, product: Product) -> Key:
    return product.dependency == "x0", moment_of(form, product), tuple(presynaptic(form, product))


def spikes_only(key: Key) -> bool:
    """Whether a part is zero where the presynaptic neuron has not spiked."""
    spikes, _, factors = key
    return spikes or any(f.variable == "x0" and not f.constant for f in factors)


def term_of(w: Writer, form: LearningForm, factor: Factor, value: Value, bounds: Interval) -> tuple[Value, Interval]:
    """A factor: its constant is added, then it saturates, or its sign is taken."""
    shifted = w.add(value, int(factor.constant)) if factor.constant else value
    low, high = bounds[0] + int(factor.constant), bounds[1] + int(factor.constant)
    if factor.sign:
        up, down = w.compare("sgt", shifted, 0), w.compare("slt", shifted, 0)
        return w.sub(w.resize(up, value.bits, False), w.resize(down, value.bits, False)), (-1, 1)
    limit = 1 << dict(form.widths)[factor.variable]
    if low < -limit or high > limit - 1:
        shifted = w.clip(shifted, -limit, limit - 1)
    return shifted, factor_bounds(form, factor, bounds)


def narrow(form: LearningForm) -> bool:
    """Whether accumulators fit 16 bits."""
    return form.accumulator == INT16 and not form.held


def vector(form: LearningForm, lanes: int) -> int:
    """Synapses in a vector, where one of 32 bits holds ``lanes``."""
    return 2 * lanes if narrow(form) else lanes


def part_reach(form: LearningForm, product: Product) -> Interval:
    """Bounds of the part of a product that depends on the presynaptic neuron alone; 0 where it does not act."""
    bounds = (1, 1)
    for factor in presynaptic(form, product):
        own = (0, 1) if factor.variable == "x0" else x_bounds(form, factor.variable)
        bounds = times(bounds, factor_bounds(form, factor, own))
    return (min(0, bounds[0]), max(0, bounds[1]))


def part_bits(form: LearningForm, product: Product) -> int:
    """Bits in which that part is kept: few where that is enough, but processors gather no integers of 16 bits."""
    return 16 if form.dense and inside(part_reach(form, product), INT16) else 32


def factor_bounds(form: LearningForm, factor: Factor, bounds: Interval) -> Interval:
    """Bounds of a factor, given those of its variable."""
    if factor.sign:
        return (-1, 1)
    limit = 1 << dict(form.widths)[factor.variable]
    low, high = bounds[0] + int(factor.constant), bounds[1] + int(factor.constant)
    return max(-limit, min(low, limit - 1)), min(limit - 1, max(high, -limit))


def x_bounds(form: LearningForm, trace: str) -> Interval:
    high = {0: form.trace_high, 1: (1 << PAYLOAD_BITS) - 1, 2: form.trace_high, 3: form.trace_high + 1}[form.graded]
    return (0, high if trace == "x1" else form.trace_high)


def form_of(network: IntegerNetwork, synapses: LearningSynapses) -> LearningForm:
    """What the machine code of learning synapses depends on."""
    rule, engine, mode = synapses.rule, synapses.engine, synapses.sign_mode
    neuron = network.groups.get(synapses.neuron)
    states = {} if neuron is None else {s.name: storage(s.format) for s in neuron.program.states}
    impulses = alone(synapses).impulses
    rules = tuple(
        RuleForm(
            VARIABLE_NAMES[one.target[1]],
            engine.levels(VARIABLE_NAMES[one.target[1]], mode),
            tuple((_plain(p), min(down_scaling(p, engine), 31), p.exponent + engine.alignment) for p in one),
        )
        for one in rule.rules
    )
    return LearningForm(
        rules=rules,
        dense=synapses.topology.dense,
        neuron_bits=neuron_bits(synapses.topology),
        epoch=rule.t_epoch,
        graded=synapses.graded,
        supplied=rule.supplied,
        steady=rule.supplied and engine.y_range is not None and all(impulses[y] == (0, 0) for y in Y_TRACES),
        held=not all(_stays(one.levels, engine) for one in rules),
        spikes=(synapses.neuron, "y0")
        in {(g.name, o.name) for g in network.groups.values() for o in g.program.outputs},
        supplies=tuple(states.get(y) if rule.supplied else None for y in Y_TRACES),
        axons=len(network.links_to(synapses.name)),
        storage=tuple((v, variable_type(synapses, v)) for v in synapses.initial),
        widths=tuple(sorted(engine.widths.items())),
        trace_high=engine.trace_high,
        fraction_bits=engine.fraction_bits,
        alignment=engine.alignment,
        accumulator=engine.accumulator,
        y_bounds=y_bounds(synapses) if rule.supplied else (0, engine.trace_high),
    )


def alone(synapses: LearningSynapses) -> LearningConnection:
    """The engine of learning synapses without the synapses."""
    none = np.zeros(0, np.int64)
    alone = replace(synapses, topology=Topology.full(0, 0), initial=dict.fromkeys(synapses.initial, none))
    return alone.connection()


def _plain(product: Product) -> Product:
    """A product with a bound of its mantissa, which is in the table: rules that differ little share their code."""
    return replace(product, mantissa=1 << max(0, abs(product.mantissa) - 1).bit_length())


def y_bounds(synapses: LearningSynapses) -> tuple[int, int]:
    """The range of supplied traces."""
    return synapses.engine.y_range or (-(1 << (WORD - 1)), (1 << (WORD - 1)) - 1)


def _stays(levels: Levels, engine: Engine) -> bool:
    """Whether a variable to which nothing is added keeps its level: the accumulator must not clip it."""
    low, high = engine.accumulator
    return low <= levels.low << engine.alignment and levels.high << engine.alignment <= high
