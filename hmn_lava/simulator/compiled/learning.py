"""The learning engine as machine code: one rule, its engine and its layout become two functions.

The integers are those of :class:`hmn_lava.learning.connection.LearningConnection` with
:class:`hmn_lava.learning.rounding.ElementRounding`.

``follow`` does in a step what concerns neurons alone: payloads, spikes, supplied traces; at the end of an epoch also
the traces at all of its moments, and for each product the part that depends on the presynaptic neuron alone. ``learn``
does the synapses of rows [lo, hi): the current ``a_buff`` with the weights as they are, then the rules. A row begins
with what the product's other factors amount to there; what is zero is left out, for the row or for a vector of
synapses. That is exact: a synaptic variable to which nothing is added keeps its level and draws nothing. ``filled``
keeps for each whole vector of a dense row whether there may be anything in it for a product that has a synaptic
variable as a factor, so that vectors of zeros are not even read; whoever changes the variables from outside sets it.
"""

from __future__ import annotations

import functools
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal

from hmn_lava.learning.connection import PAYLOAD_BITS
from hmn_lava.learning.engine import Levels
from hmn_lava.learning.records import VARIABLE_NAMES, X_TRACES, Y_TRACES, Factor, Product
from hmn_lava.learning.rounding import DECAY_BITS, PARTS
from hmn_lava.microcode.ranges import Interval
from hmn_lava.simulator.compiled import draws
from hmn_lava.simulator.compiled.table import Slot, Table
from hmn_lava.simulator.compiled.writer import Array, Value, Writer

_INT32: Interval = (-(1 << 31), (1 << 31) - 1)
_INT16: Interval = (-(1 << 15), (1 << 15) - 1)
_LISTED = 8
"""Payloads are taken one by one where at most one in this many neurons sends one, else whole rows are multiplied."""


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


def _moment(form: LearningForm, product: Product) -> Moment:
    if product.dependency == "x0":
        return "own"
    return "row" if product.dependency == "y0" and form.epoch > 1 else "end"


def _before(form: LearningForm, product: Product) -> list[Factor]:
    """Factors that depend on the presynaptic neuron and the step alone."""
    if _moment(form, product) == "row":
        return [f for f in product.factors if f.variable == "x0"]
    return [f for f in product.factors if f.variable in (*X_TRACES, "x0")]


def _selected(form: LearningForm, product: Product) -> bool:
    """Whether a product has a part that depends on the presynaptic neuron alone."""
    return product.dependency == "x0" or bool(_before(form, product))


def _parts(form: LearningForm) -> list[Product]:
    """One product for each distinct part that depends on the presynaptic neuron alone; products share these parts."""
    found: dict[_Key, Product] = {}
    for rule in form.rules:
        for product, _, _ in rule.products:
            if _selected(form, product):
                found.setdefault(_key(form, product), product)
    return list(found.values())


_Key = tuple[bool, Moment, tuple[Factor, ...]]


def _key(form: LearningForm, product: Product) -> _Key:
    return product.dependency == "x0", _moment(form, product), tuple(_before(form, product))


def _term(w: Writer, form: LearningForm, factor: Factor, value: Value, bounds: Interval) -> tuple[Value, Interval]:
    """A factor: its constant is added, then it saturates, or its sign is taken."""
    shifted = w.add(value, int(factor.constant)) if factor.constant else value
    low, high = bounds[0] + int(factor.constant), bounds[1] + int(factor.constant)
    if factor.sign:
        up, down = w.compare("sgt", shifted, 0), w.compare("slt", shifted, 0)
        return w.sub(w.resize(up, value.bits, False), w.resize(down, value.bits, False)), (-1, 1)
    limit = 1 << dict(form.widths)[factor.variable]
    if low < -limit or high > limit - 1:
        shifted = w.clip(shifted, -limit, limit - 1)
    return shifted, _saturated(form, factor, bounds)


def _narrow(form: LearningForm) -> bool:
    """Whether accumulators fit 16 bits."""
    return form.accumulator == _INT16 and not form.held


def _vector(form: LearningForm, lanes: int) -> int:
    """Synapses in a vector, where one of 32 bits holds ``lanes``."""
    return 2 * lanes if _narrow(form) else lanes


def _part_reach(form: LearningForm, product: Product) -> Interval:
    """Bounds of the part of a product that depends on the presynaptic neuron alone; 0 where it does not act."""
    bounds = (1, 1)
    for factor in _before(form, product):
        own = (0, 1) if factor.variable == "x0" else _x_bounds(form, factor.variable)
        bounds = _times(bounds, _saturated(form, factor, own))
    return (min(0, bounds[0]), max(0, bounds[1]))


