"""What would go wrong with a learning rule on a chip, found before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from hmn_lava.errors import Finding, FitError, Severity
from hmn_lava.hardware_profiles import Profile, load_profile
from hmn_lava.learning.engine import Engine, Levels
from hmn_lava.learning.products import down_scaling
from hmn_lava.learning.ranges import REGISTER_BITS, ProductRange, domains, product_range
from hmn_lava.learning.records import TRACES, VARIABLE_NAMES, X_TRACES, Y_TRACES, Factor, Product, Rule
from hmn_lava.learning.rounding import DECAY_BITS, decay_factor
from hmn_lava.learning.rule import LearningRule
from hmn_lava.learning.simulate import DEFAULT_PROFILE

_FEW_LEVELS = 8
"""A product with fewer values than this on one side has lost most of its bits."""


TOLERATED = 0.01
"""Share of the larger bound by which weights may end elsewhere."""


def check_rule(
    rule: LearningRule,
    profile: str | Profile = DEFAULT_PROFILE,
    *,
    sign_mode: str = "mixed",
    supplied: Mapping[str, tuple[int, int]] | None = None,
) -> tuple[Finding, ...]:
    """All that is known to go wrong with a rule, errors first.

    An error is something that the hardware cannot do; a warning works, but not as its text suggests; an info is worth
    knowing. ``sign_mode`` is that of the weights; ``supplied`` has the ranges, in levels, of y traces that the neuron
    supplies. Every check runs.
    """
    chip = profile if isinstance(profile, Profile) else load_profile(profile)
    subject = _Subject(rule, chip, sign_mode, dict(supplied or {}))
    findings = [finding for check in _CHECKS for finding in check(subject)]
    order: tuple[Severity, ...] = ("error", "warning", "info")
    return tuple(sorted(findings, key=lambda finding: order.index(finding.severity)))


def refusal(profile: Profile, findings: Sequence[Finding]) -> FitError:
    """The exception for a rule that does not fit: its errors, then its warnings."""
    told = [f for severity in ("error", "warning") for f in findings if f.severity == severity]
    return FitError(f"the learning rule does not fit {profile.name}", told)


def weight_bounds(place: str, asked: tuple[float, float], levels: Levels, unit: float) -> list[Finding]:
    """A warning if the levels end elsewhere than the bounds: the chip saturates weights where their bits end."""
    held = (levels.low * unit, levels.high * unit)
    slack = TOLERATED * max(map(abs, asked))
    if all(abs(a - b) <= slack for a, b in zip(asked, held, strict=True)):
        return []
    remedy = "the chip saturates where the bits end: choose [-b, b], [0, b] or [-b, 0], b = 2^k in a compiled network"
    return [Finding("weight-bounds", place, list(asked), list(held), "warning", remedy)]


@dataclass(frozen=True)
class _Subject:
    """A rule on a profile, with what several checks look at."""

    rule: LearningRule
    profile: Profile
    sign_mode: str
    supplied: Mapping[str, tuple[int, int]]

    @cached_property
    def engine(self) -> Engine:
        return Engine.of(self.profile)

    @cached_property
    def products(self) -> list[tuple[Rule, Product, ProductRange, ProductRange]]:
        """Each product with its range, and with the range that it would have if every trace reached its top."""
        real = domains(self.rule, self.engine, self.sign_mode, self.supplied)
        full = domains(self.rule, self.engine, self.sign_mode, self.supplied, impulses=False)
        return [
            (rule, p, product_range(p, real, self.engine), product_range(p, full, self.engine))
            for rule in self.rule.rules
            for p in rule
        ]

    @cached_property
    def factors(self) -> list[tuple[Rule, Product, Factor]]:
        return [(rule, product, factor) for rule, product, _, _ in self.products for factor in product.factors]

    @cached_property
    def reads(self) -> set[str]:
        return {factor.variable for _, _, factor in self.factors}

    def step(self, target: str) -> int:
        """Levels by which a variable moves."""
        return self.engine.levels(VARIABLE_NAMES[target[1]], self.sign_mode).step


def _named(rule: Rule, product: Product) -> str:
    return f"{rule.target}: {product}"


def _sizes(s: _Subject) -> Iterator[Finding]:
    """How much a rule may hold."""
    learning = s.profile.learning
    for rule in s.rule.rules:
        if len(rule.products) > learning.products_per_rule.value:
            yield Finding(
                "products-per-rule",
                rule.target,
                len(rule.products),
                learning.products_per_rule.value,
                "error",
                "leave products out, or move some to a rule of another variable",
            )
    (low, high), (least, most) = learning.mantissa.value, learning.exponent.value
    for rule, product, _, _ in s.products:
        if len(product.factors) > learning.factors_per_product.value:
            yield Finding(
                "factors-per-product",
                _named(rule, product),
                len(product.factors),
                learning.factors_per_product.value,
                "error",
                "leave factors out",
            )
        for name, value, ends in (
            ("mantissa", product.mantissa, (low, high)),
            ("exponent", product.exponent, (least, most)),
        ):
            if not ends[0] <= value <= ends[1]:
                yield Finding(
                    f"{name}-range",
                    _named(rule, product),
                    value,
                    f"{ends[0]} to {ends[1]}",
                    "error",
                    "use a coefficient within these, or the sum of two products",
                )
    if (k := s.rule.decimation) is not None and k > learning.max_decimation.value:
        yield Finding(
            "decimation-range",
            f"u{k}",
            k,
            learning.max_decimation.value,
            "error",
            "use a smaller k with a smaller coefficient, or a longer epoch",
        )
    if s.rule.t_epoch > learning.max_epoch.value:
        yield Finding(
            "epoch-range", "t_epoch", s.rule.t_epoch, learning.max_epoch.value, "error", "use a shorter epoch"
        )
    for number, names in ((learning.x_traces.value, "x"), (learning.y_traces.value, "y")):
        for name in sorted(s.reads):
            if name[0] == names and name in TRACES and int(name[1]) > number:
                yield Finding("trace-missing", name, name, f"{names}1 to {names}{number}", "error", "use another trace")


def constant_range(variable: str, profile: Profile) -> tuple[int, int, int]:
    """Lowest constant beside a variable, highest, and the step between them: that beside w and t is stored halved."""
    bits, step = profile.learning.constant_bits.value, 1
    if profile.learning.even_constants.value and variable in ("w", "t"):
        step = 2
    return -step << (bits - 1), step * ((1 << (bits - 1)) - 1), step


def _constants(s: _Subject) -> Iterator[Finding]:
    """Constants beside a variable: whether they can be stored."""
    bits = s.profile.learning.constant_bits.value
    for rule, product, factor in s.factors:
        constant = int(factor.constant)
        low, high, stored = constant_range(factor.variable, s.profile)
        if not low <= constant <= high:
            yield Finding(
                "constant-range",
                _named(rule, product),
                constant,
                f"{low} to {high}",
                "error",
                f"a constant has {bits} bits: use a smaller one, or scale {factor.variable} down",
            )
        if constant % stored:
            yield Finding(
                "odd-constant",
                _named(rule, product),
                constant,
                "even",
                "error",
                f"a constant beside {factor.variable} is stored halved: use {constant - 1} or {constant + 1}",
            )


def _saturating_factors(s: _Subject) -> Iterator[Finding]:
    """Factors whose constant takes them beyond their width, where they saturate."""
    known = domains(s.rule, s.engine, s.sign_mode, s.supplied)
    for rule, product, factor in s.factors:
        low, high = known[factor.variable]
        if factor.variable in X_TRACES + Y_TRACES and not (s.rule.supplied and factor.variable[0] == "y"):
            high = min(high, round(getattr(s.rule, f"{factor.variable}_impulse")))  # of one spike
        width = s.engine.widths[factor.variable]
        limits = -(1 << width), (1 << width) - 1
        reached = low + int(factor.constant), high + int(factor.constant)
        given = factor.variable in s.supplied or not (s.rule.supplied and factor.variable in Y_TRACES)
        if not factor.sign and (reached[0] < limits[0] or reached[1] > limits[1]):
            yield Finding(
                "factor-saturates",
                _named(rule, product),
                f"{factor}: {reached[0]} to {reached[1]}",
                f"{limits[0]} to {limits[1]}",
                "warning" if given else "info",
                f"its width is {width} bits: use a smaller constant, or smaller values of {factor.variable}",
            )


def _offset(s: _Subject, name: str) -> str:
    return f"make the sign by two products, or by an offset as in ({name}-{(s.engine.trace_high + 1) // 2})"


def _third_factor(s: _Subject) -> Iterator[Finding]:
    """Supplied y traces: by whom, and with which sign."""
    if not s.rule.supplied:
        return
    learning = s.profile.learning
    if learning.third_factor.value != "neuron":
        yield Finding(
            "third-factor",
            "factors",
            3,
            f"supplied by the {learning.third_factor.value}".replace("_", " "),
            "error",
            "neurons of this chip cannot supply y traces: use two factors, or a profile like loihi2",
        )
    low, high = s.engine.y_range or (0, s.engine.trace_high)
    for name, (least, most) in s.supplied.items():
        if least < low or most > high:
            sign = _offset(s, name) if least < low else "scale it down"
            yield Finding("supplied-range", name, f"{least} to {most}", f"{low} to {high}", "error", sign)
    if low == 0:
        for name in sorted(s.reads):
            if name[0] == "y" and name in TRACES and name not in s.supplied:
                yield Finding(
                    "supplied-sign",
                    name,
                    "supplied",
                    f"{low} to {high}",
                    "info",
                    f"negative values become 0: {_offset(s, name)}",
                )


def _traces(s: _Subject) -> Iterator[Finding]:
    """Traces that never rise, saturate, or never decay."""
    top = s.engine.trace_high
    for name in TRACES:
        if name not in s.reads or (s.rule.supplied and name[0] == "y"):
            continue
        impulse, tau = getattr(s.rule, f"{name}_impulse"), getattr(s.rule, f"{name}_tau")
        if impulse > top:
            yield Finding("impulse-range", name, impulse, top, "error", "scale the rule so that its traces fit")
        if round(impulse * (1 << s.engine.fraction_bits)) == 0:
            if all(factor.constant for _, _, factor in s.factors if factor.variable == name):
                text = f"always 0: ({name}+n) is the constant n"
                yield Finding("constant-factor", name, "no impulse", "0", "info", text)
                continue
            graded = ", but for graded spikes" if name in X_TRACES else ""
            yield Finding(
                "dead-trace",
                name,
                f"impulse {impulse:g}",
                "more than 0",
                "warning",
                f"it is always 0{graded}: give {name}_impulse and {name}_tau",
            )
            continue
        factor = decay_factor(tau, s.engine.decay)
        second = impulse * (1 + factor)
        if second > top:
            yield Finding(
                "trace-saturation",
                name,
                f"{second:.4g} after two spikes in a row",
                top,
                "warning",
                f"use an impulse of {int(top / (1 + factor))} or less, and larger coefficients",
            )
        elif factor >= 1 or impulse / (1 - factor) > top:
            rate = top * (1 - factor) / impulse
            yield Finding(
                "trace-saturation",
                name,
                f"at {rate:.3g} spikes a step",
                top,
                "info",
                "use a smaller impulse if its neuron fires faster",
            )
        stored = round(factor * (1 << DECAY_BITS))
        if stored == 1 << DECAY_BITS or tau >= 1 << (DECAY_BITS - 1):
            yield Finding(
                "trace-constant",
                name,
                f"tau {tau:g}",
                f"{1 << (DECAY_BITS - 1)}",
                "warning",
                "it hardly decays; once at its top it stays there",
            )


def _ranges(s: _Subject) -> Iterator[Finding]:
    """Products that vanish, lose their low bits, saturate or wrap."""
    most = s.engine.accumulator[1] / (1 << s.engine.alignment)
    for rule, product, now, full in s.products:
        name, shift = _named(rule, product), down_scaling(product, s.engine)
        gone = 1 << shift
        if product.mantissa == 0 or full.smallest == 0:
            yield Finding(
                "product-vanishes",
                name,
                0,
                f"down-scaling {shift}",
                "warning",
                "it is always 0: remove it, or use fewer or narrower factors",
            )
            continue
        unit = 2.0**product.exponent
        if shift and full.largest / unit < _FEW_LEVELS:
            yield Finding(
                "lost-bits",
                name,
                f"{full.largest / unit:g} values",
                f"down-scaling {shift}",
                "warning",
                f"factors whose product is below {-(-gone // abs(product.mantissa))} give 0, or {-unit:g} if it is "
                "negative: use fewer factors, or sgn alone",
            )
        if shift and full.low < 0:
            severe: Severity = "warning" if unit >= s.step(rule.target) / 2 else "info"
            yield Finding(
                "floor-bias",
                name,
                f"{-unit:g} for any small negative value",
                "0",
                severe,
                "the down-scaling rounds down: use fewer factors, or a larger mantissa with a smaller exponent",
            )
        if now.wraps:
            yield Finding(
                "register-wraps",
                name,
                now.register,
                (1 << (REGISTER_BITS - 1)) - 1,
                "warning",
                "use a smaller mantissa with a larger exponent, or fewer factors",
            )
        elif now.largest >= most + 1:
            yield Finding(
                "product-saturates",
                name,
                f"{now.largest:g} levels",
                f"{most:g}",
                "warning",
                "use a smaller coefficient or smaller impulses",
            )


def _leaks(s: _Subject) -> Iterator[Finding]:
    """Products c*u*z in dz: growth, and overshoot."""
    for rule, product, _, _ in s.products:
        if product.dependency != "u" or len(product.factors) != 1:
            continue
        (factor,) = product.factors
        if factor.variable != rule.target[1] or factor.sign:
            continue
        if product.coefficient > 0:
            yield Finding(
                "runaway",
                _named(rule, product),
                f"{product.coefficient:g}",
                "below 0",
                "warning",
                "the variable grows until it saturates: turn the sign for a decay",
            )
        elif product.coefficient < -1:
            yield Finding(
                "overshoot",
                _named(rule, product),
                f"{product.coefficient:g}",
                "-1 to 0",
                "warning",
                "the variable changes its sign each time: use a smaller coefficient",
            )


def _tag_2(s: _Subject) -> Iterator[Finding]:
    """Tag 2: the register of delays, and unsigned."""
    changed = next((rule for rule in s.rule.rules if rule.target == "dd"), None)
    if changed is None and "d" not in s.reads:
        return
    entry = s.profile.learning.tag_2_is_free
    if not entry.value:
        yield Finding(
            "tag-2-delay", "d", "used", "free only without delays", "error", "use tag 1, or a profile where it is free"
        )
    elif entry.basis == "assumed":
        yield Finding(
            "tag-2-delay",
            "d",
            "used",
            "assumed free",
            "info",
            "it is the register of delays: leave the connection without delays",
        )
    low = s.engine.tag_2.low
    if changed is None or low < 0:
        return
    offset = any(f.variable == "d" and f.constant <= -s.engine.tag_2.high // 4 for _, _, f in s.factors)
    if offset:
        return
    for rule, product, now, _ in s.products:
        if rule is changed and now.low < 0 and not any(f == Factor("d") for f in product.factors):
            zero = (s.engine.tag_2.high + 1) // 2
            yield Finding(
                "tag-2-unsigned",
                _named(rule, product),
                f"down by {-now.low:g}",
                f"{low} to {s.engine.tag_2.high}",
                "warning",
                f"d stops at 0: start it at {zero} and write (d-{zero})",
            )


def _moves(s: _Subject) -> Iterator[Finding]:
    """Whether the weight can move at all."""
    mine = [(now, full) for rule, _, now, full in s.products if rule.target == "dw"]
    if not mine:
        yield Finding(
            "weight-constant",
            "dw",
            "no rule",
            "a rule",
            "warning",
            "no weight ever changes: give dw, unless only the tags are of interest",
        )
        return
    if not any(full.smallest for _, full in mine):
        yield Finding(
            "weight-constant",
            "dw",
            "all products are 0",
            "a change",
            "error",
            "no weight can ever change: use larger coefficients or fewer factors",
        )
        return
    low, high = sum(min(0.0, now.low) for now, _ in mine), sum(max(0.0, now.high) for now, _ in mine)
    largest, step = max(-low, high), s.step("dw")
    if largest == 0:
        yield Finding(
            "weight-constant",
            "dw",
            "all products are 0",
            "a change",
            "warning",
            "its traces are always 0: give their impulses",
        )
    elif largest < step / 2:
        yield Finding(
            "only-rounding",
            "dw",
            f"{largest:g} levels at most",
            f"steps of {step}",
            "warning",
            "most updates change nothing, and rounding decides which do: use larger coefficients or impulses",
        )


def _steps(s: _Subject) -> Iterator[Finding]:
    """Weights that move in steps of more than one."""
    step = s.step("dw")
    if step > 1 and any(rule.target == "dw" for rule in s.rule.rules):
        yield Finding(
            "weight-step",
            "dw",
            f"{s.sign_mode} weights",
            f"steps of {step}",
            "info",
            "smaller changes are rounded at random: they hold on average",
        )


_CHECKS: tuple[Callable[[_Subject], Iterator[Finding]], ...] = (
    _sizes,
    _constants,
    _saturating_factors,
    _third_factor,
    _traces,
    _ranges,
    _leaks,
    _tag_2,
    _moves,
    _steps,
)
