"""The formats that the learning engine dictates: payloads, y traces, tags and weights, and how tags take coincidences.

A graded x is the payload p of a message, 8 bits, and the engine keeps x1 = p/2 of it; a z that is not a spike is the
trace y1. A tag holds ψ in a unit that makes the largest coincidence nearly fill it: t = ψ/u_t.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from hmn_lava.compiler.engine.schedule import hebbian, learning
from hmn_lava.components.port import Port
from hmn_lava.errors import Finding
from hmn_lava.fixed import Fixed
from hmn_lava.hardware_profiles import Profile
from hmn_lava.learning.checks import TOLERATED, constant_range, weight_bounds
from hmn_lava.learning.coefficients import CoefficientRange
from hmn_lava.learning.engine import Engine, Levels, SignMode
from hmn_lava.learning.products import down_scaling
from hmn_lava.learning.records import Factor, Product
from hmn_lava.learning.request import sign_mode_of
from hmn_lava.spec.model import Connection, Hebbian, Model, Population, Rule
from hmn_lava.topology import compact


@dataclass(frozen=True)
class Limits:
    """What a profile's learning engine can hold: its integers, the coefficients of a product, products of a rule.

    ``constants``: the largest that can stand beside t and d. ``decimation``: the largest k of u_k.
    """

    engine: Engine
    scales: CoefficientRange
    products: int
    constants: Mapping[str, int]
    decimation: int

    @classmethod
    def of(cls, profile: Profile) -> Limits:
        constants = {variable: constant_range(variable, profile)[1] for variable in ("t", "d")}
        products = profile.learning.products_per_rule.value
        decimation = profile.learning.max_decimation.value
        return cls(Engine.of(profile), CoefficientRange.of(profile), products, constants, decimation)


@dataclass(frozen=True, eq=False)
class Tag:
    """A trace in a tag: its format, and the product that writes a coincidence into it."""

    variable: str  # t or d
    format: Fixed
    coincidence: Product
    covers: float = 1.0
    """The share of the largest trace at which the tag saturates, if less than 1."""


@dataclass(frozen=True, eq=False)
class Weights:
    """How the engine holds the weights of one connection, and what a payload does to x1, as in ``simulate``."""

    connection: Connection
    weight: Fixed
    levels: Levels
    sign_mode: SignMode
    graded: int

    @property
    def reach(self) -> float:
        """The largest weight that the chip lets it have."""
        return max(abs(self.levels.low), abs(self.levels.high)) * self.weight.unit


@dataclass(frozen=True, eq=False)
class Coded(Weights):
    """How the engine holds one connection that learns by the HMN rule."""

    rule: Rule
    fast: Tag
    slow: Tag | None
    activity: Fixed | None
    """Of y1; None where z is a spike."""
    high: int
    """The largest trace."""


@dataclass(frozen=True, eq=False)
class HebbianCoded(Weights):
    """How the engine holds one hebbian connection."""

    rule: Hebbian


@dataclass(frozen=True, eq=False)
class Given:
    """Formats that the quantiser takes as they are."""

    activity: Mapping[str, Port] = field(default_factory=dict)
    weight: Mapping[str, Fixed] = field(default_factory=dict)
    reach: Mapping[str, float] = field(default_factory=dict)
    """Connection -> the largest weight that the chip lets it have."""
    payload: Mapping[str, int] = field(default_factory=dict)
    """Connection -> the largest payload, beside x, that arrives at its synapses."""
    coded: Mapping[str, Coded] = field(default_factory=dict)
    hebbian: Mapping[str, HebbianCoded] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def given_formats(model: Model, limits: Limits) -> Given:
    """The formats of the connections that learn, and findings for what no format of the engine can hold."""
    activity: dict[str, Port] = {}
    coded: dict[str, Coded] = {}
    payload: dict[str, int] = {}
    found: list[Finding] = []
    for c, rule in learning(model):
        problems = [*_activities(model, c), *_delays(c)]
        found += problems
        if problems:
            continue
        pre, post = model.populations[c.pre], model.populations[c.post]
        if not _spikes(pre):
            activity[c.pre] = _payload(pre, limits.engine)
        coded[c.name] = _coded(c, rule, pre, post, activity.get(c.pre), limits)
        found += [*_weights(coded[c.name]), *_tags(coded[c.name])]
        if rule.attention is not None:
            payload[c.name] = 2 * limits.engine.trace_high
    other: dict[str, HebbianCoded] = {}
    for c, own in hebbian(model):
        late = list(_delays(c))
        if not late:
            mode, levels, weight = _weight_format((own.w_min, own.w_max), limits.engine)
            other[c.name] = HebbianCoded(c, weight, levels, mode, 0, own)
            found += _weights(other[c.name])
        found += late
    every: dict[str, Coded | HebbianCoded] = {**coded, **other}
    return Given(
        activity,
        {name: form.weight for name, form in every.items()},
        {name: form.reach for name, form in every.items()},
        payload,
        coded,
        other,
        tuple(found),
    )


def _activities(model: Model, c: Connection) -> Iterator[Finding]:
    """An x or z below zero: traces have no sign."""
    for name in (c.pre, c.post):
        p = model.populations[name]
        if p.low < 0:
            remedy = "Shift the range to start at 0, use two populations of opposite sign, or plasticity neurocore."
            yield Finding("unsigned-trace", f"populations.{name}.range", [p.low, p.high], "[0, ...]", "error", remedy)


def _delays(c: Connection) -> Iterator[Finding]:
    if compact(c.delay).size > 1:
        remedy = "The engine has one x trace for each axon: use one delay, a connection for each, or neurocore."
        used = f"{int(c.delay.min())} to {int(c.delay.max())}"
        yield Finding("delay-per-synapse", f"connections.{c.name}.delay", used, "one delay", "error", remedy)


def _weights(coded: Coded | HebbianCoded) -> list[Finding]:
    """The chip saturates weights where their bits end, not at the bounds that the spec asks for."""
    where = f"connections.{coded.connection.name}.bounds"
    return weight_bounds(where, (coded.rule.w_min, coded.rule.w_max), coded.levels, coded.weight.unit)


def _tags(coded: Coded) -> Iterator[Finding]:
    """A trace that accumulates more than a tag can hold with the smallest coefficient."""
    for name, tag in (("tau_fast", coded.fast), ("tau_slow", coded.slow)):
        if tag is not None and tag.covers < 1.0 - TOLERATED:
            remedy = "Shorten the time constant, use mode replacing, or plasticity neurocore."
            where = f"connections.{coded.connection.name}.traces.{name}"
            used = f"the tag saturates at {tag.covers:.2g} of the largest trace"
            yield Finding("tag-saturates", where, used, "1", "warning", remedy)


def _spikes(p: Population) -> bool:
    return p.signal == "spike"


def _payload(p: Population, engine: Engine) -> Port:
    """The format of a graded x: the engine takes half of a payload, and a trace holds that."""
    most = 2 * engine.trace_high
    frac = math.floor(math.log2(most / p.high))
    top = round(math.ldexp(p.high, frac))
    return Port(Fixed(max(top, 1).bit_length(), False, frac), (0, top))


def _weight_format(bounds: tuple[float, float], engine: Engine) -> tuple[SignMode, Levels, Fixed]:
    """How weights are held: the finest power of two in which the bounds fit the levels."""
    mode = sign_mode_of(bounds)
    levels = engine.weights[mode]
    reach, most = max(map(abs, bounds)), max(abs(levels.low), abs(levels.high))
    frac = math.floor(math.log2((most + levels.step) / reach))
    return mode, levels, Fixed(engine.variable_width, True, frac)


def _coded(c: Connection, rule: Rule, pre: Population, post: Population, x: Port | None, limits: Limits) -> Coded:
    engine = limits.engine
    mode, levels, weight = _weight_format((rule.w_min, rule.w_max), engine)
    high = engine.trace_high
    activity = None
    if not _spikes(post):
        y_frac = math.floor(math.log2(high * (1 + TOLERATED) / post.high))
        activity = Fixed(engine.trace_bits, False, y_frac)

    def tag(variable: str, top: int, tau: float) -> Tag:
        gain = 1.0 if rule.mode == "replacing" else -1.0 / math.expm1(-1.0 / tau)
        return _tag(variable, top, gain, x, activity, post, limits)

    return Coded(
        connection=c,
        rule=rule,
        weight=weight,
        levels=levels,
        sign_mode=mode,
        fast=tag("t", engine.tag_1.high, rule.tau_fast),
        slow=None if rule.tau_slow is None else tag("d", engine.tag_2.high, rule.tau_slow),
        activity=activity,
        graded=0 if x is None and rule.attention is None else 1,
        high=high,
    )


def _tag(
    variable: str,
    top: int,
    gain: float,
    x: Port | None,
    y: Fixed | None,
    post: Population,
    limits: Limits,
) -> Tag:
    """The largest power of two by which coincidences can be multiplied so that no trace leaves the tag.

    ``gain``: how much larger than a coincidence the trace gets that accumulates them.
    """
    engine, scales = limits.engine, limits.scales
    factors, largest, frac = [Factor("y0")], 1.0, 0
    if x is not None:
        factors.append(Factor("x1"))
        largest *= x.bounds[1] / 2
        frac += x.format.frac - 1
    if y is not None:
        factors.append(Factor("y1"))
        largest *= min(math.ldexp(post.high, y.frac), engine.trace_high)
        frac += y.frac
    shift = down_scaling(Product("x0", None, 1, 0, tuple(factors)), engine)
    lowest, highest = scales.exponent[0], scales.exponent[1] + scales.mantissa[1].bit_length() - 1
    wanted = math.floor(math.log2(top * (1 + TOLERATED) / (largest * gain))) + shift
    power = max(lowest, min(highest, wanted))
    covers = min(1.0, top / (largest * gain * 2.0 ** (power - shift)))
    # A large mantissa keeps the bits that the implicit down-scaling cuts; where it cuts none, 1 is the plainest.
    bits = (
        min(scales.mantissa[1].bit_length() - 1, max(0, power - lowest))
        if shift
        else max(0, power - scales.exponent[1])
    )
    product = Product("x0", None, 1 << bits, power - bits, tuple(factors))
    return Tag(variable, Fixed(engine.variable_width, variable == "t", frac + power - shift), product, covers)
