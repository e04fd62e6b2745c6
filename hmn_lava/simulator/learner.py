"""The compiled learning engine: runs the rules of any learning synapses from tables, in the machine's memory.

The integers are those of :class:`hmn_lava.learning.connection.LearningConnection` with
:class:`hmn_lava.learning.rounding.ElementRounding`. What cannot change is left out: a synapse for which no product of a
rule acts keeps its variables, since a level that lies inside the accumulator has no fraction to round. Products run
over blocks of synapses, so that fetching a factor costs little.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from hmn_lava.learning.connection import PAYLOAD_BITS
from hmn_lava.learning.rounding import DECAY_BITS
from hmn_lava.microcode.ir import WORD
from hmn_lava.simulator.cache import compiled
from hmn_lava.streams import ODD

BLOCK = 256
"""Synapses that a factor is evaluated for at a time."""

# Columns of the tables. Names in _AT are places in the memory.
(N_PRE, N_POST, DENSE, STARTS_AT, COL_AT, WEIGHTS_AT, X_AT, Y_AT, TX_AT, TY_AT) = range(10)
(PAYLOADS_AT, LIST_AT, X_HISTORY_AT, Y_HISTORY_AT) = range(10, 14)  # no state: made anew in each step
(CURRENTS_AT, AXONS_FROM, AXONS_TO, TRACES_FROM, RULES_FROM, RULES_TO) = range(14, 20)
(SUPPLIED, EPOCH, FIRES_EVERY, USES, GRADED, TRACE_HIGH, Y_LOW, Y_HIGH, FRACTION_BITS) = range(20, 29)
(ALIGNMENT, ACCUMULATOR_LOW, ACCUMULATOR_HIGH) = range(29, 32)
Y0_AT = 32  # to Y0_AT + 3: y0 (a ring buffer) and y1 to y3 (states) of the postsynaptic group, -1 for none
SYNAPSES_COLUMNS = 36
AXON_BUFFER, AXON_DELAY = range(2)
AXON_COLUMNS = 2
WHOLE, FRACTION, FACTOR, TRACE_LOW, DECAY_KEYS, IMPULSE_KEYS = 0, 1, 2, 3, 4, 8
TRACE_COLUMNS = 12
VARIABLE_AT, LOW, HIGH, STEP_BITS, PRODUCTS_FROM, PRODUCTS_TO, VARIABLE_KEYS = range(7)
RULE_COLUMNS = 10
DEPENDENCY, MANTISSA, RIGHT, LEFT, FACTORS_FROM, FACTORS_TO = range(6)
PRODUCT_COLUMNS = 6
KIND, WHICH, LIMIT, CONSTANT, SIGN = range(5)
FACTOR_COLUMNS = 5

# Dependencies, and what they set in USES; ALL is set where synapses cannot be left out.
X0, Y0, U = range(3)
ALL = 1 << 3

# Kinds of factors. WHICH is the number of a trace, or the place of a synaptic variable.
X_TRACE, Y_TRACE, SYNAPTIC, X_SPIKE, Y_SPIKE = range(5)

X_TRACE_COUNT, Y_TRACE_COUNT = 2, 3

_HIGH = 1 << (WORD - 1)
_MASK = (1 << WORD) - 1
_PAYLOAD = (1 << PAYLOAD_BITS) - 1
_DECAY_MASK = (1 << DECAY_BITS) - 1


class Learner(NamedTuple):
    """The tables: one row of ``synapses`` for each set of learning synapses."""

    synapses: Any
    axons: Any
    traces: Any
    rules: Any
    products: Any
    factors: Any


@compiled
def mix(x: int, k: int, l: int) -> int:  # noqa: E741 - the names of the formula
    """:func:`hmn_lava.streams.mix` of one word; only the low bits of ``x`` count, so that it needs no wrapping."""
    y = ((x * ODD + k + _HIGH) & _MASK) - _HIGH
    z = ((((y * y) >> 12) + l + _HIGH) & _MASK) - _HIGH
    z = ((((z * z) >> 12) + y + _HIGH) & _MASK) - _HIGH
    return ((((z * z) >> 12) + y + _HIGH) & _MASK) - _HIGH


@compiled
def draw(a: int, b: int, index: int, bits: int) -> int:
    """:func:`hmn_lava.streams.uniform` of one index; ``a`` and ``b`` are its stream's keys mixed with the time."""
    return (mix(index, a, b) >> (WORD - bits)) & ((1 << bits) - 1)


