"""From a learning rule in real numbers to the products, traces and tags of a learning engine."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hmn_lava.errors import Finding, InputError
from hmn_lava.hardware_profiles import Profile, load_profile
from hmn_lava.learning.checks import check_rule, refusal, weight_bounds
from hmn_lava.learning.engine import SignMode
from hmn_lava.learning.fit_report import ReportRow, report_rows
from hmn_lava.learning.fit_report import findings as found
from hmn_lava.learning.request import RuleRequest, read_request
from hmn_lava.learning.rule import LearningRule
from hmn_lava.learning.search import Scale, Search
from hmn_lava.learning.simulate import DEFAULT_PROFILE


@dataclass(frozen=True)
class FittedRule:
    """A rule for the chip with the units of its integers, and how near it comes to the request.

    ``scales``: of "w", "t", "d" and the traces that the rule uses. ``findings``: warnings and notes; a rule with errors
    is not made. A variable that means 0 starts at the ``offset`` of its scale.
    """

    request: RuleRequest
    rule: LearningRule
    scales: Mapping[str, Scale]
    sign_mode: SignMode
    report: tuple[ReportRow, ...]
    findings: tuple[Finding, ...]
    profile: Profile

    @property
    def supplied(self) -> dict[str, tuple[int, int]]:
        """The ranges of supplied y traces, in levels."""
        return {
            name: (round(self.scales[name].level(low)), round(self.scales[name].level(high)))
            for name, (low, high) in self.request.supplied.items()
        }

    @property
    def within(self) -> bool:
        """Whether every coefficient, constant and decay is within the tolerance."""
        return all(row.within for row in self.report)


def fit_rule(
    dw: str | None = None,
    dt: str | None = None,
    dd: str | None = None,
    *,
    traces: Mapping[str, Sequence[float]] | None = None,
    supplied: Mapping[str, Sequence[float]] | None = None,
    weights: Sequence[float] = (-1.0, 1.0),
    tag_1: Sequence[float] | None = None,
    tag_2: Sequence[float] | None = None,
    leaks: Mapping[str, float] | None = None,
    t_epoch: int = 1,
    factors: int = 2,
    profile: str | Profile = DEFAULT_PROFILE,
    tolerance: float = 0.02,
    headroom: float = 2.0,
) -> FittedRule:
    """The rule for a learning engine that comes nearest to rules in real numbers.

    A product ``c * D * prod_j (v_j + C_j)`` of real variables becomes ``m * 2**e * D * prod_j (n_j + K_j)`` of levels
    n_j, with v_j = (n_j - offset_j) * unit_j, K_j = round(C_j/unit_j) - offset_j and ``m * 2**e`` the nearest
    representable to ``c * prod_j unit_j / unit_z * 2**s``, where s is the implicit down-scaling; or to that by the sum
    of two products. The units of the traces (whole impulses) and tags are searched for the smallest errors.

    :param dw: rule of the weight w in the float form, e.g. ``0.01*x1*y0 - 0.012*x0*y1``; ``dt`` of tag 1, ``dd`` of tag
        2. All in real units.
    :param traces: name -> (impulse, time constant in steps), e.g. ``{"x1": (1.0, 20)}``, for every trace that is read
        and computed from spikes. A time constant of 0 forgets in one step.
    :param supplied: three factors only: y trace -> (lowest, highest value) that the neuron supplies (0, 1 if left out).
    :param weights: lowest and highest weight. From 0 on they are excitatory, up to 0 inhibitory.
    :param tag_1: lowest and highest value of tag 1 (t), ``tag_2`` of tag 2 (d); left out, they are estimated from the
        rule: ``headroom`` times its largest single change.
    :param leaks: "t", "d" or "w" -> time constant in steps: adds ``-(1 - exp(-t_epoch/tau))*u_k*z``.
    :param t_epoch: steps of a learning epoch.
    :param factors: 2, or 3 where the neuron supplies y1..y3.
    :param profile: whose widths, ranges and switches hold: a hardware profile, its name or its file.
    :param tolerance: relative error that a coefficient or a time constant may have before a second product or a
        decimation is spent on it.
    :param headroom: how many impulses a trace, or largest changes a tag, can hold.
    :raises InputError: for malformed rules and numbers, all of them at once.
    :raises FitError: if the rule does not fit the hardware; its findings say what, and the remedies.
    """
    for name, value, low in (("tolerance", tolerance, 0.0), ("headroom", headroom, 1.0)):
        if not isinstance(value, (int, float)) or not low <= value < math.inf:
            raise InputError(
                f"this goes from {low:g} up", field=name, value=value, remedy="leave it out for its default"
            )
    request = read_request(
        dw,
        dt,
        dd,
        traces=traces,
        supplied=supplied,
        weights=weights,
        tag_1=tag_1,
        tag_2=tag_2,
        leaks=leaks,
        t_epoch=t_epoch,
        factors=factors,
    )
    chip = profile if isinstance(profile, Profile) else load_profile(profile)
    fit = Search(request, chip, tolerance, headroom)
    plan = fit.best()
    findings = list(found(fit, plan))
    if any(finding.severity == "error" for finding in findings):
        raise refusal(chip, findings)
    scales = {name: fit.scale(name, plan) for name in fit.names}
    findings += weight_bounds("weights", request.weights, fit.engine.weights[request.sign_mode], scales["w"].unit)
    tags = {name: (scales[name].real(low), scales[name].real(high)) for name, low, high in fit.tags()}
    report, mode = tuple(report_rows(fit, plan)), request.sign_mode
    fitted = FittedRule(replace(request, tags=tags), fit.rule(plan), scales, mode, report, tuple(findings), chip)
    checks = check_rule(fitted.rule, chip, sign_mode=mode, supplied=fitted.supplied)
    checked = (*findings, *(f for f in checks if not (f.rule == "tag-2-unsigned" and fit.offsets.get("d"))))
    if any(finding.severity == "error" for finding in checked):
        raise refusal(chip, checked)
    return replace(fitted, findings=checked)