def _part_bits(form: LearningForm, product: Product) -> int:
    """Bits in which that part is kept: few where that is enough, but processors gather no integers of 16 bits."""
    return 16 if form.dense and _inside(_part_reach(form, product), _INT16) else 32


def _saturated(form: LearningForm, factor: Factor, bounds: Interval) -> Interval:
    """Bounds of a factor, given those of its variable."""
    if factor.sign:
        return (-1, 1)
    limit = 1 << dict(form.widths)[factor.variable]
    low, high = bounds[0] + int(factor.constant), bounds[1] + int(factor.constant)
    return max(-limit, min(low, limit - 1)), min(limit - 1, max(high, -limit))


def _times(a: Interval, b: Interval) -> Interval:
    corners = [x * y for x in a for y in b]
    return min(corners), max(corners)


def _x_bounds(form: LearningForm, trace: str) -> Interval:
    high = {0: form.trace_high, 1: (1 << PAYLOAD_BITS) - 1, 2: form.trace_high, 3: form.trace_high + 1}[form.graded]
    return (0, high if trace == "x1" else form.trace_high)


# neurons


def follow(form: LearningForm, lanes: int) -> tuple[str, list[Slot]]:
    """The function ``follow`` of a step, and its table."""
    return _Follow(form, lanes).module()