@compiled
def arrive(memory: Any, s: Any, axons: Any, time: int, depth: int) -> None:
    """Payloads at the axons in this step of the chip, and the list of the axons that carry one."""
    n_pre, payloads, listed = s[N_PRE], s[PAYLOADS_AT], s[LIST_AT]
    for i in range(n_pre):
        memory[payloads + i] = 0
    for n in range(s[AXONS_FROM], s[AXONS_TO]):
        ring = axons[n, AXON_BUFFER] + ((time - axons[n, AXON_DELAY]) % depth) * n_pre
        for i in range(n_pre):
            memory[payloads + i] += memory[ring + i]
    count = 0
    for i in range(n_pre):
        payload = ((memory[payloads + i] + _HIGH) & _MASK) - _HIGH
        memory[payloads + i] = payload
        if payload != 0:
            count += 1
            memory[listed + count] = i
    memory[listed] = count


@compiled
def bring(memory: Any, s: Any, lo: int, hi: int) -> None:
    """a_buff = Σ w p over rows lo to hi - 1, with the weights as they are."""
    n_pre, payloads, listed, weights = s[N_PRE], s[PAYLOADS_AT], s[LIST_AT], s[WEIGHTS_AT]
    count = memory[listed]
    for j in range(lo, hi):
        total = 0
        if count > 0 and s[DENSE]:
            row = weights + j * n_pre
            for n in range(1, count + 1):
                i = memory[listed + n]
                total += memory[row + i] * memory[payloads + i]
        elif count > 0:
            for k in range(memory[s[STARTS_AT] + j], memory[s[STARTS_AT] + j + 1]):
                total += memory[weights + k] * memory[payloads + memory[s[COL_AT] + k]]
        memory[s[CURRENTS_AT] + j] = total


@compiled
def learn(memory: Any, tables: Learner, number: int, time: int, depth: int) -> None:
    """One set of synapses takes the payloads of this step, computes the next current, and learns."""
    s = tables.synapses[number]
    arrive(memory, s, tables.axons, time, depth)
    bring(memory, s, 0, s[N_POST])
    follow(memory, tables, number, time, depth)
    if (time + 1) % s[EPOCH] == 0:
        change(memory, tables, number, time, 0, s[N_POST])
        finish(memory, s)


@compiled
def follow(memory: Any, tables: Learner, number: int, time: int, depth: int) -> None:
    """Spikes and supplied traces of this step; at the end of an epoch, the traces at all of its moments."""
    s = tables.synapses[number]
    moment = time % s[EPOCH] + 1
    _presynaptic(memory, s, tables.traces, time + 1, moment)
    _postsynaptic(memory, s, tables.traces, time + 1, moment, s[Y0_AT] + (time % depth) * s[N_POST])
    if moment < s[EPOCH]:
        return
    x, y = s[TRACES_FROM], s[TRACES_FROM] + X_TRACE_COUNT
    _history(memory, s, tables.traces, x, X_TRACE_COUNT, s[N_PRE], s[X_AT], s[TX_AT], s[X_HISTORY_AT], time + 1)
    _history(memory, s, tables.traces, y, Y_TRACE_COUNT, s[N_POST], s[Y_AT], s[TY_AT], s[Y_HISTORY_AT], time + 1)
    count = 0  # the list of payloads has been used; now it is the one of the neurons that spiked in the epoch
    for i in range(s[N_PRE]):
        if memory[s[TX_AT] + i] > 0:
            count += 1
            memory[s[LIST_AT] + count] = i
    memory[s[LIST_AT]] = count


@compiled
def _presynaptic(memory: Any, s: Any, traces: Any, step: int, moment: int) -> None:
    n_pre, graded, high = s[N_PRE], s[GRADED], s[TRACE_HIGH]
    for i in range(n_pre):
        p = memory[s[PAYLOADS_AT] + i]
        if p == 0 and graded < 2:
            continue
        counted = p != 0
        x1, tx = s[X_AT] + i, s[TX_AT] + i
        half = (p >> 1) + (p & (p >> 1) & 1)  # halves go to even
        if graded == 0:
            if memory[tx] > 0:
                memory[x1] = _added(s, traces[s[TRACES_FROM]], memory[x1], i, step)
        elif graded == 1:
            memory[x1] = half & _PAYLOAD
        elif graded == 2:
            memory[x1] = min((memory[x1] + half) & _PAYLOAD, high)
        else:
            memory[x1] = (memory[x1] + half) & _PAYLOAD
            over = memory[x1] > high
            if over:
                memory[x1] -= high
            counted = counted and over
        if counted:
            if memory[tx] > 0:
                memory[x1 + n_pre] = _added(s, traces[s[TRACES_FROM] + 1], memory[x1 + n_pre], i, step)
            memory[tx] = moment


