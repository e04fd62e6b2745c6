"""The update window: how much one pair of spikes changes a synapse, against the time between them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.errors import InputError
from hmn_lava.hardware_profiles import Profile, load_profile
from hmn_lava.learning.connection import LearningConnection
from hmn_lava.learning.engine import Engine
from hmn_lava.learning.fit import FittedRule
from hmn_lava.learning.ideal import Floats, IdealRule, ideal_run
from hmn_lava.learning.records import SYNAPTIC, TARGETS, VARIABLE_NAMES, X_TRACES, Y_TRACES
from hmn_lava.learning.rounding import DECAY_BITS, ElementRounding, decay_factor
from hmn_lava.learning.rule import LearningRule
from hmn_lava.learning.search import Scale
from hmn_lava.learning.simulate import DEFAULT_PROFILE
from hmn_lava.pictures import check_picture, new_figure, save_picture

LONGEST_RUN = 500_000_000
"""Steps of all pairs of spikes together that a window may take: about a minute."""

_LONGEST = 4096
"""Steps that the traces are followed at most, for rules without x0 and y0."""


@dataclass(frozen=True)
class UpdateWindow:
    """Change of a variable by one pair of spikes at each ``lags`` (post minus pre, in steps), all of shape (lags,).

    ``requested``: of the rule in real numbers. ``expected``: of the rule in real numbers with the coefficients,
    constants and decays that the hardware has. ``mean``, ``std``, ``sem``: of the engine's integers over the draws of
    their rounding. ``bias``: how far the implicit down-scaling, which rounds down, may pull the mean below
    ``expected``, at most. In units of the request (``real``), or else in levels.
    """

    variable: str
    lags: NDArray[np.int64]
    requested: Floats
    expected: Floats
    mean: Floats
    std: Floats
    sem: Floats
    bias: Floats
    trials: int
    real: bool

    @property
    def error(self) -> Floats:
        """The stated error of the mean at each lag: |expected - requested| + bias."""
        return np.asarray(np.abs(self.expected - self.requested) + self.bias)

    def as_dict(self) -> dict[str, Any]:
        """The window as plain values, under the keys that docs/cli.md lists."""
        names = ("lags", "requested", "expected", "mean", "std", "sem", "bias", "error")
        curves = {name: getattr(self, name).tolist() for name in names}
        return {"variable": self.variable, "unit": "real" if self.real else "level", "trials": self.trials, **curves}


def default_lags(rule: LearningRule) -> NDArray[np.int64]:
    """Lags over three time constants of the slowest trace, at most 200 steps to each side, as 41 points or fewer."""
    names = X_TRACES if rule.supplied else X_TRACES + Y_TRACES
    used = {factor.variable for one in rule.rules for product in one for factor in product.factors}
    slowest = max((getattr(rule, f"{name}_tau") for name in names if name in used), default=0.0)
    reach = max(5, min(200, math.ceil(3 * slowest)))
    step = -(-reach // 20)
    return np.arange(-(reach // step) * step, reach + 1, step)


def update_window(
    rule: FittedRule | LearningRule,
    lags: Sequence[int] | NDArray[np.integer[Any]] | None = None,
    *,
    variable: str | None = None,
    profile: str | Profile = DEFAULT_PROFILE,
    sign_mode: str = "mixed",
    trials: int = 256,
    seed: int = 0,
) -> UpdateWindow:
    """The update window of a rule, by the engine's integers and in real numbers.

    Every lag has ``trials`` synapses with neurons of their own, which differ in their draws and in their place within
    the epoch. Weights start in the middle of their range (mixed: 0), tags at 0, supplied traces are held at their
    highest value. The change is read at the end of the epoch (with u_k: of the 2^k epochs) of the later spike; of a
    rule without x0 and y0, when the traces have decayed.

    :param rule: a fitted rule (units of its request) or one for the chip (levels; ``profile`` and ``sign_mode`` count).
    :param lags: post minus pre, in steps; None: over three time constants of the slowest trace.
    :param variable: "w", "t" or "d"; None: the first that changes at spikes.
    :raises InputError: for a variable that the rule doesn't change, no lags, or no trials.
    """
    chip = rule.rule if isinstance(rule, FittedRule) else rule
    steps = default_lags(chip) if lags is None else np.asarray(lags, dtype=np.int64)
    if steps.ndim != 1 or steps.size == 0 or trials < 1:
        raise InputError(
            "a window has lags and trials", field="lags", value=steps.size, remedy="e.g. range(-40, 41), 256 trials"
        )
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InputError("a seed is a whole number, not negative", field="seed", value=seed, remedy="e.g. 0")
    fitted = rule if isinstance(rule, FittedRule) else None
    if fitted is not None:
        profile, sign_mode = fitted.profile, fitted.sign_mode
    engine = Engine.of(profile if isinstance(profile, Profile) else load_profile(profile))
    name = _variable(chip, variable)
    scales = {n: fitted.scales.get(n, Scale(1.0)) for n in SYNAPTIC} if fitted else dict.fromkeys(SYNAPTIC, Scale(1.0))

    protocol = _Protocol.of(chip, name, steps, trials)
    levels = engine.levels("weights", sign_mode)
    middle = 0 if sign_mode == "mixed" else (levels.low + levels.high + 1) // 2
    start = {n: float(scales[n].offset) for n in SYNAPTIC} | {"w": float(middle)}
    supplied = _held(chip, fitted, engine)

    realised = IdealRule.of(chip, engine, supplied, sign_mode)
    taus = {t: (impulse, _realised_tau(tau, engine)) for t, (impulse, tau) in realised.traces.items()}
    ran = ideal_run(replace(realised, traces=taus), protocol.pre, protocol.post, start)
    expected, cut = ran[name] - start[name], ran[f"{name}.cut"]
    if fitted is None:
        requested = ideal_run(realised, protocol.pre, protocol.post, start)[name] - start[name]
    else:
        origin = {"w": scales["w"].real(middle)}
        requested = ideal_run(fitted.request.ideal(), protocol.pre, protocol.post, origin)[name] - origin.get(name, 0.0)
    found = _integers(chip, engine, sign_mode, protocol, start, supplied, seed)[name] - start[name]

    unit = scales[name].unit
    shape = (steps.size, trials)
    changes = found.reshape(shape) * unit
    std = changes.std(axis=1, ddof=1) if trials > 1 else np.zeros(steps.size)
    return UpdateWindow(
        name,
        steps,
        requested.reshape(shape).mean(axis=1),
        expected.reshape(shape).mean(axis=1) * unit,
        changes.mean(axis=1),
        std,
        std / math.sqrt(trials),
        cut.reshape(shape).mean(axis=1) * unit,
        trials,
        fitted is not None,
    )


def plot_window(window: UpdateWindow, path: Path, title: str = "") -> None:
    """Write a picture of an update window.

    Raises as :func:`hmn_lava.pictures.check_picture`, and InputError where the file cannot be written.
    """
    check_picture(path, "--window")
    figure = new_figure(7, 4.2)
    axes = figure.add_subplot()
    axes.axhline(0, color="0.8", linewidth=0.8)
    axes.axvline(0, color="0.8", linewidth=0.8)
    axes.fill_between(
        window.lags,
        window.mean - window.std,
        window.mean + window.std,
        color="C0",
        alpha=0.2,
        linewidth=0,
        label="integers, one update (±1 std)",
    )
    axes.plot(window.lags, window.mean, "o", color="C0", markersize=3, label=f"integers, mean of {window.trials}")
    axes.plot(window.lags, window.requested, color="C3", linewidth=1.2, label="real numbers")
    axes.set_xlabel("spike-time difference, post - pre (steps)")
    axes.set_ylabel(f"change of {window.variable} ({'real units' if window.real else 'levels'})")
    axes.set_title(title, fontsize="medium")
    axes.legend(fontsize="small", frameon=False)
    save_picture(figure, path, dpi=150)


@dataclass(frozen=True)
class _Protocol:
    """Spikes of all pairs, (steps, lags * trials); the later spike of each falls into the same period."""

    pre: NDArray[np.bool_]
    post: NDArray[np.bool_]
    period: int

    @classmethod
    def of(cls, rule: LearningRule, variable: str, lags: NDArray[np.int64], trials: int) -> _Protocol:
        period = int(rule.t_epoch) * 2 ** (rule.decimation or 0)
        later = (int(np.abs(lags).max()) // period + 1) * period + np.tile(
            np.arange(trials) * period // trials, lags.size
        )
        end = int(later.max()) // period * period + period
        if not any(product.dependency != "u" for one in rule.rules if one.target[1] == variable for product in one):
            longest = max(getattr(rule, f"{trace}_tau") for trace in X_TRACES + (() if rule.supplied else Y_TRACES))
            end += max(period, min(_LONGEST, math.ceil(5 * longest)) // period * period)
        if end * lags.size * trials > LONGEST_RUN:
            raise InputError(
                f"a window of so many steps takes too long: {end} steps, {lags.size} lags, {trials} trials each",
                field="lags",
                value=end * lags.size * trials,
                remedy=f"at most {LONGEST_RUN:.0e} together: use shorter epochs, decimation or time constants",
            )
        lag = np.repeat(lags, trials)
        moments = {"pre": later - np.maximum(lag, 0), "post": later + np.minimum(lag, 0)}
        spikes = {name: np.zeros((end, lag.size), np.bool_) for name in moments}
        for name, when in moments.items():
            spikes[name][when, np.arange(lag.size)] = True  # row s is step s + 1
        return cls(spikes["pre"], spikes["post"], period)


def _variable(rule: LearningRule, asked: str | None) -> str:
    changed = [one.target[1] for one in rule.rules]
    if asked is not None:
        if asked not in changed:
            raise InputError(
                "the rule does not change this variable",
                field="variable",
                value=asked,
                remedy=f"one of {', '.join(changed)}",
            )
        return asked
    order = [target[1] for target in (TARGETS[0], TARGETS[2], TARGETS[1])]
    at_spikes = [one.target[1] for one in rule.rules if any(product.dependency != "u" for product in one)]
    return min(at_spikes or changed, key=order.index)


def _held(rule: LearningRule, fitted: FittedRule | None, engine: Engine) -> dict[str, float]:
    """The level at which each supplied trace is held: its highest."""
    if not rule.supplied:
        return {}
    held = dict.fromkeys(Y_TRACES, float(engine.trace_high))
    if fitted is not None:
        for name, (_, high) in fitted.request.supplied.items():
            held[name] = float(round(fitted.scales[name].level(high)))
    return held


def _realised_tau(tau: float, engine: Engine) -> float:
    """The time constant that a decay factor with its fractional bits really has."""
    factor = round(decay_factor(tau, engine.decay) * (1 << DECAY_BITS)) / (1 << DECAY_BITS)
    return 0.0 if factor <= 0 else math.inf if factor >= 1 else -1 / math.log(factor)


def _integers(
    rule: LearningRule,
    engine: Engine,
    sign_mode: str,
    protocol: _Protocol,
    start: Mapping[str, float],
    supplied: Mapping[str, float],
    seed: int,
) -> dict[str, NDArray[np.int64]]:
    """w, t and d of all pairs after the last step, by the learning engine."""
    n = protocol.pre.shape[1]
    each = np.arange(n)
    taus = {t: float(getattr(rule, f"{t}_tau")) for t in (*X_TRACES, *Y_TRACES)}
    connection = LearningConnection(
        rule,
        (n, n),
        each,
        each,
        {VARIABLE_NAMES[name]: np.full(n, int(level), np.int64) for name, level in start.items()},
        {VARIABLE_NAMES[name]: np.ones(n, np.bool_) for name in start},
        sign_mode,
        engine,
        ElementRounding(seed, taus, engine.decay, held=rule.supplied),
    )
    y = None
    if rule.supplied:
        y = np.array([np.full(n, int(supplied[name]), np.int64) for name in Y_TRACES])
    for pre, post in zip(protocol.pre.astype(np.int64), protocol.post, strict=True):
        connection.step(pre, post, y)
    return {name: connection.variables[VARIABLE_NAMES[name]] for name in start}
