"""All that is to be said of a learning rule, from its text: read it, fit it if need be, check it, explain it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from hmn_lava.errors import Finding, InputError
from hmn_lava.hardware_profiles import Profile, load_profile
from hmn_lava.learning.checks import check_rule, refusal
from hmn_lava.learning.explain import Explanation, algebra, explain_rule
from hmn_lava.learning.export import canonical, lava_code, lava_keywords
from hmn_lava.learning.fit import FittedRule, fit_rule
from hmn_lava.learning.reading import Problems, is_real, read_rule, split_rule
from hmn_lava.learning.records import SPIKES, TRACES, Y_TRACES
from hmn_lava.learning.request import read_pair, read_span, sign_mode_of
from hmn_lava.learning.rule import LearningRule
from hmn_lava.learning.simulate import DEFAULT_PROFILE


@dataclass(frozen=True)
class RuleReport:
    """A rule that the hardware can run, spelled out; ``fitted`` where it was given in the float form.

    ``rule`` is the rule for the chip, ``findings`` have no error among them, ``lava`` is the code that makes the same
    rule in Lava.
    """

    form: Literal["chip", "float"]
    rule: LearningRule
    profile: str
    sign_mode: str
    algebra: tuple[str, ...]
    explanation: Explanation
    findings: tuple[Finding, ...]
    fitted: FittedRule | None
    lava: str

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values, under the keys that docs/cli.md lists."""
        return {
            "form": self.form,
            "profile": self.profile,
            "factors": self.rule.factors,
            "sign_mode": self.sign_mode,
            "rules": {parsed.target: str(parsed) for parsed in self.rule.rules},
            "keywords": lava_keywords(self.rule),
            "algebra": list(self.algebra),
            **asdict(self.explanation),
            "scales": {} if self.fitted is None else {name: asdict(s) for name, s in self.fitted.scales.items()},
            "report": [] if self.fitted is None else [asdict(row) for row in self.fitted.report],
            "within": None if self.fitted is None else self.fitted.within,
            "findings": [finding.as_dict() for finding in self.findings],
            "lava": self.lava,
        }


def report_rule(
    text: str,
    *,
    real: bool = False,
    traces: Mapping[str, Sequence[float]] | None = None,
    weights: Sequence[float] = (-1.0, 1.0),
    tag_1: Sequence[float] | None = None,
    tag_2: Sequence[float] | None = None,
    leaks: Mapping[str, float] | None = None,
    t_epoch: Any = 1,
    factors: Any = 2,
    profile: str | Profile = DEFAULT_PROFILE,
) -> RuleReport:
    """Read rules like ``dw = 2^-2*x1*y0, dt = -2^-3*u0*t``; fit, check and explain them.

    Text with decimals or divisions, or any with ``real``, is in the float form and fitted (:func:`fit_rule`, whose
    parameters these are). ``traces``: name -> (impulse, time constant), in levels for text of the chip; with three
    factors y1..y3 -> (lowest, highest value supplied). Of ``weights``, text of the chip takes only the sign mode.

    Raises InputError for what is malformed (all of it at once) and FitError for what the hardware cannot do.
    """
    chip = profile if isinstance(profile, Profile) else load_profile(profile)
    texts = split_rule(text)
    given = dict(traces or {})
    if real or is_real(texts):
        return _float_report(texts, given, weights, tag_1, tag_2, leaks, t_epoch, factors, chip)
    problems = Problems()
    for name, value in (("tag_1", tag_1), ("tag_2", tag_2), ("leaks", leaks)):
        if value:
            problems.read(_only_real, name)
    supplied: dict[str, tuple[int, int]] = {}
    keywords: dict[str, Any] = {"factors": factors, "t_epoch": t_epoch, **texts}
    for name, pair in given.items():
        if factors == 3 and name in Y_TRACES:
            span = problems.read(read_span, name, pair)
            supplied |= {} if span is None else {name: (int(span[0]), int(span[1]))}
        else:
            numbers = problems.read(read_pair, name, pair, "an impulse and a time constant in steps")
            keywords |= dict(zip((f"{name}_impulse", f"{name}_tau"), numbers or (), strict=False))
    limits = problems.read(read_span, "weights", weights)
    rule = problems.read(lambda: read_rule(**keywords))
    problems.settle()
    if rule is None or limits is None:  # settled above
        raise InputError("the learning rule cannot be read")
    mode = sign_mode_of(limits)
    findings = check_rule(rule, chip, sign_mode=mode, supplied=supplied)
    if any(finding.severity == "error" for finding in findings):
        raise refusal(chip, findings)
    rule = canonical(rule)
    explanation = explain_rule(rule, chip, sign_mode=mode, supplied=supplied)
    return RuleReport("chip", rule, chip.name, mode, algebra(rule, chip), explanation, findings, None, lava_code(rule))


def _float_report(
    texts: Mapping[str, str],
    given: Mapping[str, Sequence[float]],
    weights: Sequence[float],
    tag_1: Sequence[float] | None,
    tag_2: Sequence[float] | None,
    leaks: Mapping[str, float] | None,
    t_epoch: Any,
    factors: Any,
    profile: Profile,
) -> RuleReport:
    supplied = {name: pair for name, pair in given.items() if factors == 3 and name in Y_TRACES}
    traces = {name: pair for name, pair in given.items() if name not in supplied}
    fitted = fit_rule(
        texts.get("dw"), texts.get("dt"), texts.get("dd"), traces=traces, supplied=supplied, weights=weights,
        tag_1=tag_1, tag_2=tag_2, leaks=leaks, t_epoch=t_epoch, factors=factors, profile=profile,
    )  # fmt: skip
    rule, mode = fitted.rule, fitted.sign_mode
    units = {name: scale.unit for name, scale in fitted.scales.items()} | dict.fromkeys(SPIKES, 1.0)
    levels = fitted.supplied
    comments = [
        f"One level of {name} is {scale.unit:.6g}" + (f"; level {scale.offset} means 0." if scale.offset else ".")
        for name, scale in fitted.scales.items()
        if name not in TRACES or name in levels
    ]
    return RuleReport(
        "float",
        rule,
        profile.name,
        mode,
        algebra(rule, profile),
        explain_rule(rule, profile, sign_mode=mode, supplied=levels, units=units),
        fitted.findings,
        fitted,
        lava_code(rule, tuple(comments)),
    )


def _only_real(name: str) -> None:
    raise InputError("only the float form has this", field=name, remedy="write the rule with decimals, or use --float")
