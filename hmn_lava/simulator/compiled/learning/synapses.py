"""The function ``learn``: what a step does for the synapses of rows [lo, hi).

The current ``a_buff`` with the weights as they are, then the rules. A row begins with what the product's other factors
amount to there; what is zero is left out, for the row or for a vector of synapses. That is exact: a synaptic variable
to which nothing is added keeps its level and draws nothing. ``filled`` keeps for each vector of synapses whether there
may be anything in it for a product that has a synaptic variable as a factor, so that vectors of zeros are not even
read; whoever changes the variables from outside sets it. ``spiking`` says in which vectors a presynaptic neuron
spiked: of all pairs, for the columns of every row; of sparse synapses, for each vector.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from hmn_lava.learning.records import VARIABLE_NAMES, X_TRACES, Y_TRACES, Factor, Product
from hmn_lava.learning.rounding import PARTS
from hmn_lava.microcode.ranges import Interval
from hmn_lava.simulator.compiled import draws
from hmn_lava.simulator.compiled.bounds import INT16, INT32, inside, of_bits, times
from hmn_lava.simulator.compiled.columns import FEW, Columns
from hmn_lava.simulator.compiled.learning.form import (
    Key,
    LearningForm,
    RuleForm,
    has_part,
    key_of,
    moment_of,
    narrow,
    part_bits,
    part_reach,
    parts,
    spikes_only,
    term_of,
    vector,
    x_bounds,
)
from hmn_lava.simulator.compiled.storage import width_of
from hmn_lava.simulator.compiled.table import Slot, Table
from hmn_lava.simulator.compiled.writer import Array, Value, Writer

_LISTED = 8
"""Payloads are taken one by one where at most one in this many neurons sends one, else whole rows are multiplied."""


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
        self.bits = 16 if narrow(form) else 32
        self.form, self.w = form, Writer("learn", vector(form, lanes))
        self.table = Table(self.w)
        self.storage = {name: width_of(kind) for name, kind in form.storage}
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
            self.col = table.array(form.neuron_bits[0], "col", signed=False)
            self.columns = Columns(w, table, form.neuron_bits[1])
            self.first_blocks = table.array(64, "first blocks")
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
            key_of(form, product): table.array(part_bits(form, product), "selected", "", number, wide=16)
            for number, product in enumerate(parts(form))
        }
        if not form.dense:
            uneven = table.array(32, "uneven")
            self.uneven = {key: w.nonzero(w.load(uneven, number)) for number, key in enumerate(self.selected)}
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
        if not form.dense:
            self._sparse_currents(currents, sent)
            if any(map(spikes_only, self.selected)):
                with w.when(ends):
                    self.columns.mark(self.spiking, self.first_blocks, self.starts, self._spikes)
        with w.loop(w.lo, w.hi) as row:
            first, end = w.load(self.starts, row), w.load(self.starts, w.add(row, 1))
            if form.dense:
                w.store(currents, row, self._current(first, end, sent))
            if form.rules:
                with w.when(ends):
                    self._row(row, first, end, fires, spiked)
        return w.text(), table.slots

    def _current(self, first: Value, end: Value, sent: Value) -> Value:
        """Σ w p over a row of all pairs."""
        w, weights = self.w, self.variables["weights"]
        total = w.variable(0, 64)
        few = w.compare("sle", w.mul(sent, _LISTED), self.n_pre)
        with w.when(few), w.loop(0, sent) as n:
            i = w.resize(w.load(self.listed, w.add(n, 1)), 64)
            weight = w.resize(w.load(weights, w.add(first, i)), 64)
            w.set(total, w.add(w.get(total), w.mul(weight, w.resize(w.load(self.payloads, i), 64))))
        with w.when(w.invert(few)):
            w.set(total, self._products(first, end))
        return w.get(total)

    def _products(self, first: Value, end: Value) -> Value:
        """Σ w p over a row, vector by vector."""
        w = self.w
        sums = w.variable(0, 64, w.lanes)
        with w.loop(first, end, w.lanes) as k:
            mask = w.below(w.sub(end, k))
            if self.form.dense:
                p = w.load(self.payloads, w.sub(k, first), w.lanes, mask)
            else:
                p = w.gather(self.payloads, w.load(self.col, k, w.lanes, mask), mask)
            weight = w.load(self.variables["weights"], k, w.lanes, mask)
            w.set(sums, w.add(w.get(sums), w.mul(w.resize(weight, 64), w.resize(p, 64))))
        return w.total(w.get(sums))

    def _sparse_currents(self, currents: Array, sent: Value) -> None:
        """Σ w p over the rows [lo, hi); of few senders, synapse by synapse."""
        w = self.w
        few = w.compare("sle", w.mul(sent, FEW), self.n_pre)
        with w.loop(w.lo, w.hi) as row:
            w.store(currents, row, 0)
        with w.when(few), w.loop(0, sent) as n:
            i = w.resize(w.load(self.listed, w.add(n, 1)), 64)
            p = w.resize(w.load(self.payloads, i), 64)
            with self.columns.synapses_of(i, self.variables["weights"]) as (row, k):
                product = w.mul(w.resize(w.load(self.variables["weights"], k), 64), p)
                w.store(currents, row, w.add(w.load(currents, row), product))
        with w.when(w.invert(few)), w.loop(w.lo, w.hi) as row:
            w.store(currents, row, self._products(w.load(self.starts, row), w.load(self.starts, w.add(row, 1))))

    def _spikes(self, index: Value, lanes: int, mask: Value | None) -> Value:
        return self.w.load(self.used_tx, index, lanes, mask)

    # one row

    def _row(self, row: Value, first: Value, end: Value, fires: Value, spiked: Value) -> None:
        w, form = self.w, self.form
        self.row = row
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
        lanes, shift = w.lanes, w.lanes.bit_length() - 1
        size = w.sub(end, first)
        whole = w.shr(size, shift)
        block = w.mul(row, w.add(whole, 1)) if form.dense else w.load(self.first_blocks, row)
        self.flags, self.hits = w.part(self.filled, block), self.spiking if form.dense else w.part(self.spiking, block)
        rounds = w.select(every, whole, w.select(listed, spiked if form.dense else whole, w.constant(0, 64)))
        with w.loop(0, rounds) as n:
            number = w.variable(n)
            if form.dense:
                with w.when(w.invert(every)):
                    start = w.resize(w.load(self.blocks, w.add(n, 1)), 64)
                    w.set(number, w.shr(start, shift))
            with w.when(w.compare("slt", w.get(number), whole)):
                self._flagged(first, w.get(number), None, every, all_, terms)
        rest = w.sub(size, w.mul(whole, lanes))
        with w.when(w.both(w.either(every, listed), w.compare("sgt", rest, 0))):
            self._flagged(first, whole, w.below(rest), every, all_, terms)

    def _flagged(
        self, first: Value, number: Value, mask: Value | None, every: Value, all_: Value, terms: list[list[_Term]]
    ) -> None:
        """A vector of a row, unless its flags say that nothing happens there."""
        w = self.w
        self.hit = w.nonzero(w.load(self.hits, number))
        goes = w.both(every, w.either(all_, w.nonzero(w.load(self.flags, number))))
        goes = w.either(self.hit, goes)
        with w.when(goes):
            start = w.mul(number, w.lanes)
            left = self._block(w.add(first, start), start, mask, terms)
            w.store(self.flags, number, w.resize(left, 8, False))

    def _product(self, number: int, product: Product, right: int, left: int, acting: dict[str, Value]) -> _Term:
        """The part of a product that is the same in a whole row, and whether the product acts there."""
        w, form = self.w, self.form
        value, bounds = self.mantissas[number], (-product.mantissa, product.mantissa)
        for factor in product.factors:
            if factor.variable == "y0":
                spike = w.resize(w.compare("sgt", self.ty, 0), 32, False)
                term, range_ = term_of(w, form, factor, spike, (0, 1))
            elif factor.variable in Y_TRACES and self._even(product):
                term, range_ = term_of(w, form, factor, self._y(product, factor.variable), form.y_bounds)
            else:
                continue
            value, bounds = w.mul(value, term), times(bounds, range_)
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
        self.neurons = None if self.form.dense else w.load(self.col, k, w.lanes, mask)
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

    def _part(self, key: Key, terms: list[list[_Term]]) -> tuple[Value, Value]:
        """A presynaptic part for these synapses, and whether it is anywhere not zero; 0 if no product needs it."""
        w, array = self.w, self.selected[key]
        if self.neurons is None:
            part = w.load(array, self.i, w.lanes, self.mask)
            return part, w.any(w.nonzero(part))
        acts: Value = w.constant(0, 1)
        for term in (term for rule in terms for term in rule):
            if has_part(self.form, term.product) and key_of(self.form, term.product) == key:
                acts = w.either(acts, term.acts)
        if spikes_only(key):
            acts = w.both(acts, self.hit)
        found = w.variable(0, array.wide, w.lanes)
        with w.when(acts):  # what is gathered is dear
            w.set(found, w.load(array, 0))
            with w.when(self.uneven[key]):
                w.set(found, w.gather(array, self.neurons, self.mask))
        part = w.get(found)
        return part, w.any(w.nonzero(part))

    def _active(
        self, term: _Term, filled: dict[str, Value], parts: dict[Key, tuple[Value, Value]]
    ) -> tuple[Value, Value | None]:
        """Whether a product acts on any of these synapses, and the presynaptic part of it."""
        w, active, part = self.w, term.acts, None
        if has_part(self.form, term.product):
            part, some = parts[key_of(self.form, term.product)]
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
                if inside(reached, form.accumulator):
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
        if self.neurons is None:
            return w.add(w.splat(w.add(row, w.resize(self.i, 32))), w.counted())
        return w.add(self.neurons, row)

    def _value(self, term: _Term, part: Value | None, before: dict[str, Value]) -> tuple[Value, Interval]:
        """A product, shifted and saturated to the accumulator."""
        w, form, product = self.w, self.form, term.product
        readings: list[tuple[Value, Interval]] = []
        if part is not None:
            readings.append((part, part_reach(form, product)))
        for factor in product.factors:
            found = self._element(product, factor, before)
            if found is not None:
                readings.append(self._saturated(factor, *found))
        bounds = term.bounds
        reaches = [bounds]
        for _, own in readings:
            bounds = times(bounds, own)
            reaches.append(bounds)
        shifted = (bounds[0] >> term.right, bounds[1] >> term.right)
        ends = (shifted[0] << term.left, shifted[1] << term.left)
        narrow = self.bits == 16 and all(inside(r, INT16) for r in (*reaches, ends))
        width = 16 if narrow else 32
        value = w.resize(term.coefficient, width)
        for reading, _ in readings:
            value = w.mul(value, w.resize(reading, width))
        value = w.shl(w.shr(w.splat(value), min(term.right, width - 1)), term.left)
        if not all(inside(r, INT32) for r in (*reaches, ends)):  # the register wraps
            ends = INT32
        low, high = form.accumulator
        if not inside(ends, form.accumulator):
            value = w.clip(value, low, high)
        return w.resize(value, self.bits), (max(low, ends[0]), min(high, ends[1]))

    def _saturated(self, factor: Factor, value: Value, bounds: Interval) -> tuple[Value, Interval]:
        """A factor of the synapse, in as many bits as its constant needs."""
        constant = int(factor.constant)
        if value.bits == 16 and not inside((bounds[0] + constant, bounds[1] + constant), INT16):
            value = self.w.resize(value, 32)
        return term_of(self.w, self.form, factor, value, bounds)

    def _element(self, product: Product, factor: Factor, before: dict[str, Value]) -> tuple[Value, Interval] | None:
        """A factor that differs from synapse to synapse and is not in the presynaptic part, with its bounds."""
        w, form = self.w, self.form
        if factor.variable in VARIABLE_NAMES:
            name = VARIABLE_NAMES[factor.variable]
            levels = self.levels.get(name)
            bounds = (levels.low, levels.high) if levels is not None else of_bits(*self.storage[name])
            return before[name], bounds
        if factor.variable in X_TRACES and moment_of(form, product) == "row":
            k = X_TRACES.index(factor.variable)
            moment = w.clip(self.ty, 1, form.epoch)
            start = w.mul(w.add(w.mul(moment, len(X_TRACES)), k), self.n_pre)
            if self.neurons is None:
                x = w.load(self.x_history, w.add(start, self.i), w.lanes, self.mask)
            else:
                x = w.gather(w.part(self.x_history, start), self.neurons, self.mask)
            return x, x_bounds(form, factor.variable)
        if factor.variable in Y_TRACES and not self._even(product):
            k = Y_TRACES.index(factor.variable)
            tx = (
                w.load(self.used_tx, self.i, w.lanes, self.mask)
                if self.neurons is None
                else w.gather(self.used_tx, self.neurons, self.mask)
            )
            place = w.mul(w.add(w.mul(w.clip(tx, 1, form.epoch), len(Y_TRACES)), k), w.resize(self.n_post, 32))
            index = w.add(place, w.splat(w.resize(self.row, 32)))
            return w.gather(self.y_history, index, self.mask), form.y_bounds
        return None
