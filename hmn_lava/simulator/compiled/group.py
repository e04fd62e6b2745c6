"""From the program of a group to the function that computes one step of it, for rows [lo, hi).

Rows are compartments, or for synapses the postsynaptic neurons, with the synapses of a row as the elements. What does
not depend on the compartment is computed once, what depends on the row alone before the row's elements. The interval
analysis tells where a result must be wrapped and where a product needs 64 bits.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from hmn_lava.microcode.ir import WORD, Instruction, Operand, Program
from hmn_lava.microcode.ranges import WORD_RANGE, Interval, Ranges, analyse
from hmn_lava.network import Along, LinkKind
from hmn_lava.simulator.compiled.bounds import INT32, inside, times
from hmn_lava.simulator.compiled.columns import Columns
from hmn_lava.simulator.compiled.dead import (
    Clause,
    Effect,
    effects,
    loaded_clauses,
    reads,
    scalar_clauses,
    vector_clauses,
)
from hmn_lava.simulator.compiled.storage import storage, width_of
from hmn_lava.simulator.compiled.table import Slot, Table
from hmn_lava.simulator.compiled.writer import Array, Value, Variable, Writer

UNIFORM, ROW, ELEMENT = 0, 1, 2

PART = 64
"""Compartments are shared among threads in multiples of this many, so that no two write to one cache line."""

_HALF = WORD // 2


@dataclass(frozen=True)
class Form:
    """All that the text depends on besides the program.

    ``dense``: None for compartments, else whether all pairs of neurons are connected. ``neuron_bits`` as
    of :func:`hmn_lava.simulator.compiled.columns.neuron_bits`. ``ports`` maps a port to its links, each (kind,
    whether delays differ from synapse to synapse). ``constants`` maps a name to its layout. ``observed`` names the
    observables that are kept.
    """

    program: Program
    dense: bool | None
    ports: tuple[tuple[str, tuple[tuple[LinkKind, bool], ...]], ...]
    constants: tuple[tuple[str, Along], ...]
    observed: tuple[str, ...]
    neuron_bits: tuple[int, int] = (32, 32)
    across: bool = False


def generate(form: Form, lanes: int) -> tuple[str, list[Slot]]:
    """The module with the function ``group``, and the meaning of its table."""
    return _Generator(form, lanes).module()


class _Generator:
    def __init__(self, form: Form, lanes: int) -> None:
        self.form, self.program = form, form.program
        self.w = Writer("group", lanes)
        self.table = Table(self.w)
        self.ranges: Ranges = analyse(form.program)
        self.level: dict[str, int] = {}
        self.known: list[dict[str, Value]] = [{}]  # values by name in each open scope, innermost last
        self.definitions = {str(i.target): i for i in form.program.instructions if i.target is not None}

    def module(self) -> tuple[str, list[Slot]]:
        w = self.w
        self._levels()
        self._prepare()
        self._declare()
        self._compute(UNIFORM)
        if self.form.dense is None:
            self._elements(w.lo, w.hi, None)
        elif self.form.across:
            self._across()
        else:
            starts = self.arrays[Slot("starts")]
            self._mark()
            with w.loop(w.lo, w.hi) as row, self._scope():
                first = w.load(starts, row)
                end = w.load(starts, w.add(row, 1))
                totals = {o.name: w.variable(0, lanes=w.lanes) for o in self.program.outputs}
                self.row = row
                self.flags = {
                    link: w.part(flags, w.load(self.first_blocks, row)) for link, flags in self.marked.items()
                }
                self._compute(ROW)
                self._elements(first, end, totals)
                for name, total in totals.items():
                    place = w.add(w.mul(self.time, self.width[name]), row)
                    w.store(self.arrays[Slot("output", name)], place, w.wrap(w.total(w.get(total))))
        return w.text(), self.table.slots

    def _across(self) -> None:
        """Synapses of a presynaptic neuron onto the neurons [lo, hi), one presynaptic neuron after the other."""
        w = self.w
        self.n_pre, self.n_post = self.table.value("n_pre"), self.table.value("n_post")
        sums = {o.name: w.mul(self.time, self.width[o.name]) for o in self.program.outputs}
        self.sums = {name: w.part(self.arrays[Slot("output", name)], start) for name, start in sums.items()}
        for array in self.sums.values():
            with w.loop(w.lo, w.hi, w.lanes) as k:
                w.store(array, k, w.splat(0), w.lanes, w.below(w.sub(w.hi, k)))
        flags = w.part(self.table.array(8, "filled"), w.mul(w.binary("udiv", w.lo, PART), self.n_pre))
        self.left = w.variable(0, 1)
        with w.loop(0, self.n_pre) as row, self._scope():
            self.row = row
            self._compute(ROW)
            with w.when(self._any_of_row(w.nonzero(w.load(flags, row)))):
                w.set(self.left, 0)
                self._elements(w.lo, w.hi, None)
                w.store(flags, row, w.resize(w.get(self.left), 8, False))
        for array in self.sums.values():
            with w.loop(w.lo, w.hi, w.lanes) as k:
                mask = w.below(w.sub(w.hi, k))
                w.store(array, k, w.wrap(w.load(array, k, w.lanes, mask)), w.lanes, mask)

    # what there is

    def _levels(self) -> None:
        outer = ELEMENT if self.form.dense is None else ROW
        pre, post = (outer, ELEMENT) if self.form.across else (ELEMENT, outer)
        along = {"all": UNIFORM, "each": ELEMENT, "pre": pre, "post": post}
        kinds = {"all": UNIFORM, "total": UNIFORM, "pre": pre, "post": post}
        for state in self.program.states:
            self.level[state.name] = ELEMENT
        for name, layout in self.form.constants:
            self.level[name] = along[layout]
        self.links = dict(self.form.ports)
        for port, links in self.links.items():
            levels = [ELEMENT if uneven else kinds.get(kind, ELEMENT) for kind, uneven in links]
            self.level[port] = max(levels, default=UNIFORM)
        for name, instruction in self.definitions.items():
            own = ELEMENT if instruction.op == "index" else UNIFORM
            self.level[name] = max((self.level[r] for r in instruction.registers()), default=own)

    def _declare(self) -> None:
        """The table: arrays, widths, and where in the rings the messages of this step lie."""
        w, table = self.w, self.table
        self.arrays: dict[Slot, Array] = {}
        self.depth = table.value("depth")
        self.time = w.binary("urem", w.now, self.depth)

        def array(bits: int, role: str, name: str = "", number: int = 0, signed: bool = True) -> Array:
            found = self.arrays[Slot(role, name, number)] = table.array(bits, role, name, number, signed)
            return found

        if self.form.dense is not None and not self.form.across:
            array(64, "starts")
        if self.form.dense is False:
            array(self.form.neuron_bits[0], "col", signed=False)
        for state in self.program.states:
            bits, signed = width_of(storage(state.format))
            array(bits, "state", state.name, signed=signed)
        for name, _ in self.form.constants:
            array(32, "constant", name)
        self.shifts: dict[tuple[str, int], Value] = {}
        self.widths: dict[tuple[str, int], Value] = {}
        self.starts: dict[tuple[str, int], Value] = {}
        for port, links in self.form.ports:
            for number, (kind, uneven) in enumerate(links):
                if kind in ("matrix", "plastic"):
                    array(64, "current", port, number)
                    self.shifts[port, number] = table.value("shift", port, number)
                    continue
                array(32, "message", port, number)
                width = self.widths[port, number] = table.value("message width", port, number)
                delays = array(32, "delay", port, number)
                if not uneven:
                    self.starts[port, number] = self._ring_start(delays, width)
        self.width: dict[str, Value] = {}
        for output in self.program.outputs:
            array(32, "output", output.name)
            self.width[output.name] = table.value("output width", output.name)
        for name in self.form.observed:
            array(32, "observed", name)

    def _ring_start(self, delays: Array, width: Value) -> Value:
        """Where in a ring the messages of a link with one delay begin."""
        w = self.w
        delay = w.resize(w.load(delays, 0), 64)
        slot = w.binary("urem", w.sub(w.add(w.now, w.sub(self.depth, 1)), delay), self.depth)
        return w.mul(slot, width)

    def _mark(self) -> None:
        """Flags of the blocks of sparse synapses that a message may reach, for each link that brings messages."""
        w = self.w
        self.marked: dict[tuple[str, int], Array] = {}
        if self.form.dense is not False:
            return
        links = [link for link in self.starts if dict(self.form.ports)[link[0]][link[1]][0] == "pre"]
        if not links:
            return
        by_column = Columns(w, self.table, self.form.neuron_bits[1])
        self.first_blocks = self.table.array(64, "first blocks")
        for port, number in links:
            messages = w.part(self.arrays[Slot("message", port, number)], self.starts[port, number])
            flags = self.marked[port, number] = self.table.array(8, "flags", port, number)
            by_column.mark(flags, self.first_blocks, self.arrays[Slot("starts")], partial(w.load, messages))

    # values

    @contextmanager
    def _scope(self) -> Iterator[None]:
        self.known.append({})
        yield
        self.known.pop()

    def _compute(self, level: int) -> None:
        """All values of a level, in order."""
        for variable in self.program.readable:
            if self.level[variable.name] == level:
                self._value(variable.name)
        for name in self.definitions:
            if self.level[name] == level:
                self._value(name)

    def _value(self, operand: Operand) -> Value:
        """An operand, computed or loaded where it is first needed."""
        if isinstance(operand, int):
            return self.w.constant(operand)
        for scope in reversed(self.known):
            if operand in scope:
                return scope[operand]
        if operand in self.definitions:
            value = self._result(self.definitions[operand])
        elif operand in self.links:
            value = self._port(operand)
        elif any(state.name == operand for state in self.program.states):
            value = self.w.load(self.arrays[Slot("state", operand)], self.at, self.w.lanes, self.mask)
        else:
            value = self._constant(operand)
        self.known[-1][operand] = value
        return value

    def _constant(self, name: str) -> Value:
        w, array = self.w, self.arrays[Slot("constant", name)]
        along = dict(self.form.constants)[name]
        if along == "all":
            return w.load(array, 0)
        if along == "each":
            return w.load(array, self.at, w.lanes, self.mask)
        return self._pre(array, w.constant(0, 64)) if along == "pre" else self._post(array, w.constant(0, 64))

    def _pre(self, array: Array, start: Value) -> Value:
        """What the presynaptic neurons of these synapses have in an array, from ``start`` on."""
        w = self.w
        if self.form.across:
            return w.load(array, w.add(start, self.row))
        if self.form.dense:
            return w.load(array, w.add(start, self.pre), w.lanes, self.mask)
        return w.gather(w.part(array, start), self._columns(), self.mask)

    def _post(self, array: Array, start: Value) -> Value:
        """What the postsynaptic neurons of these synapses have in an array, from ``start`` on."""
        w = self.w
        if self.form.across:
            return w.load(array, w.add(start, self.post), w.lanes, self.mask)
        return w.load(array, w.add(start, self.row))

    def _message(self, array: Array, start: Value, port: str, number: int) -> Value:
        """What the presynaptic neurons of these synapses have sent."""
        if self.form.dense:
            return self._pre(array, start)
        w = self.w
        found = w.variable(0, lanes=w.lanes)
        block = w.shr(self.pre, w.lanes.bit_length() - 1)
        with w.when(w.nonzero(w.load(self.flags[port, number], block))), self._scope():
            w.set(found, self._pre(array, start))
        return w.get(found)

    def _columns(self) -> Value:
        """The presynaptic neurons of these synapses."""
        if "" not in self.known[-1]:
            w = self.w
            self.known[-1][""] = (
                w.add(w.splat(w.resize(self.pre, 32)), w.counted())
                if self.form.dense
                else w.load(self.arrays[Slot("col")], self.at, w.lanes, self.mask)
            )
        return self.known[-1][""]

    def _port(self, port: str) -> Value:
        w = self.w
        terms = [self._link(port, number, *link) for number, link in enumerate(self.links[port])]
        if not terms:
            return w.constant(0)
        total = terms[0]
        for term in terms[1:]:
            total = w.add(total, term)
        alone = len(terms) == 1 and self.links[port][0][0] not in ("matrix", "plastic", "total")
        return total if alone else w.wrap(total)

    def _link(self, port: str, number: int, kind: LinkKind, uneven: bool) -> Value:
        w = self.w
        if kind in ("matrix", "plastic"):
            return self._current(self.arrays[Slot("current", port, number)], self.shifts[port, number])
        array, width = self.arrays[Slot("message", port, number)], self.widths[port, number]
        if uneven:
            delay = w.load(self.arrays[Slot("delay", port, number)], self.at, w.lanes, self.mask)
            slot = w.sub(w.splat(w.resize(w.add(self.time, w.sub(self.depth, 1)), 32)), delay)
            depth = w.splat(w.resize(self.depth, 32))
            slot = w.select(w.compare("sge", slot, depth), w.sub(slot, depth), slot)
            index = w.add(w.mul(slot, w.resize(width, 32)), self._columns())
            return w.gather(array, index, self.mask)
        start = self.starts[port, number]
        if kind == "all":
            return w.load(array, start)
        if kind == "total":
            total = w.variable(0)
            with w.loop(0, width) as i:
                w.set(total, w.add(w.get(total), w.load(array, w.add(start, i))))
            return w.get(total)
        if kind == "pre":
            return self._message(array, start, port, number)
        if kind == "post":
            return self._post(array, start)
        return w.load(array, w.add(start, self.at), w.lanes, self.mask)  # same, rows

    def _current(self, array: Array, shift: Value) -> Value:
        """A synaptic current of 64 bits, shifted left, or right where the shift is negative."""
        w = self.w
        current = w.load(array, self.at, w.lanes, self.mask)
        left = w.shl(current, w.largest(shift, 0))
        right = w.shr(current, w.largest(w.sub(0, shift), 0))
        return w.resize(w.select(w.splat(w.compare("sge", shift, 0), 1), left, right), 32)

    def _result(self, instruction: Instruction) -> Value:
        w, op = self.w, instruction.op
        if op == "time":
            return w.wrap(w.resize(w.now, 32))
        if op == "index":
            if self.form.across:  # the place in the full matrix, whose rows are those of the postsynaptic neurons
                post = w.add(w.splat(w.resize(self.post, 32)), w.counted())
                return w.wrap(w.add(w.mul(post, w.resize(self.n_pre, 32)), w.resize(self.row, 32)))
            return w.wrap(w.add(w.splat(w.resize(self.at, 32)), w.counted()))
        if op == "mul":
            result = self._product(instruction)
        elif op in ("shl", "shr"):
            a, bits = self._value(instruction.operands[0]), int(instruction.operands[1])
            result = w.shl(a, bits) if op == "shl" else w.shr(a, bits)
        else:
            result = self._plain(op, *(self._value(operand) for operand in instruction.operands))
        low, high = self.ranges.raw[str(instruction.target)]
        return result if WORD_RANGE[0] <= low and high <= WORD_RANGE[1] else w.wrap(result)

    def _plain(self, op: str, a: Value, b: Value | None = None, c: Value | None = None) -> Value:
        w = self.w
        if b is None:
            return a if op == "mov" else w.sub(0, a)
        if c is not None:
            condition = w.nonzero(a)
            if condition.lanes == 1:
                return w.select(condition, b, c)
            return w.select(condition, w.splat(b), w.splat(c))
        if op in _COMPARISONS:
            return w.resize(w.compare(_COMPARISONS[op], a, b), 32, signed=False)
        if op == "min":
            return w.smallest(a, b)
        return w.binary(op, a, b)

    def _product(self, instruction: Instruction) -> Value:
        """(a b) >> shift, in 32 bits where that gives the same low bits."""
        w = self.w
        left, right, shift = instruction.operands[0], instruction.operands[1], int(instruction.operands[2])
        a, b = self._value(left), self._value(right)
        first, second = self.ranges.bounds(left), self.ranges.bounds(right)
        if shift == 0 or inside(times(first, second), INT32):  # the low word of a product does not need its upper half
            return w.shr(w.mul(a, b), min(shift, 31))
        if shift >= _HALF:
            for x, y, xs, ys in ((a, b, first, second), (b, a, second, first)):
                if not x.name.startswith("%") or not (_splits(xs, ys) or (left == right and shift == _HALF)):
                    continue
                # x = high 2^12 + low, so that x y >> 12 = high y + (low y >> 12); of a square, high (y + low) + ...
                high, low = w.shr(x, _HALF), w.both(x, (1 << _HALF) - 1)
                if left == right and shift == _HALF:
                    return w.add(w.mul(high, w.add(y, low)), w.shr(w.mul(low, low), _HALF))
                return w.shr(w.add(w.mul(high, y), w.shr(w.mul(low, y), _HALF)), min(shift - _HALF, 31))
        product = w.mul(w.resize(a, 64), w.resize(b, 64))
        return w.resize(w.shr(product, shift), 32)

    # elements

    def _elements(self, first: Value, end: Value, totals: dict[str, Variable] | None) -> None:
        """All elements of [first, end): whole vectors, then what is left."""
        w = self.w
        next_ = w.variable(first)
        with w.loop(first, w.sub(end, w.lanes - 1), w.lanes) as k:
            self._block(k, first, None, totals)
            w.set(next_, w.add(k, w.lanes))
        k = w.get(next_)
        with w.when(w.compare("slt", k, end)):
            self._block(k, first, w.below(w.sub(end, k)), totals)

    def _block(self, k: Value, first: Value, mask: Value | None, totals: dict[str, Variable] | None) -> None:
        """The elements from k on."""
        w = self.w
        self.at, self.mask = k, mask
        if self.form.across:
            self.at, self.post = w.add(w.mul(self.row, self.n_post), k), k
        with self._scope():
            if totals is not None:
                self.pre = w.sub(k, first)
            some = self._anything()
            if self.form.across and some is not None:
                states = (self._nonzero(frozenset([name])) for name in sorted(self._states()))
                held = functools.reduce(w.either, states, some)
                w.set(self.left, w.either(w.get(self.left), held))
            with w.when(some), self._scope():
                for name in self.shared:
                    self._value(name)
                for effect in self.effects:
                    self._effect(effect, totals)

    def _prepare(self) -> None:
        """The effects of a step, what several of them need, and what leaves one of them without effect."""
        program, ranges = self.program, self.ranges
        self.effects = effects(program, self.form.observed)
        needs = [reads(program, effect) for effect in self.effects]
        again = {name for n, names in enumerate(needs) for other in needs[n + 1 :] for name in names & other}
        vectors = [name for name in self.definitions if self.level[name] == ELEMENT]
        self.shared = [*self._early(self.effects), *(name for name in vectors if name in again)]
        self.loaded: list[list[Clause]] = []
        self.clauses: dict[Effect, list[Clause]] = {}
        if self.form.dense is None:  # neurons are few
            return
        scalars = [name for name in self.level if self.level[name] < ELEMENT and name in self.links]
        ports = [name for name in self.links if self.level[name] > UNIFORM]
        for effect in self.effects:
            self.loaded.append(loaded_clauses(program, ranges, effect, ports))
            found = scalar_clauses(program, ranges, effect, scalars)
            found += vector_clauses(program, ranges, effect, vectors)
            if effect.kind == "emit":
                found += self.loaded[-1]
            self.clauses[effect] = list(dict.fromkeys(found))

    def _anything(self) -> Value | None:
        """Whether these elements do anything at all, as far as their ports and states tell; None: always."""
        w = self.w
        if not self.loaded or not all(self.loaded):
            return None
        some = w.constant(0, 1)
        for clauses in self.loaded:
            needed = w.constant(1, 1)
            for clause in clauses:
                needed = w.both(needed, self._nonzero(clause))
            some = w.either(some, needed)
        return some

    def _any_of_row(self, filled: Value) -> Value | None:
        """Whether a row does anything at all, as far as its messages tell, and ``filled`` of its states; None: always.

        Other ports that differ along the row are taken as other than zero.
        """
        w = self.w
        if not self.loaded or not all(self.loaded):
            return None
        states, some = self._states(), w.constant(0, 1)
        for clauses in self.loaded:
            needed = w.constant(1, 1)
            for clause in clauses:
                if all(name in states or self.level[name] < ELEMENT for name in clause):
                    known = [filled if name in states else w.nonzero(self._value(name)) for name in sorted(clause)]
                    needed = w.both(needed, functools.reduce(w.either, known))
            some = w.either(some, needed)
        return some

    def _states(self) -> set[str]:
        """The states among the names of the clauses."""
        named = {name for clauses in self.loaded for clause in clauses for name in clause}
        return named & {state.name for state in self.program.states}

    def _nonzero(self, clause: Clause) -> Value:
        """Whether anything of a clause is not zero, in any of these elements."""
        w = self.w
        return functools.reduce(w.either, [w.any(w.nonzero(self._value(name))) for name in sorted(clause)])

    def _early(self, done: list[Effect]) -> list[str]:
        """States that something reads after they are stored."""
        stored: set[str] = set()
        early = []
        for effect in done:
            for name in reads(self.program, effect):
                if name in stored and name not in early:
                    early.append(name)
            if effect.kind == "store":
                stored.add(effect.name)
        return early

    def _effect(self, effect: Effect, totals: dict[str, Variable] | None) -> None:
        """A store, an emission or an observation: nothing, or zero, where the program skips it."""
        w = self.w
        if effect.kind == "store":
            array, index = self.arrays[Slot("state", effect.name)], self.at
        elif effect.kind == "observe":
            array, index = self.arrays[Slot("observed", effect.name)], self.at
        elif self.form.dense is None:
            array = self.arrays[Slot("output", effect.name)]
            index = w.add(w.mul(self.time, self.width[effect.name]), self.at)
        else:
            array, index = None, self.at
        if effect.kind != "store" and array is not None and effect.skips:
            w.store(array, index, w.splat(0), w.lanes, self.mask)
        with self._needed(effect):
            value = self._value(effect.operand)
            if effect.kind == "store":
                format = self.program.variable(effect.name).format
                if not format.holds(*self.ranges.bounds(effect.operand)):
                    value = w.wrap(value, format.bits, format.signed)
            chosen = self.mask
            for skip in effect.skips:
                condition = w.compare("eq", self._value(skip), 0)
                if condition.lanes != 1:
                    chosen = condition if chosen is None else w.both(chosen, condition)
            if array is not None:
                w.store(array, index, value, w.lanes, chosen)
            else:
                value = w.splat(value)
                if chosen is not None:
                    value = w.select(chosen, value, w.splat(0))
                if totals is None:
                    sums = self.sums[effect.name]
                    value = w.add(w.load(sums, self.post, w.lanes, self.mask), value)
                    w.store(sums, self.post, value, w.lanes, self.mask)
                else:
                    w.set(totals[effect.name], w.add(w.get(totals[effect.name]), value))

    @contextmanager
    def _needed(self, effect: Effect) -> Iterator[None]:
        """Leave out what the program skips for all lanes, and what changes nothing since a factor is zero."""
        w = self.w
        with contextlib.ExitStack() as regions:

            def only(condition: Value) -> None:
                regions.enter_context(w.when(condition))
                regions.enter_context(self._scope())

            for skip in effect.skips:
                only(w.any(w.compare("eq", self._value(skip), 0)))
            for clause in self.clauses.get(effect, ()):
                only(self._nonzero(clause))
            yield


def _splits(x: Interval, y: Interval) -> bool:
    """Whether both parts of a product, of the upper bits of x and of its lower _HALF bits, fit 32 bits with room."""
    reach = max(abs(y[0]), abs(y[1]))
    upper = max(abs(x[0] >> _HALF), abs(x[1] >> _HALF))
    return upper * reach + reach <= INT32[1] and ((1 << _HALF) - 1) * reach <= INT32[1]


_COMPARISONS = {"lt": "slt", "ge": "sge", "eq": "eq"}