class _Follow:
    def __init__(self, form: LearningForm, lanes: int) -> None:
        self.form, self.w = form, Writer("follow", lanes)
        self.table = Table(self.w)

    def module(self) -> tuple[str, list[Slot]]:
        w, table, form = self.w, self.table, self.form
        self.n_pre, self.n_post = table.value("n_pre"), table.value("n_post")
        self.depth, self.listed = table.value("depth"), table.array(32, "listed")
        self.payloads = table.array(32, "payloads")
        self.x = [table.array(32, "state", name) for name in X_TRACES]
        self.y = [table.array(32, "state", name) for name in Y_TRACES]
        self.tx, self.ty = table.array(32, "state", "tx"), table.array(32, "state", "ty")
        self.used_tx, self.used_ty = table.array(32, "used tx"), table.array(32, "used ty")
        self.x_history, self.y_history = table.array(32, "x history"), table.array(32, "y history")
        self.words: dict[tuple[str, str], tuple[Value, Value]] = {}
        time = w.add(w.now, 1)
        self.time = w.resize(time, 32)
        self.moment = w.add(w.binary("urem", w.now, form.epoch), 1)
        self._arrive()
        self._postsynaptic()
        with w.when(w.compare("eq", self.moment, form.epoch)):
            self._history(X_TRACES, self.x, self.n_pre, self.tx, self.x_history)
            self._history(Y_TRACES, self.y, self.n_post, self.ty, self.y_history)
            self._selections()
            self._spiked()
        return w.text(), table.slots

    def _blocks(self, size: Value) -> AbstractContextManager[Value]:
        return self.w.loop(0, size, self.w.lanes)

    def _draw(self, trace: str, what: str, time: Value, index: Value, bits: int) -> Value:
        w = self.w
        keys = [self.table.value(f"{what} key", trace, n) for n in range(4)]
        return draws.draw(w, draws.mixed_time(w, time, keys), index, bits)

    def _lanes_from(self, start: Value) -> Value:
        w = self.w
        return w.add(w.splat(w.resize(start, 32)), w.counted())

    def _arrive(self) -> None:
        """Payloads at the axons, the list of the neurons that send one, and what a spike does to the traces."""
        w, table, form = self.w, self.table, self.form
        count = w.variable(0, 64)
        rings = []
        for n in range(form.axons):
            ring, delay = table.array(32, "axon", "", n), table.value("axon delay", "", n)
            slot = w.binary("urem", w.sub(w.add(w.now, self.depth), delay), self.depth)
            rings.append(w.part(ring, w.mul(slot, self.n_pre)))
        with self._blocks(self.n_pre) as i:
            mask = w.below(w.sub(self.n_pre, i))
            p = w.splat(0)
            for ring in rings:
                p = w.add(p, w.load(ring, i, w.lanes, mask))
            p = w.wrap(p) if len(rings) > 1 else p
            w.store(self.payloads, i, p, w.lanes, mask)
            some = w.any(w.nonzero(p))
            with w.when(some):
                end = w.smallest(w.add(i, w.lanes), self.n_pre)
                with w.loop(i, end) as one:
                    w.store(self.listed, w.add(w.get(count), 1), one)
                    sent = w.nonzero(w.load(self.payloads, one))
                    w.set(count, w.add(w.get(count), w.resize(sent, 64, False)))
            with w.when(None if form.graded >= 2 else some):
                self._presynaptic(i, p, mask)
        w.store(self.listed, 0, w.get(count))

    def _presynaptic(self, i: Value, p: Value, mask: Value) -> None:
        w, form = self.w, self.form
        counted = w.nonzero(p)
        tx = w.load(self.tx, i, w.lanes, mask)
        x1 = w.load(self.x[0], i, w.lanes, mask)
        again = w.both(counted, w.compare("sgt", tx, 0))
        if form.graded == 0:
            if form.epoch > 1:
                added = self._added("x1", x1, self._lanes_from(i), self.time)
                w.store(self.x[0], i, w.select(again, added, x1), w.lanes, mask)
        else:
            half = w.add(w.shr(p, 1), w.both(w.both(p, w.shr(p, 1)), 1))  # halves go to even
            wrapped = (1 << PAYLOAD_BITS) - 1
            if form.graded == 1:
                new = w.select(counted, w.both(half, wrapped), x1)
            elif form.graded == 2:
                new = w.smallest(w.both(w.add(x1, half), wrapped), form.trace_high)
            else:
                new = w.both(w.add(x1, half), wrapped)
                over = w.compare("sgt", new, form.trace_high)
                new = w.select(over, w.sub(new, form.trace_high), new)
                counted, again = w.both(counted, over), w.both(again, over)
            w.store(self.x[0], i, new, w.lanes, mask)
        if form.epoch > 1:
            x2 = w.load(self.x[1], i, w.lanes, mask)
            added = self._added("x2", x2, self._lanes_from(i), self.time)
            w.store(self.x[1], i, w.select(again, added, x2), w.lanes, mask)
        moment = w.splat(w.resize(self.moment, 32))
        w.store(self.tx, i, w.select(counted, moment, tx), w.lanes, mask)

    def _postsynaptic(self) -> None:
        w, table, form = self.w, self.table, self.form
        if form.spikes:
            slot = w.mul(w.binary("urem", w.now, self.depth), self.n_post)
            emitted = w.part(table.array(32, "y0"), slot)
            with self._blocks(self.n_post) as j:
                mask = w.below(w.sub(self.n_post, j))
                spiked = w.nonzero(w.load(emitted, j, w.lanes, mask))
                with w.when(w.any(spiked)):
                    ty = w.load(self.ty, j, w.lanes, mask)
                    if form.epoch > 1 and not form.supplied:
                        again = w.both(spiked, w.compare("sgt", ty, 0))
                        for name, array in zip(Y_TRACES, self.y, strict=True):
                            y = w.load(array, j, w.lanes, mask)
                            added = self._added(name, y, self._lanes_from(j), self.time)
                            w.store(array, j, w.select(again, added, y), w.lanes, mask)
                    w.store(self.ty, j, w.select(spiked, w.splat(w.resize(self.moment, 32)), ty), w.lanes, mask)
        if form.supplied:
            low, high = (w.resize(table.value(name), 32) for name in ("y low", "y high"))
            for name, array, kind in zip(Y_TRACES, self.y, form.supplies, strict=True):
                if kind is None:
                    source = None
                else:
                    bits = int(kind.lstrip("uint"))
                    source = table.array(bits, "supplied", name, signed=kind[0] != "u")
                with self._blocks(self.n_post) as j:
                    mask = w.below(w.sub(self.n_post, j))
                    value = w.splat(0) if source is None else w.load(source, j, w.lanes, mask)
                    w.store(array, j, w.clip(value, low, high), w.lanes, mask)

    def _added(self, trace: str, value: Value, index: Value, time: Value) -> Value:
        """A trace and its impulse."""
        w, table, form = self.w, self.table, self.form
        whole, fraction = (w.resize(table.value(name, trace), 32) for name in ("impulse", "impulse fraction"))
        up = w.compare("ult", self._draw(trace, "impulse", time, index, form.fraction_bits), fraction)
        lowest = w.resize(table.value("trace low", trace), 32)
        return w.clip(w.add(w.add(value, whole), w.resize(up, 32, False)), lowest, form.trace_high)

    def _history(self, names: tuple[str, ...], traces: list[Array], size: Value, spikes: Array, history: Array) -> None:
        """Traces at the moments 1, ..., epoch: they decay, then spikes add their impulses. The last are the new ones.

        The history has a row for each moment and trace: from moment 1 on where an epoch is one step, else from 0.
        """
        w, form = self.w, self.form
        ours = names == Y_TRACES and form.supplied
        for k, (name, array) in enumerate(zip(names, traces, strict=True)):
            factor = w.resize(self.table.value("decay", name), 32)
            with self._blocks(size) as i:
                mask = w.below(w.sub(size, i))
                index = self._lanes_from(i)
                value = w.variable(w.load(array, i, w.lanes, mask))
                last = w.load(spikes, i, w.lanes, mask)
                spiking = w.any(w.nonzero(last))
                for moment in range(1, form.epoch + 1):
                    now = w.sub(self.time, form.epoch - moment)
                    if not ours:  # a supplied trace holds
                        old = w.get(value)
                        with w.when(w.any(w.nonzero(old))):
                            product = w.mul(old, factor)
                            fraction = w.both(product, (1 << DECAY_BITS) - 1)
                            up = w.compare("ult", self._draw(name, "decay", now, index, DECAY_BITS), fraction)
                            w.set(value, w.add(w.shr(product, DECAY_BITS), w.resize(up, 32, False)))
                    if not (ours and form.steady):
                        with w.when(spiking):
                            old = w.get(value)
                            added = self._added(name, old, index, now)
                            w.set(value, w.select(w.compare("eq", last, moment), added, old))
                    at = w.add(w.mul(size, moment * len(names) + k), i)
                    w.store(history, at, w.get(value), w.lanes, mask)
                if not ours:
                    w.store(array, i, w.get(value), w.lanes, mask)

    def _selections(self) -> None:
        """For each product the part that depends on the presynaptic neuron alone; 0 where the product does not act."""
        w, form = self.w, self.form
        for number, product in enumerate(_parts(form)):
            target = self.table.array(_part_bits(form, product), "selected", "", number)
            with self._blocks(self.n_pre) as i:
                mask = w.below(w.sub(self.n_pre, i))
                tx = w.load(self.tx, i, w.lanes, mask)
                spiked = w.compare("sgt", tx, 0)
                value = w.splat(1)
                for factor in _before(form, product):
                    if factor.variable == "x0":
                        term, _ = _term(w, form, factor, w.resize(spiked, 32, False), (0, 1))
                    else:
                        k = X_TRACES.index(factor.variable)
                        if _moment(form, product) == "own" and form.epoch > 1:
                            moment = w.clip(tx, 1, form.epoch)
                            place = w.mul(w.add(w.mul(moment, len(X_TRACES)), k), w.resize(self.n_pre, 32))
                            x = w.gather(self.x_history, w.add(place, self._lanes_from(i)), mask)
                        else:
                            at = w.add(w.mul(self.n_pre, form.epoch * len(X_TRACES) + k), i)
                            x = w.load(self.x_history, at, w.lanes, mask)
                        term, _ = _term(w, form, factor, x, _x_bounds(form, factor.variable))
                    value = w.mul(value, term)
                if product.dependency == "x0":
                    value = w.select(spiked, value, w.splat(0))
                w.store(target, i, value, w.lanes, mask)

    def _spiked(self) -> None:
        """List the vectors of presynaptic neurons in which one spiked; the spikes are handed over, and gone."""
        w = self.w
        blocks, spiking = self.table.array(32, "blocks"), self.table.array(8, "spiking")
        count = w.variable(0, 64)
        vector = _vector(self.form, w.lanes)
        with w.loop(0, self.n_pre, vector) as start:
            some: Value = w.constant(0, 1)
            for part in range(0, vector, w.lanes):
                i = w.add(start, part)
                mask = w.below(w.sub(self.n_pre, i))
                tx = w.load(self.tx, i, w.lanes, mask)
                w.store(self.used_tx, i, tx, w.lanes, mask)
                w.store(self.tx, i, w.splat(0), w.lanes, mask)
                some = w.either(some, w.any(w.nonzero(tx)))
            w.store(spiking, w.binary("udiv", start, vector), w.resize(some, 8, False))
            w.store(blocks, w.add(w.get(count), 1), start)
            w.set(count, w.add(w.get(count), w.resize(some, 64, False)))
        w.store(blocks, 0, w.get(count))
        with self._blocks(self.n_post) as j:
            mask = w.below(w.sub(self.n_post, j))
            w.store(self.used_ty, j, w.load(self.ty, j, w.lanes, mask), w.lanes, mask)
            w.store(self.ty, j, w.splat(0), w.lanes, mask)