@compiled
def _postsynaptic(memory: Any, s: Any, traces: Any, step: int, moment: int, spikes: int) -> None:
    """``spikes``: where the y0 that were emitted in this step lie, if there are any."""
    n_post = s[N_POST]
    if s[Y0_AT] >= 0:
        for j in range(n_post):
            if memory[spikes + j] == 0:
                continue
            if memory[s[TY_AT] + j] > 0 and not s[SUPPLIED]:
                for k in range(Y_TRACE_COUNT):
                    y = s[Y_AT] + k * n_post + j
                    memory[y] = _added(s, traces[s[TRACES_FROM] + X_TRACE_COUNT + k], memory[y], j, step)
            memory[s[TY_AT] + j] = moment
    if s[SUPPLIED]:
        for k in range(Y_TRACE_COUNT):
            source, y = s[Y0_AT + 1 + k], s[Y_AT] + k * n_post
            for j in range(n_post):
                memory[y + j] = min(max(memory[source + j] if source >= 0 else 0, s[Y_LOW]), s[Y_HIGH])


@compiled
def _added(s: Any, trace: Any, value: int, index: int, step: int) -> int:
    """A trace and an impulse."""
    up = 0
    if trace[FRACTION] > 0:
        a = mix(step, trace[IMPULSE_KEYS], trace[IMPULSE_KEYS + 1])
        b = mix(step, trace[IMPULSE_KEYS + 2], trace[IMPULSE_KEYS + 3])
        up = 1 if draw(a, b, index, s[FRACTION_BITS]) < trace[FRACTION] else 0
    added: int = min(max(value + trace[WHOLE] + up, trace[TRACE_LOW]), s[TRACE_HIGH])
    return added


@compiled
def _history(
    memory: Any, s: Any, traces: Any, first: int, count: int, size: int, at: int, spikes: int, history: int, step: int
) -> None:
    """Traces of one side at the moments 0, ..., epoch: they decay, then spikes add their impulses."""
    for n in range(count * size):
        memory[history + n] = memory[at + n]
    for moment in range(1, s[EPOCH] + 1):
        now = step - s[EPOCH] + moment
        for k in range(count):
            trace = traces[first + k]
            factor = trace[FACTOR]
            a = mix(now, trace[DECAY_KEYS], trace[DECAY_KEYS + 1])
            b = mix(now, trace[DECAY_KEYS + 2], trace[DECAY_KEYS + 3])
            new = history + (moment * count + k) * size
            old = new - count * size
            for n in range(size):
                product = memory[old + n] * factor
                value = product >> DECAY_BITS
                fraction = product & _DECAY_MASK
                if fraction > 0 and draw(a, b, n, DECAY_BITS) < fraction:
                    value += 1
                if memory[spikes + n] == moment:
                    value = _added(s, trace, value, n, now)
                memory[new + n] = value


@compiled
def finish(memory: Any, s: Any) -> None:
    """The epoch ends: the last moment's traces are the new ones, and no neuron has spiked."""
    last = s[X_HISTORY_AT] + s[EPOCH] * X_TRACE_COUNT * s[N_PRE]
    for n in range(X_TRACE_COUNT * s[N_PRE]):
        memory[s[X_AT] + n] = memory[last + n]
    if not s[SUPPLIED]:
        last = s[Y_HISTORY_AT] + s[EPOCH] * Y_TRACE_COUNT * s[N_POST]
        for n in range(Y_TRACE_COUNT * s[N_POST]):
            memory[s[Y_AT] + n] = memory[last + n]
    for i in range(s[N_PRE]):
        memory[s[TX_AT] + i] = 0
    for j in range(s[N_POST]):
        memory[s[TY_AT] + j] = 0


