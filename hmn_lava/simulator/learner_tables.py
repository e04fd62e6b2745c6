"""Writes learning synapses into the tables that ``learner`` runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from hmn_lava.fixed import Integers
from hmn_lava.learning.connection import LearningConnection
from hmn_lava.learning.engine import Engine, Levels
from hmn_lava.learning.products import down_scaling
from hmn_lava.learning.records import TRACES, VARIABLE_NAMES, X_TRACES, Y_TRACES, Factor, Product
from hmn_lava.learning.rounding import ElementRounding
from hmn_lava.network import LearningSynapses
from hmn_lava.simulator import learner as m
from hmn_lava.simulator.learner import Learner
from hmn_lava.streams import keys

_DEPENDENCIES = {"x0": m.X0, "y0": m.Y0, "u": m.U}
_UNBOUNDED = 1 << 40
"""No word of a neuron is as large."""


@dataclass(frozen=True)
class Rooms:
    """Where a set of learning synapses lies in the memory.

    ``states`` by their names; ``neuron``: the ring buffer of y0 and the states y1 to y3 of the postsynaptic group, -1
    where it does not declare one; ``axons``: buffer and delay of each link that brings payloads.
    """

    starts: int
    col: int
    states: Mapping[str, int]
    neuron: tuple[int, ...]
    payloads: int
    listed: int
    x_history: int
    y_history: int
    axons: tuple[tuple[int, int], ...]


@dataclass
class _Rows:
    synapses: list[list[int]] = field(default_factory=list)
    axons: list[list[int]] = field(default_factory=list)
    traces: list[list[int]] = field(default_factory=list)
    rules: list[list[int]] = field(default_factory=list)
    products: list[list[int]] = field(default_factory=list)
    factors: list[list[int]] = field(default_factory=list)


def learner_tables(learning: Iterable[LearningSynapses], rooms: Mapping[str, Rooms]) -> Learner:
    """The tables of all learning synapses, in order."""
    rows = _Rows()
    for synapses in learning:
        _write(rows, synapses, rooms[synapses.name])
    return Learner(
        _table(rows.synapses, m.SYNAPSES_COLUMNS),
        _table(rows.axons, m.AXON_COLUMNS),
        _table(rows.traces, m.TRACE_COLUMNS),
        _table(rows.rules, m.RULE_COLUMNS),
        _table(rows.products, m.PRODUCT_COLUMNS),
        _table(rows.factors, m.FACTOR_COLUMNS),
    )


def _write(rows: _Rows, synapses: LearningSynapses, at: Rooms) -> None:
    rule, engine, topology = synapses.rule, synapses.engine, synapses.topology
    axons, traces, rules = len(rows.axons), len(rows.traces), len(rows.rules)
    rows.axons += [list(axon) for axon in at.axons]
    rows.traces += _traces(synapses, synapses.connection())
    for one in rule.rules:
        name = VARIABLE_NAMES[one.target[1]]
        levels, first = engine.levels(name, synapses.sign_mode), len(rows.products)
        for product in one:
            rows.products.append(_product(product, engine, len(rows.factors)))
            rows.factors += [_factor(factor, engine, at) for factor in product.factors]
        stream = keys(synapses.seed, f"{synapses.name}.{name}")
        bits = levels.step.bit_length() - 1
        rows.rules.append([at.states[name], levels.low, levels.high, bits, first, len(rows.products), *stream])
    uses = {1 << _DEPENDENCIES[product.dependency] for one in rule.rules for product in one}
    if not all(_stays(engine.levels(VARIABLE_NAMES[one.target[1]], synapses.sign_mode), engine) for one in rule.rules):
        uses.add(m.ALL)
    low, high = engine.y_range or (-_UNBOUNDED, _UNBOUNDED)
    row = {
        m.N_PRE: topology.n_pre,
        m.N_POST: topology.n_post,
        m.DENSE: int(topology.dense),
        m.STARTS_AT: at.starts,
        m.COL_AT: at.col,
        m.WEIGHTS_AT: at.states["weights"],
        m.X_AT: at.states["x1"],
        m.Y_AT: at.states["y1"],
        m.TX_AT: at.states["tx"],
        m.TY_AT: at.states["ty"],
        m.PAYLOADS_AT: at.payloads,
        m.LIST_AT: at.listed,
        m.CURRENTS_AT: at.states["a_buff"],
        m.X_HISTORY_AT: at.x_history,
        m.Y_HISTORY_AT: at.y_history,
        m.AXONS_FROM: axons,
        m.AXONS_TO: len(rows.axons),
        m.TRACES_FROM: traces,
        m.RULES_FROM: rules,
        m.RULES_TO: len(rows.rules),
        m.SUPPLIED: int(rule.supplied),
        m.EPOCH: rule.t_epoch,
        m.FIRES_EVERY: 1 << (rule.decimation or 0),
        m.USES: sum(uses),
        m.GRADED: synapses.graded,
        m.TRACE_HIGH: engine.trace_high,
        m.Y_LOW: low,
        m.Y_HIGH: high,
        m.FRACTION_BITS: engine.fraction_bits,
        m.ALIGNMENT: engine.alignment,
        m.ACCUMULATOR_LOW: engine.accumulator[0],
        m.ACCUMULATOR_HIGH: engine.accumulator[1],
        **{m.Y0_AT + n: place for n, place in enumerate(at.neuron)},
    }
    rows.synapses.append([row[column] for column in range(m.SYNAPSES_COLUMNS)])


def _traces(synapses: LearningSynapses, connection: LearningConnection) -> list[list[int]]:
    rounding = connection.rounding
    if not isinstance(rounding, ElementRounding):
        raise TypeError("the compiled engine rounds each element by its own draw")
    return [
        [
            *connection.impulses[trace],
            rounding.factors[trace],
            connection.lowest(trace),
            *keys(synapses.seed, f"{synapses.name}.{trace}.decay"),
            *keys(synapses.seed, f"{synapses.name}.{trace}.impulse"),
        ]
        for trace in TRACES
    ]


def _product(product: Product, engine: Engine, first: int) -> list[int]:
    left = product.exponent + engine.alignment
    right = min(down_scaling(product, engine), 31)
    dependency = _DEPENDENCIES[product.dependency]
    return [dependency, product.mantissa, right, left, first, first + len(product.factors)]


def _factor(factor: Factor, engine: Engine, at: Rooms) -> list[int]:
    name = factor.variable
    if name in X_TRACES:
        kind, which = m.X_TRACE, X_TRACES.index(name)
    elif name in Y_TRACES:
        kind, which = m.Y_TRACE, Y_TRACES.index(name)
    elif name in VARIABLE_NAMES:
        kind, which = m.SYNAPTIC, at.states[VARIABLE_NAMES[name]]
    else:
        kind, which = m.X_SPIKE if name == "x0" else m.Y_SPIKE, 0
    return [kind, which, 1 << engine.widths[name], int(factor.constant), int(factor.sign)]


def _stays(levels: Levels, engine: Engine) -> bool:
    """Whether a variable to which nothing is added keeps its level: the accumulator must not clip it."""
    low, high = engine.accumulator
    return low <= levels.low << engine.alignment and levels.high << engine.alignment <= high


def _table(rows: list[list[int]], columns: int) -> Integers:
    return np.array(rows, np.int64).reshape(len(rows), columns)
