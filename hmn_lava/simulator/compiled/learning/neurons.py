"""The function ``follow``: what a step of learning synapses does for neurons alone.

Payloads, spikes and supplied traces; at the end of an epoch also the traces at all of its moments, and for each product
the part that depends on the presynaptic neuron alone.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from hmn_lava.learning.connection import PAYLOAD_BITS
from hmn_lava.learning.records import X_TRACES, Y_TRACES
from hmn_lava.learning.rounding import DECAY_BITS
from hmn_lava.simulator.compiled import draws
from hmn_lava.simulator.compiled.learning.form import (
    LearningForm,
    moment_of,
    part_bits,
    parts,
    presynaptic,
    term_of,
    vector,
    x_bounds,
)
from hmn_lava.simulator.compiled.storage import width_of
from hmn_lava.simulator.compiled.table import Slot, Table
from hmn_lava.simulator.compiled.writer import Array, Value, Writer


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
                    bits, signed = width_of(kind)
                    source = table.array(bits, "supplied", name, signed=signed)
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
        for number, product in enumerate(parts(form)):
            target = self.table.array(part_bits(form, product), "selected", "", number)
            with self._blocks(self.n_pre) as i:
                mask = w.below(w.sub(self.n_pre, i))
                tx = w.load(self.tx, i, w.lanes, mask)
                spiked = w.compare("sgt", tx, 0)
                value = w.splat(1)
                for factor in presynaptic(form, product):
                    if factor.variable == "x0":
                        term, _ = term_of(w, form, factor, w.resize(spiked, 32, False), (0, 1))
                    else:
                        k = X_TRACES.index(factor.variable)
                        if moment_of(form, product) == "own" and form.epoch > 1:
                            moment = w.clip(tx, 1, form.epoch)
                            place = w.mul(w.add(w.mul(moment, len(X_TRACES)), k), w.resize(self.n_pre, 32))
                            x = w.gather(self.x_history, w.add(place, self._lanes_from(i)), mask)
                        else:
                            at = w.add(w.mul(self.n_pre, form.epoch * len(X_TRACES) + k), i)
                            x = w.load(self.x_history, at, w.lanes, mask)
                        term, _ = term_of(w, form, factor, x, x_bounds(form, factor.variable))
                    value = w.mul(value, term)
                if product.dependency == "x0":
                    value = w.select(spiked, value, w.splat(0))
                w.store(target, i, value, w.lanes, mask)
            if not form.dense:
                self._even(target, number)

    def _even(self, part: Array, number: int) -> None:
        """Note whether a part is the same for all presynaptic neurons: then it need not be gathered."""
        w = self.w
        first, uneven = w.splat(w.load(part, 0)), w.variable(0, 1)
        with self._blocks(self.n_pre) as i:
            mask = w.below(w.sub(self.n_pre, i))
            other = w.both(mask, w.compare("ne", w.load(part, i, w.lanes, mask), first))
            w.set(uneven, w.either(w.get(uneven), w.any(other)))
        w.store(self.table.array(32, "uneven"), number, w.resize(w.get(uneven), 32, False))

    def _spiked(self) -> None:
        """List the vectors of presynaptic neurons in which one spiked; the spikes are handed over, and gone."""
        w = self.w
        blocks = self.table.array(32, "blocks")
        spiking = self.table.array(8, "spiking") if self.form.dense else None
        count = w.variable(0, 64)
        size = vector(self.form, w.lanes)
        with w.loop(0, self.n_pre, size) as start:
            some: Value = w.constant(0, 1)
            for part in range(0, size, w.lanes):
                i = w.add(start, part)
                mask = w.below(w.sub(self.n_pre, i))
                tx = w.load(self.tx, i, w.lanes, mask)
                w.store(self.used_tx, i, tx, w.lanes, mask)
                w.store(self.tx, i, w.splat(0), w.lanes, mask)
                some = w.either(some, w.any(w.nonzero(tx)))
            if spiking is not None:
                w.store(spiking, w.binary("udiv", start, size), w.resize(some, 8, False))
            w.store(blocks, w.add(w.get(count), 1), start)
            w.set(count, w.add(w.get(count), w.resize(some, 64, False)))
        w.store(blocks, 0, w.get(count))
        with self._blocks(self.n_post) as j:
            mask = w.below(w.sub(self.n_post, j))
            w.store(self.used_ty, j, w.load(self.ty, j, w.lanes, mask), w.lanes, mask)
            w.store(self.ty, j, w.splat(0), w.lanes, mask)