@compiled
def change(memory: Any, tables: Learner, number: int, time: int, lo: int, hi: int) -> None:
    """Apply all rules to the synapses of rows lo to hi - 1 at the end of an epoch."""
    s = tables.synapses[number]
    uses, spiked = s[USES], memory[s[LIST_AT]]
    by_x0, by_y0, by_u = (uses & (1 << X0)) != 0, (uses & (1 << Y0)) != 0, (uses & (1 << U)) != 0
    fires = by_u and ((time + 1) // s[EPOCH]) % s[FIRES_EVERY] == 0
    every = fires or (uses & ALL) != 0
    some = by_x0 and spiked > 0
    if not (every or some or by_y0):
        return
    place = np.empty((3, BLOCK), np.int64)  # of the synapse, its pre and its post neuron
    moment = np.empty((3, BLOCK), np.int64)  # by dependency: when it acts, 0 for never
    moment[U, :] = s[EPOCH] if fires else 0
    count = 0
    for j in range(lo, hi):
        ty = memory[s[TY_AT] + j]
        start, end = memory[s[STARTS_AT] + j], memory[s[STARTS_AT] + j + 1]
        whole = every or (by_y0 and ty > 0)
        if not whole and not some:
            continue
        by_list = not whole and s[DENSE]
        for n in range(spiked if by_list else end - start):
            k = start + (memory[s[LIST_AT] + 1 + n] if by_list else n)
            i = k - start if s[DENSE] else memory[s[COL_AT] + k]
            tx = memory[s[TX_AT] + i]
            if not whole and tx == 0:
                continue
            place[0, count], place[1, count], place[2, count] = k, i, j
            moment[X0, count], moment[Y0, count] = tx, ty
            count += 1
            if count == BLOCK:
                _block(memory, tables, s, place, moment, count, time + 1)
                count = 0
    if count > 0:
        _block(memory, tables, s, place, moment, count, time + 1)


@compiled
def _block(memory: Any, tables: Learner, s: Any, place: Any, moment: Any, count: int, step: int) -> None:
    """All rules for a block of synapses; every rule reads the variables as they were."""
    first, last = s[RULES_FROM], s[RULES_TO]
    totals = np.empty((last - first, BLOCK), np.int64)
    low, high = s[ACCUMULATOR_LOW], s[ACCUMULATOR_HIGH]
    term = np.empty(BLOCK, np.int64)
    register = np.empty(BLOCK, np.int32)  # of 32 bits: it wraps
    for r in range(first, last):
        rule, total = tables.rules[r], totals[r - first]
        for e in range(count):
            total[e] = memory[rule[VARIABLE_AT] + place[0, e]] << s[ALIGNMENT]
        for p in range(rule[PRODUCTS_FROM], rule[PRODUCTS_TO]):
            product = tables.products[p]
            when = moment[product[DEPENDENCY]]
            acting = 0
            for e in range(count):
                register[e] = product[MANTISSA] if when[e] > 0 else 0
                acting += when[e]
            if acting > 0:
                for f in range(product[FACTORS_FROM], product[FACTORS_TO]):
                    _factor(memory, s, tables.factors[f], place, moment, when, term, register, count)
            for e in range(count):
                shifted = np.int32(np.int64(register[e] >> product[RIGHT]) << product[LEFT])
                total[e] = min(max(total[e] + min(max(np.int64(shifted), low), high), low), high)
    for r in range(first, last):
        _settle(memory, s, tables.rules[r], place, totals[r - first], count, step)


@compiled
def _factor(
    memory: Any, s: Any, f: Any, place: Any, moment: Any, when: Any, term: Any, register: Any, count: int
) -> None:
    """Multiply the register of each synapse with a factor, at the moment that its product acts."""
    kind, which, constant = f[KIND], f[WHICH], f[CONSTANT]
    if kind == X_TRACE:
        at, step, n_pre = s[X_HISTORY_AT] + which * s[N_PRE], X_TRACE_COUNT * s[N_PRE], place[1]
        for e in range(count):
            term[e] = memory[at + when[e] * step + n_pre[e]]
    elif kind == Y_TRACE:
        at, step, n_post = s[Y_HISTORY_AT] + which * s[N_POST], Y_TRACE_COUNT * s[N_POST], place[2]
        for e in range(count):
            term[e] = memory[at + when[e] * step + n_post[e]]
    elif kind == SYNAPTIC:
        synapse = place[0]
        for e in range(count):
            term[e] = memory[which + synapse[e]]
    else:
        spikes = moment[X0] if kind == X_SPIKE else moment[Y0]
        for e in range(count):
            term[e] = 1 if spikes[e] > 0 else 0
    if f[SIGN]:
        for e in range(count):
            value = term[e] + constant
            register[e] *= (1 if value > 0 else 0) - (1 if value < 0 else 0)
    else:
        low, high = np.int32(-f[LIMIT]), np.int32(f[LIMIT] - 1)
        for e in range(count):
            register[e] *= min(max(np.int32(term[e] + constant), low), high)


@compiled
def _settle(memory: Any, s: Any, rule: Any, place: Any, total: Any, count: int, step: int) -> None:
    """Round the accumulators to the variable's levels, and store it."""
    bits = s[ALIGNMENT] + rule[STEP_BITS]
    a = mix(step, rule[VARIABLE_KEYS], rule[VARIABLE_KEYS + 1])
    b = mix(step, rule[VARIABLE_KEYS + 2], rule[VARIABLE_KEYS + 3])
    for e in range(count):
        fraction, value = total[e] & ((1 << bits) - 1), total[e] >> bits
        if fraction > 0 and draw(a, b, place[2, e] * s[N_PRE] + place[1, e], bits) < fraction:
            value += 1
        memory[rule[VARIABLE_AT] + place[0, e]] = min(max(value << rule[STEP_BITS], rule[LOW]), rule[HIGH])
