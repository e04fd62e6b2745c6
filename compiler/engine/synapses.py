"""The synapses of one plastic connection, with their links and signals."""

from __future__ import annotations

import math

import numpy as np

from hmn_lava.compiler.engine.formats import Weights
from hmn_lava.compiler.engine.rules import EngineRule
from hmn_lava.compiler.engine.schedule import EngineSchedule
from hmn_lava.compiler.engine.thirds import Third
from hmn_lava.compiler.lowering import Lowering
from hmn_lava.compiler.neurocore.assembly import Assembly, synapse_group
from hmn_lava.fixed import Fixed, Integers
from hmn_lava.learning.engine import Engine
from hmn_lava.learning.rule import LearningRule
from hmn_lava.network import LearningSynapses, Link
from hmn_lava.reference.equations import Floats
from hmn_lava.spec.model import Connection
from hmn_lava.topology import alike, compact, stored

DECAY_FRAC = 16
"""Fractional bits of a decay in the record, at most."""


def lower_synapses(net: Assembly, third: Third, schedule: EngineSchedule, engine: Engine) -> None:
    """Register the synapses, record what became of their parameters, and name their variables."""
    coded, c = third.coded, third.coded.connection
    place_synapses(net, coded, third.rule.rule, schedule, engine)
    record_decays(net.record, c, third.rule)
    name = synapse_group(c)
    shape = (c.n_post, c.n_pre) if c.dense else (c.n_syn,)
    tagged = schedule.start(c.post) + schedule.epoch - 1
    net.signal(f"{c.name}.psi_fast", name, "tag_1", "state", tagged, shape, coded.fast.format)
    if coded.slow is not None:
        net.signal(f"{c.name}.psi_slow", name, "tag_2", "state", tagged, shape, coded.slow.format)


def place_synapses(net: Assembly, coded: Weights, rule: LearningRule, schedule: EngineSchedule, engine: Engine) -> None:
    """Register synapses that learn by ``rule``, record what became of their weights, link them and name the weights."""
    c = coded.connection
    name, field = synapse_group(c), f"connections.{c.name}"
    format, levels = coded.weight, coded.levels
    step = levels.step

    def nearest(weights: Floats) -> Integers:
        whole = np.rint(np.ldexp(weights, format.frac) / step).astype(np.int64)
        return np.asarray(np.clip(whole * step, levels.low, levels.high))

    weights = stored(nearest, c.weights)
    net.record.add(f"{field}.weights", c.weights, weights, format, f"{name}.weights")
    zeros = alike(np.zeros(1, np.int8), c.n_syn)
    net.learning[name] = LearningSynapses(
        name=name,
        neuron=c.post,
        rule=rule,
        engine=engine,
        topology=c.topology,
        initial={"weights": weights, "tag_1": zeros, "tag_2": zeros},
        seed=net.model.seed,
        sign_mode=coded.sign_mode,
        graded=coded.graded,
    )
    delay = compact(schedule.message_delay[c.name])
    delay = delay if delay.size else np.zeros(1, np.int64)
    net.links.append(Link(net.source(c.pre), (name, "x"), "same", delay))
    x, a = net.formats.activity[c.pre], net.formats.accumulator[c.post]
    shift = a.format.frac - format.frac - x.format.frac
    net.links.append(Link((name, "weights"), (c.post, "a"), "plastic", shift=shift))
    shape = (c.n_post, c.n_pre) if c.dense else (c.n_syn,)
    net.signal(f"{c.name}.w", name, "weights", "state", schedule.start(c.post) + schedule.frame - 1, shape, format)


def record_decays(record: Lowering, c: Connection, made: EngineRule) -> None:
    """Record what became of the decays of the traces, which are products of the rule."""
    for trace, requested, realised in made.decays:
        format = decay_format(requested, realised)
        kept = format.quantise([realised])
        record.add(f"connections.{c.name}.traces.{trace}", [requested], kept, format, f"{synapse_group(c)}.rule")


def decay_format(requested: float, realised: float) -> Fixed:
    """What a sum of coefficients resolves near this decay: one unit is about the distance to the request."""
    distance = max(abs(realised - requested), 2.0**-DECAY_FRAC)
    return Fixed(DECAY_FRAC + 1, False, min(DECAY_FRAC, math.floor(-math.log2(distance))))
