"""The search for the units, coefficients and decimation with which a rule in real numbers fits an engine best."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from hmn_lava.hardware_profiles import Profile
from hmn_lava.learning.checks import constant_range
from hmn_lava.learning.coefficients import Coefficient, CoefficientRange, shortest, value_of
from hmn_lava.learning.engine import Engine
from hmn_lava.learning.export import canonical
from hmn_lava.learning.products import down_scaling
from hmn_lava.learning.reading import read_rule
from hmn_lava.learning.records import (
    SPIKES,
    TRACES,
    VARIABLE_NAMES,
    X_TRACES,
    Y_TRACES,
    Factor,
    FloatProduct,
    Product,
    Rule,
    Target,
)
from hmn_lava.learning.request import RuleRequest, Span, is_leak, leak_coefficient, leak_tau
from hmn_lava.learning.rule import LearningRule

LOST = 0.5
"""A coefficient that is wrong by more than this is not realised at all."""

# The price list of the search for units, in relative errors: what a second product, and an octave of resolution in a
# trace or a tag, are worth.
_PRODUCT = 0.05
_OCTAVE = 0.1
_BEYOND = 10.0  # for each unit of error above the tolerance
_TAG_OCTAVES = 6
_LEAKS = 4  # times that a leak should at least act in its time constant
_STEPS = 8  # choices of a tag's unit in an octave


@dataclass(frozen=True)
class Scale:
    """How a real variable lies in levels: real = (level - offset) * unit."""

    unit: float
    offset: int = 0

    def real(self, level: float) -> float:
        return (level - self.offset) * self.unit

    def level(self, real: float) -> float:
        return real / self.unit + self.offset


@dataclass(frozen=True)
class Term:
    """One product of the request, and the products that realise it."""

    target: Target
    asked: FloatProduct
    factors: tuple[Factor, ...]
    down_scaling: int
    coefficients: tuple[Coefficient, ...]
    realised: float
    """In the units of ``asked``."""
    error: float
    """Relative: of the coefficient (of a leak: its time constant), plus what the down-scaling takes away on average."""

    @property
    def name(self) -> str:
        return f"{self.target}: {replace(self.asked, coefficient=float(f'{self.asked.coefficient:.6g}'))}"


@dataclass(frozen=True)
class Plan:
    units: Mapping[str, float]
    decimation: int | None
    terms: tuple[Term, ...]
    cost: float

    def worst(self, decimated: bool = False) -> float:
        """The largest error; ``decimated``: of the products with u_k."""
        return max((t.error for t in self.terms if t.asked.dependency == "u" or not decimated), default=0.0)


class Search:
    """One request on one profile: the choices of its units and decimation, and the best of them."""

    def __init__(self, request: RuleRequest, profile: Profile, tolerance: float, headroom: float) -> None:
        self.request, self.profile, self.tolerance, self.headroom = request, profile, tolerance, headroom
        self.engine = Engine.of(profile)
        self.range = CoefficientRange.of(profile)
        self.products = [
            (rule.target, product) for rule in request.rules for product in rule if product.coefficient != 0
        ]
        self.zero = [(rule.target, product) for rule in request.rules for product in rule if product.coefficient == 0]
        self.names = sorted(request.variables - set(SPIKES) | {"w"})
        self.offsets = dict.fromkeys(self.names, 0)
        self.spans: dict[str, Span] = {"w": request.weights}
        self._units = {name: self._choices(name) for name in ("w", *TRACES, "t", "d") if name in self.names}

    # the choices

    def _choices(self, name: str) -> list[float]:
        """Units that a variable may have, the finest first."""
        top = self.engine.trace_high
        if name in self.request.traces:
            impulse = self.request.traces[name][0]
            return [impulse / level for level in range(max(1, int(top / self.headroom)), 0, -1)]
        if name in self.request.supplied:
            low, high = self.request.supplied[name]
            least = self.engine.y_range[0] if self.engine.y_range else -top - 1
            self.offsets[name] = (top + 1) // 2 if low < 0 <= least else 0
            ends = (least - self.offsets[name], top - self.offsets[name])
            return [_unit((low, high), (ends[0] * n // top, ends[1] * n // top)) for n in range(top, top // 4, -1)]
        levels = self.engine.levels(VARIABLE_NAMES[name], self.request.sign_mode)
        if name == "w":
            return [_unit(self.request.weights, (levels.low, levels.high))]
        span = self.request.tags.get(name) or self._estimate(name)
        self.spans[name] = span
        if span[0] < 0 <= levels.low:
            self.offsets[name] = (levels.high + 1) // 2
        finest = _unit(span, (levels.low - self.offsets[name], levels.high - self.offsets[name]))
        return [finest * 2 ** (n / _STEPS) for n in range(_TAG_OCTAVES * _STEPS + 1)]

    def _estimate(self, name: str) -> Span:
        """The range of a tag: ``headroom`` times its largest change, or where a steady drive and its leak meet."""
        low = high = 0.0
        mine = [product for target, product in self.products if target[1] == name]
        leak = next((-p.coefficient for p in mine if is_leak(p, "d" + name)), 1.0)
        for product in mine:
            if any(factor.variable == name for factor in product.factors):
                continue
            ends = [product.coefficient, product.coefficient]
            for factor in product.factors:
                span = (-1.0, 1.0) if factor.sign else self.span(factor.variable, product.dependency)
                moved = span if factor.sign else (span[0] + factor.constant, span[1] + factor.constant)
                ends = [a * b for a in (min(ends), max(ends)) for b in moved]
            more = 1 / leak if product.dependency == "u" else self.headroom
            low, high = min(low, min(ends) * more), max(high, max(ends) * more)
        return (low, high) if low < high else (0.0, 1.0)

    def span(self, variable: str, dependency: str) -> Span:
        """The real values that a variable usually takes."""
        if variable in SPIKES:
            return (1.0, 1.0) if variable == dependency else (0.0, 1.0)
        if variable in self.request.traces:
            return 0.0, self.request.traces[variable][0]
        if variable in self.request.supplied:
            return self.request.supplied[variable]
        return self.request.tags.get(variable) or self.spans.get(variable) or (-1.0, 1.0)

    # the search

    def best(self) -> Plan:
        """The first plan in which all is near enough, or else the best.

        Decimations come first, then constant factors in a trace that is not in use, then both.
        """
        asked = self.request.decimation
        usual = [asked] if asked is None or self._fast else self._decimations(asked)
        plans = []
        for spare in (None, self._spare) if self._spare else (None,):
            for decimation in usual:
                plan = self._search(decimation, spare)
                plans.append(plan)
                if plan.worst() <= self.tolerance:
                    return plan
                if plan.worst(decimated=True) <= self.tolerance:
                    break  # acting more rarely helps no other product
        best = min(plans, key=Plan.worst)
        if asked is not None and best.worst(decimated=True) > LOST:  # better rarely than never
            for decimation in range(asked + 1, self.profile.learning.max_decimation.value + 1):
                plan = self._search(decimation, self._spare)
                if plan.worst(decimated=True) <= LOST:
                    return plan
        return best

    @property
    def _fast(self) -> bool:
        """Whether products with u_k read variables, but for leaks.

        Acting more rarely, they would miss what happens in between.
        """
        return any(
            product.dependency == "u" and product.factors and not is_leak(product, target)
            for target, product in self.products
        )

    @property
    def _spare(self) -> str | None:
        """A trace that no rule reads. Without an impulse it is always 0, and (x2+41) is 41."""
        used = {factor.variable for _, product in self.products for factor in product.factors}
        names = X_TRACES if self.request.factors == 3 else X_TRACES + Y_TRACES
        return next((name for name in reversed(names) if name not in used), None)

    def _decimations(self, asked: int) -> list[int]:
        """The decimations under which every leak still acts several times in its time constant."""
        leaks = [-product.coefficient for target, product in self.products if is_leak(product, target)]
        fastest = min((leak_tau(leak, 2**asked) for leak in leaks), default=math.inf)
        top = self.profile.learning.max_decimation.value
        return [k for k in range(asked, top + 1) if k == asked or 2**k <= fastest / _LEAKS]

    def _search(self, decimation: int | None, spare: str | None) -> Plan:
        """Coordinate descent over the units: one variable at a time, until none gets better."""
        units = {name: choices[0] for name, choices in self._units.items()}
        best = self._plan(units, decimation, spare)
        for _ in range(4):
            before = best.cost
            for name, choices in self._units.items():
                for unit in choices if len(choices) > 1 else ():
                    plan = self._plan({**best.units, name: unit}, decimation, spare)
                    if plan.cost < best.cost - 1e-12:
                        best = plan
            if best.cost == before:
                break
        return best

    def _plan(self, units: Mapping[str, float], decimation: int | None, spare: str | None) -> Plan:
        terms = [self._term(target, product, units, decimation, 1) for target, product in self.products]
        room = {
            target: self.profile.learning.products_per_rule.value - sum(term.target == target for term in terms)
            for target in {term.target for term in terms}
        }
        most = self.profile.learning.factors_per_product.value
        for number in sorted(range(len(terms)), key=lambda n: -terms[n].error):
            term = terms[number]
            if term.error > self.tolerance and room[term.target] > 0:
                better = self._term(term.target, term.asked, units, decimation, 2)
                if better.error < term.error and len(better.coefficients) > 1:
                    term = terms[number] = better
                    room[term.target] -= 1
            spares = () if spare is None or term.error <= self.tolerance else ((spare,), (spare, spare))
            for padding in spares:
                better = self._term(term.target, term.asked, units, decimation, 1, padding)
                if better.error < term.error and len(better.factors) <= most:
                    room[term.target] += len(term.coefficients) - 1
                    term = terms[number] = better
                if term.error <= self.tolerance:
                    break
        cost = 0.0
        for term in terms:
            cost += term.error + _PRODUCT * len(term.coefficients) + _BEYOND * max(0.0, term.error - self.tolerance)
            cost += _BEYOND * (len(self.too_large(term)) + self._saturated(term, units))
        for name, unit in units.items():
            cost += _OCTAVE * math.log2(unit / self._units[name][0])
        return Plan(units, decimation, tuple(terms), cost)

    def _term(
        self,
        target: Target,
        asked: FloatProduct,
        units: Mapping[str, float],
        decimation: int | None,
        products: int,
        spares: tuple[str, ...] = (),
    ) -> Term:
        """The nearest that ``products`` products come to one of the request.

        ``spares``: times (x2+n), where x2 is always 0, and (x2+1) to be scaled down further.
        """
        factors = tuple(self._factor(factor, units) for factor in asked.factors)
        padded = (*factors, *(Factor(spare, 1) for spare in spares))
        shift = down_scaling(Product(asked.dependency, asked.decimation, 1, 0, padded), self.engine)
        leak = is_leak(asked, target)
        rarer = 2 ** ((decimation or 0) - (asked.decimation or 0)) if asked.dependency == "u" else 1
        # What is left after `rarer` leaks has to be left after one.
        wanted = math.expm1(rarer * math.log1p(asked.coefficient)) if leak else asked.coefficient * rarer
        unit = math.prod(units[f.variable] for f in asked.factors if not f.sign and f.variable in units)
        chip = unit / units[target[1]] * 2.0**shift
        coefficients: tuple[Coefficient, ...]
        if spares:
            top = min(self.engine.trace_high, constant_range(spares[0], self.profile)[1])
            coefficient, constant = self.range.closest_with_constant(wanted * chip, top)
            factors = (*factors, Factor(spares[0], constant), *(Factor(spare, 1) for spare in spares[1:]))
            coefficients = (coefficient,)
        else:
            constant, coefficients = 1, self.range.closest(wanted * chip, products)
        if shift == 0:
            coefficients = tuple(shortest(one, self.range.exponent) for one in coefficients)
        found = value_of(coefficients) * constant / chip
        if leak:
            realised = -1.0 if found <= -1 else math.expm1(math.log1p(found) / rarer)
            error = abs(leak_tau(-realised, 1) / leak_tau(-asked.coefficient, 1) - 1)
        else:
            realised = found / rarer
            error = abs(realised / asked.coefficient - 1)
        if shift:  # rounds down by half a unit on average
            most = abs(asked.coefficient * rarer) / units[target[1]] * self._highest(asked)
            error += math.ldexp(0.5, max(power for _, power in coefficients)) / most if most else 0.0
        return Term(target, asked, factors, shift, coefficients, realised, error)

    def _highest(self, product: FloatProduct) -> float:
        """The largest magnitude of the product of the factors, as far as their variables usually go."""
        highest = 1.0
        for factor in product.factors:
            if not factor.sign:
                highest *= max(abs(end + factor.constant) for end in self.span(factor.variable, product.dependency))
        return highest

    def _factor(self, factor: Factor, units: Mapping[str, float]) -> Factor:
        """The factor in levels. A constant beside w or t is stored halved, and has to be even."""
        if factor.variable in SPIKES:
            return factor
        _, _, step = constant_range(factor.variable, self.profile)
        constant = step * round(factor.constant / units[factor.variable] / step) - self.offsets[factor.variable]
        return replace(factor, constant=constant)

    def too_large(self, term: Term) -> list[Factor]:
        """Factors of the request whose constants cannot be stored."""
        found = []
        for asked, chip in zip(term.asked.factors, term.factors, strict=False):
            low, high, _ = constant_range(chip.variable, self.profile)
            if not low <= chip.constant <= high:
                found.append(asked)
        return found

    def _saturated(self, term: Term, units: Mapping[str, float]) -> int:
        """Factors that their width cannot hold once their constant is added."""
        found = 0
        for asked, chip in zip(term.asked.factors, term.factors, strict=False):
            if not asked.sign and asked.variable in units:
                ends = self.span(asked.variable, term.asked.dependency)
                offset, width = self.offsets[asked.variable], self.engine.widths[asked.variable]
                levels = [end / units[asked.variable] + offset + chip.constant for end in ends]
                found += max(map(abs, levels)) >= 1 << width
        return found

    # what comes out

    def scale(self, name: str, plan: Plan) -> Scale:
        return Scale(plan.units[name], self.offsets[name])

    def tags(self) -> Iterator[tuple[str, int, int]]:
        """Lowest and highest level of each tag."""
        for name in ("t", "d"):
            if name in self.names:
                levels = self.engine.levels(VARIABLE_NAMES[name], self.request.sign_mode)
                yield name, levels.low, levels.high

    def tau(self, tau: float) -> float:
        """The time constant that gives the engine's decay the factor exp(-1/tau)."""
        return 1 / leak_coefficient(tau, 1) if self.engine.decay == "linear" and tau > 0 else tau

    def rule(self, plan: Plan) -> LearningRule:
        """The rule for the chip."""
        texts: dict[str, str] = {}
        for asked in self.request.rules:
            products = tuple(
                Product(
                    term.asked.dependency, plan.decimation if term.asked.dependency == "u" else None, m, e, term.factors
                )
                for term in plan.terms
                if term.target == asked.target
                for m, e in term.coefficients
            )
            if products:
                texts[asked.target] = str(Rule(asked.target, products))
        numbers: dict[str, float] = {}
        for name, (impulse, tau) in self.request.traces.items():
            numbers |= {f"{name}_impulse": round(impulse / plan.units[name]), f"{name}_tau": self.tau(tau)}
        return canonical(read_rule(self.request.factors, **texts, **numbers, t_epoch=self.request.t_epoch))


def _unit(span: Span, levels: tuple[int, int]) -> float:
    """The finest unit in which a real range lies within levels."""
    return max(abs(real) / abs(level) for real, level in zip(span, levels, strict=True) if level and real * level > 0)