# synapses


def learn(form: LearningForm, lanes: int) -> tuple[str, list[Slot]]:
    """The function ``learn`` of a step, for rows [lo, hi), and its table."""
    return _Learn(form, lanes).module()


@dataclass
class _Term:
    """A product in a row: what its factors amount to there, and whether it acts."""

    product: Product
    right: int
    left: int
    number: int
    coefficient: Value
    bounds: Interval
    acts: Value


class _Learn:
    """Accumulators have 16 bits where theirs are the engine's, so that a vector holds twice as many; else 32."""

    def __init__(self, form: LearningForm, lanes: int) -> None:
        self.bits = 16 if _narrow(form) else 32
        self.form, self.w = form, Writer("learn", _vector(form, lanes))
        self.table = Table(self.w)
        self.storage = {name: (int(kind.lstrip("uint")), kind[0] != "u") for name, kind in form.storage}
        self.levels = {rule.variable: rule.levels for rule in form.rules}
        self.factors = {
            VARIABLE_NAMES[f.variable]
            for rule in form.rules
            for product, _, _ in rule.products
            for f in product.factors
            if f.variable in VARIABLE_NAMES
        }

    def module(self) -> tuple[str, list[Slot]]:
        w, table, form = self.w, self.table, self.form
        self.n_pre, self.n_post = table.value("n_pre"), table.value("n_post")
        self.starts = table.array(64, "starts")
        if not form.dense:
            self.col = table.array(32, "col")
        names = {"weights", *self.factors, *(rule.variable for rule in form.rules)}
        self.variables = {
            name: table.array(self.storage[name][0], "state", name, signed=self.storage[name][1], wide=self.bits)
            for name in sorted(names)
        }
        self.payloads, self.listed = table.array(32, "payloads"), table.array(32, "listed")
        self.blocks = table.array(32, "blocks")
        self.spiking, self.filled = table.array(8, "spiking"), table.array(8, "filled")
        self.used_tx, self.used_ty = table.array(32, "used tx"), table.array(32, "used ty")
        self.x_history, self.y_history = table.array(32, "x history"), table.array(32, "y history")
        self.selected = {
            _key(form, product): table.array(_part_bits(form, product), "selected", "", number, wide=16)
            for number, product in enumerate(_parts(form))
        }
        self.mantissas = {
            form.product(r, n): w.resize(table.value("mantissa", "", form.product(r, n)), 32)
            for r, rule in enumerate(form.rules)
            for n in range(len(rule.products))
        }
        time = w.add(w.now, 1)
        self.words = draws.mixed_time(w, w.resize(time, 32), [table.value("key", "", n) for n in range(4)])
        currents, sent = table.array(64, "state", "a_buff"), w.load(self.listed, 0)
        sent = w.resize(sent, 64)
        ends = w.compare("eq", w.binary("urem", time, form.epoch), 0)
        epochs = w.binary("udiv", time, form.epoch)
        fires = w.compare("eq", w.binary("urem", epochs, table.value("fires every")), 0)
        spiked = w.resize(w.load(self.blocks, 0), 64)
        with w.loop(w.lo, w.hi) as row:
            first, end = w.load(self.starts, row), w.load(self.starts, w.add(row, 1))
            w.store(currents, row, self._current(first, end, sent))
            if form.rules:
                with w.when(ends):
                    self._row(row, first, end, fires, spiked)
        return w.text(), table.slots

    def _current(self, first: Value, end: Value, sent: Value) -> Value:
        """Σ w p over a row."""
        w = self.w
        total = w.variable(0, 64)
        weights = self.variables["weights"]
        few = w.compare("sle", w.mul(sent, _LISTED), self.n_pre) if self.form.dense else w.compare("eq", sent, 0)
        with w.when(few):
            if self.form.dense:
                with w.loop(0, sent) as n:
                    i = w.resize(w.load(self.listed, w.add(n, 1)), 64)
                    weight = w.resize(w.load(weights, w.add(first, i)), 64)
                    w.set(total, w.add(w.get(total), w.mul(weight, w.resize(w.load(self.payloads, i), 64))))
        with w.when(w.invert(few)):
            sums = w.variable(0, 64, w.lanes)
            with w.loop(first, end, w.lanes) as k:
                mask = w.below(w.sub(end, k))
                if self.form.dense:
                    p = w.load(self.payloads, w.sub(k, first), w.lanes, mask)
                else:
                    p = w.gather(self.payloads, w.load(self.col, k, w.lanes, mask), mask)
                weight = w.load(weights, k, w.lanes, mask)
                w.set(sums, w.add(w.get(sums), w.mul(w.resize(weight, 64), w.resize(p, 64))))
            w.set(total, w.total(w.get(sums)))
        return w.get(total)

    # one row

    def _row(self, row: Value, first: Value, end: Value, fires: Value, spiked: Value) -> None:
        w, form = self.w, self.form
        self.row, self.first = row, first
        ty = w.load(self.used_ty, row)
        self.ty = w.resize(ty, 64)
        post = w.compare("sgt", ty, 0)
        some = w.compare("sgt", spiked, 0)
        terms = [
            [
                self._product(form.product(r, n), product, right, left, {"x0": some, "y0": post, "u": fires})
                for n, (product, right, left) in enumerate(rule.products)
            ]
            for r, rule in enumerate(form.rules)
        ]
        every: Value = w.constant(int(form.held), 1)
        all_ = every  # whether a vector can be left out in which the variables that are factors are zero
        listed: Value = w.constant(0, 1)
        for term in (term for rule in terms for term in rule):
            if term.product.dependency == "x0":
                listed = w.either(listed, term.acts)
            else:
                every = w.either(every, term.acts)
                if not any(f.variable in VARIABLE_NAMES and not f.constant for f in term.product.factors):
                    all_ = w.either(all_, term.acts)
        lanes = w.lanes
        if not form.dense:
            with w.when(w.either(every, listed)):
                self._sweep(first, end, terms)
            return
        size = w.sub(end, first)
        whole = w.shr(size, lanes.bit_length() - 1)
        rounds = w.select(every, whole, w.select(listed, spiked, w.constant(0, 64)))
        flags = w.part(self.filled, w.mul(row, w.add(whole, 1)))
        with w.loop(0, rounds) as n:
            i = w.variable(w.mul(n, lanes))
            with w.when(w.invert(every)):
                w.set(i, w.resize(w.load(self.blocks, w.add(n, 1)), 64))
            start = w.get(i)
            number = w.shr(start, lanes.bit_length() - 1)
            goes = w.nonzero(w.either(w.load(flags, number), w.load(self.spiking, number)))
            goes = w.both(w.either(goes, all_), w.compare("sle", w.add(start, lanes), size))
            with w.when(goes):
                left = self._block(w.add(first, start), start, None, terms)
                w.store(flags, number, w.resize(left, 8, False))
        rest = w.mul(whole, lanes)
        with w.when(w.both(w.either(every, listed), w.compare("slt", rest, size))):
            self._block(w.add(first, rest), rest, w.below(w.sub(size, rest)), terms)

    def _sweep(self, first: Value, end: Value, terms: list[list[_Term]]) -> None:
        """All synapses of a row."""
        w = self.w
        next_ = w.variable(first)
        with w.loop(first, w.sub(end, w.lanes - 1), w.lanes) as k:
            self._block(k, w.sub(k, first), None, terms)
            w.set(next_, w.add(k, w.lanes))
        k = w.get(next_)
        with w.when(w.compare("slt", k, end)):
            self._block(k, w.sub(k, first), w.below(w.sub(end, k)), terms)

    def _product(self, number: int, product: Product, right: int, left: int, acting: dict[str, Value]) -> _Term:
        """The part of a product that is the same in a whole row, and whether the product acts there."""
        w, form = self.w, self.form
        value, bounds = self.mantissas[number], (-product.mantissa, product.mantissa)
        for factor in product.factors:
            if factor.variable == "y0":
                spike = w.resize(w.compare("sgt", self.ty, 0), 32, False)
                term, range_ = _term(w, form, factor, spike, (0, 1))
            elif factor.variable in Y_TRACES and self._even(product):
                term, range_ = _term(w, form, factor, self._y(product, factor.variable), form.y_bounds)
            else:
                continue
            value, bounds = w.mul(value, term), _times(bounds, range_)
        acts = w.both(acting[product.dependency], w.nonzero(value))
        return _Term(product, right, left, number, value, bounds, acts)

    def _even(self, product: Product) -> bool:
        """Whether the postsynaptic traces that a product reads are the same for a whole row."""
        return product.dependency != "x0" or self.form.epoch == 1 or (self.form.supplied and self.form.steady)

    def _y(self, product: Product, trace: str) -> Value:
        w, form = self.w, self.form
        k = Y_TRACES.index(trace)
        moment: Value = w.constant(form.epoch, 64)
        if product.dependency == "y0" and not (form.supplied and form.steady):
            moment = w.clip(self.ty, 1, form.epoch)
        place = w.mul(w.add(w.mul(moment, len(Y_TRACES)), k), self.n_post)
        return w.load(self.y_history, w.add(place, self.row))

    # one vector of synapses

    def _block(self, k: Value, i: Value, mask: Value | None, terms: list[list[_Term]]) -> Value:
        """The synapses from k on, presynaptic neurons from i on (of a dense row); every rule reads what was.

        Returns whether a variable that is a factor is not zero, or has been written.
        """
        w = self.w
        self.at, self.i, self.mask = k, i, mask
        self.columns = None if self.form.dense else w.load(self.col, k, w.lanes, mask)
        before = {name: w.load(self.variables[name], k, w.lanes, mask) for name in sorted(self.factors)}
        filled = {name: w.any(w.nonzero(value)) for name, value in before.items()}
        selected = {key: self._part(key, terms) for key in self.selected}
        rules = []
        some: Value = w.constant(int(self.form.held), 1)
        for rule, products in zip(self.form.rules, terms, strict=True):
            parts = [self._active(term, filled, selected) for term in products]
            acts: Value = w.constant(int(self.form.held), 1)
            for active, _ in parts:
                acts = w.either(acts, active)
            rules.append((acts, rule, products, parts))
            some = w.either(some, acts)
        with w.when(some):
            words = draws.synapse_words(w, self.words, self._index())
            for acts, rule, products, parts in rules:
                with w.when(acts):
                    self._rule(rule, products, parts, before, words)
        return functools.reduce(w.either, filled.values(), some)

    def _part(self, key: _Key, terms: list[list[_Term]]) -> tuple[Value, Value]:
        """A presynaptic part for these synapses, and whether it is anywhere not zero; 0 if no product needs it."""
        w, array = self.w, self.selected[key]
        if self.columns is None:
            part = w.load(array, self.i, w.lanes, self.mask)
            return part, w.any(w.nonzero(part))
        acts: Value = w.constant(0, 1)
        for term in (term for rule in terms for term in rule):
            if _selected(self.form, term.product) and _key(self.form, term.product) == key:
                acts = w.either(acts, term.acts)
        found = w.variable(0, array.wide, w.lanes)
        with w.when(acts):  # what is gathered is dear
            w.set(found, w.gather(array, self.columns, self.mask))
        part = w.get(found)
        return part, w.any(w.nonzero(part))

    def _active(
        self, term: _Term, filled: dict[str, Value], parts: dict[_Key, tuple[Value, Value]]
    ) -> tuple[Value, Value | None]:
        """Whether a product acts on any of these synapses, and the presynaptic part of it."""
        w, active, part = self.w, term.acts, None
        if _selected(self.form, term.product):
            part, some = parts[_key(self.form, term.product)]
            active = w.both(active, some)
        for factor in term.product.factors:
            if factor.variable in VARIABLE_NAMES and not factor.constant:
                active = w.both(active, filled[VARIABLE_NAMES[factor.variable]])
        return active, part

    def _rule(
        self,
        rule: RuleForm,
        terms: list[_Term],
        parts: list[tuple[Value, Value | None]],
        before: dict[str, Value],
        words: Value,
    ) -> None:
        """Add the products that act to the accumulator, round it to the variable's levels, and store it."""
        w, form, levels = self.w, self.form, rule.levels
        old = before.get(rule.variable)
        if old is None:
            old = w.load(self.variables[rule.variable], self.at, w.lanes, self.mask)
        total = w.variable(w.shl(old, form.alignment))
        bounds = (levels.low << form.alignment, levels.high << form.alignment)
        for term, (active, part) in zip(terms, parts, strict=True):
            with w.when(active if form.held or len(terms) > 1 else None):
                value, reach = self._value(term, part, before)
                reached = (bounds[0] + min(0, reach[0]), bounds[1] + max(0, reach[1]))
                if _inside(reached, form.accumulator):
                    sum_ = w.add(w.get(total), value)
                elif self.bits == 16:
                    sum_ = w.saturating(w.get(total), value)
                else:
                    sum_ = w.clip(w.add(w.get(total), value), *form.accumulator)
                w.set(total, sum_)
            if form.held:  # saturates after every product, one that does not act included
                w.set(total, w.clip(w.get(total), *form.accumulator))
            low, high = form.accumulator
            bounds = (max(low, min(reached[0], high)), min(high, max(reached[1], low)))
        bits = form.alignment + levels.step.bit_length() - 1
        sum_ = w.get(total)
        fraction = w.both(sum_, (1 << bits) - 1)
        up = w.compare("ult", draws.part(w, words, PARTS[rule.variable], self.bits, bits), fraction)
        whole = w.add(w.shr(sum_, bits), w.resize(up, self.bits, False))
        new = w.shl(whole, levels.step.bit_length() - 1)
        # The upper end alone can be passed: by rounding up, where the accumulator holds no more than the levels.
        lowest = form.accumulator[0] >> bits << (levels.step.bit_length() - 1)
        new = w.smallest(new, levels.high)
        if lowest < levels.low:
            new = w.largest(new, levels.low)
        w.store(self.variables[rule.variable], self.at, new, w.lanes, self.mask)

    def _index(self) -> Value:
        """The numbers of the synapses: their places in the full matrix."""
        w = self.w
        row = w.resize(w.mul(self.row, self.n_pre), 32)
        if self.columns is None:
            return w.add(w.splat(w.add(row, w.resize(self.i, 32))), w.counted())
        return w.add(self.columns, row)

    def _value(self, term: _Term, part: Value | None, before: dict[str, Value]) -> tuple[Value, Interval]:
        """A product, shifted and saturated to the accumulator."""
        w, form, product = self.w, self.form, term.product
        readings: list[tuple[Value, Interval]] = []
        if part is not None:
            readings.append((part, _part_reach(form, product)))
        for factor in product.factors:
            found = self._element(product, factor, before)
            if found is not None:
                readings.append(self._saturated(factor, *found))
        bounds = term.bounds
        reaches = [bounds]
        for _, own in readings:
            bounds = _times(bounds, own)
            reaches.append(bounds)
        shifted = (bounds[0] >> term.right, bounds[1] >> term.right)
        ends = (shifted[0] << term.left, shifted[1] << term.left)
        narrow = self.bits == 16 and all(_inside(r, _INT16) for r in (*reaches, ends))
        width = 16 if narrow else 32
        value = w.resize(term.coefficient, width)
        for reading, _ in readings:
            value = w.mul(value, w.resize(reading, width))
        value = w.shl(w.shr(w.splat(value), min(term.right, width - 1)), term.left)
        if not all(_inside(r, _INT32) for r in (*reaches, ends)):  # the register wraps
            ends = _INT32
        low, high = form.accumulator
        if not _inside(ends, form.accumulator):
            value = w.clip(value, low, high)
        return w.resize(value, self.bits), (max(low, ends[0]), min(high, ends[1]))

    def _saturated(self, factor: Factor, value: Value, bounds: Interval) -> tuple[Value, Interval]:
        """A factor of the synapse, in as many bits as its constant needs."""
        constant = int(factor.constant)
        if value.bits == 16 and not _inside((bounds[0] + constant, bounds[1] + constant), _INT16):
            value = self.w.resize(value, 32)
        return _term(self.w, self.form, factor, value, bounds)

    def _element(self, product: Product, factor: Factor, before: dict[str, Value]) -> tuple[Value, Interval] | None:
        """A factor that differs from synapse to synapse and is not in the presynaptic part, with its bounds."""
        w, form = self.w, self.form
        if factor.variable in VARIABLE_NAMES:
            name = VARIABLE_NAMES[factor.variable]
            levels = self.levels.get(name)
            bounds = (levels.low, levels.high) if levels is not None else _stored(*self.storage[name])
            return before[name], bounds
        if factor.variable in X_TRACES and _moment(form, product) == "row":
            k = X_TRACES.index(factor.variable)
            moment = w.clip(self.ty, 1, form.epoch)
            start = w.mul(w.add(w.mul(moment, len(X_TRACES)), k), self.n_pre)
            if self.columns is None:
                x = w.load(self.x_history, w.add(start, self.i), w.lanes, self.mask)
            else:
                x = w.gather(w.part(self.x_history, start), self.columns, self.mask)
            return x, _x_bounds(form, factor.variable)
        if factor.variable in Y_TRACES and not self._even(product):
            k = Y_TRACES.index(factor.variable)
            tx = (
                w.load(self.used_tx, self.i, w.lanes, self.mask)
                if self.columns is None
                else w.gather(self.used_tx, self.columns, self.mask)
            )
            place = w.mul(w.add(w.mul(w.clip(tx, 1, form.epoch), len(Y_TRACES)), k), w.resize(self.n_post, 32))
            index = w.add(place, w.splat(w.resize(self.row, 32)))
            return w.gather(self.y_history, index, self.mask), form.y_bounds
        return None


def _stored(bits: int, signed: bool) -> Interval:
    return (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)


def _inside(inner: Interval, outer: Interval) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]
