"""Meta-learning (7): an outer loop that adapts a rule's constants by gradient estimates of a loss, without derivatives.

The constants ``eta`` are a vector (n,): eta_l and eta_g, on request also beta_a, beta_p and the trace constants. The
loss ``L_meta`` belongs to the task: minus the mean reward of M episodes run with these constants, say. There are two
estimators g of its gradient, both with the exploration width ``eps_t = eps_0 / sqrt(t)`` in meta-step t = 1, 2, ... and
both followed by ``eta <- clip(eta - alpha_meta g, eta_min, eta_max)``:

* two-point SPSA (Spall 1992; HMN paper appendix 10.3), which perturbs all constants at once and needs two losses;
* REINFORCE (Williams 1992; HMN paper appendix 10.2), with a Gaussian policy around ``eta``, which needs one loss.

Each comes in two halves, so that an online task can run its episodes in between: ``*_propose`` gives the constants to
try, and ``*_update`` takes the losses that they led to. ``spsa_step`` and ``reinforce_step`` do both for a loss that is
a function.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hmn_lava.errors import InputError
from hmn_lava.reference.equations import Floats
from hmn_lava.spec.model import Rule

Loss = Callable[[Floats], float]


@dataclass(frozen=True, eq=False)
class MetaState:
    """The constants that are being adapted, and where the outer loop stands; InputError where a field is impossible."""

    eta: Floats  # the constants, (n,)
    epsilon0: Floats  # eps_0, (n,), > 0
    low: Floats  # eta_min, (n,)
    high: Floats  # eta_max, (n,)
    t: int = 1  # number of the next meta-step
    baseline: float | None = None  # running mean of the loss, for REINFORCE; None before the first loss

    def __post_init__(self) -> None:
        """Check what a division or a clip would otherwise turn into nonsense."""
        if not (self.eta.shape == self.epsilon0.shape == self.low.shape == self.high.shape and self.eta.ndim == 1):
            raise InputError("meta-learning: shapes differ", remedy="give each field one value per constant")
        if not (np.all(self.epsilon0 > 0.0) and np.all(np.isfinite(self.epsilon0))):
            raise InputError(
                "meta-learning: the width eps_0 of a perturbation must be positive",
                field="epsilon0",
                value=self.epsilon0.tolist(),
                remedy="start from a constant other than 0, as eps_0 is relative to it, or give epsilon0",
            )
        if not (np.all(self.low < self.high) and np.all(self.low <= self.eta) and np.all(self.eta <= self.high)):
            raise InputError(
                "meta-learning: a constant is outside its bounds",
                field="eta",
                value=self.eta.tolist(),
                remedy="use low < high and a start between them",
            )

    @property
    def epsilon(self) -> Floats:
        """Width of the exploration in this step: ``eps_t = eps_0 / sqrt(t)``, (n,)."""
        return self.epsilon0 / math.sqrt(self.t)


def start(
    eta: ArrayLike,
    low: ArrayLike = 0.0,
    high: ArrayLike = math.inf,
    relative_epsilon: float = 0.05,
    epsilon0: ArrayLike | None = None,
) -> MetaState:
    """Return the state of meta-step 1: ``eps_0 = relative_epsilon |eta|`` of the first ``eta``, unless it is given."""
    values = np.array(eta, dtype=np.float64, ndmin=1)

    def each(value: ArrayLike) -> Floats:
        return np.array(np.broadcast_to(np.asarray(value, dtype=np.float64), values.shape))

    width = each(relative_epsilon * np.abs(values) if epsilon0 is None else epsilon0)
    return MetaState(values, width, each(low), each(high))


def spsa_propose(state: MetaState, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return the points to evaluate, ``eta + D`` and ``eta - D`` with ``D = eps_t (+-1)``, held inside the bounds."""
    delta = state.epsilon * rng.choice([-1.0, 1.0], size=state.eta.shape)
    return _clip(state, state.eta + delta), _clip(state, state.eta - delta)


def spsa_update(
    state: MetaState, plus: Floats, minus: Floats, loss_plus: float, loss_minus: float, rate: ArrayLike
) -> MetaState:
    """Return the next state: ``g = (L+ - L-) / (2 D)``, ``eta <- clip(eta - rate g, eta_min, eta_max)``.

    ``2 D`` is taken as ``plus - minus``, which differs only where a point is held at a bound. ``rate`` is alpha_meta,
    a scalar or (n,).
    """
    gradient = (_finite(loss_plus) - _finite(loss_minus)) / (plus - minus)
    return _descend(state, gradient, rate)


def spsa_step(loss: Loss, state: MetaState, rate: ArrayLike, rng: np.random.Generator) -> MetaState:
    """One meta-step of SPSA on a loss that is a function of the constants; it is called twice."""
    plus, minus = spsa_propose(state, rng)
    return spsa_update(state, plus, minus, loss(plus), loss(minus), rate)


def reinforce_propose(state: MetaState, rng: np.random.Generator) -> Floats:
    """Return the point to evaluate, drawn from the Gaussian policy ``N(eta, eps_t**2)`` and held inside the bounds."""
    return _clip(state, state.eta + state.epsilon * rng.standard_normal(state.eta.shape))


def reinforce_update(
    state: MetaState, point: Floats, loss: float, rate: ArrayLike, baseline_rate: float = 0.1
) -> MetaState:
    """Return the next state: ``g = (L - b) (point - eta) / eps_t**2``, score function times loss above its baseline.

    ``b`` is the running mean of the earlier losses, moved by ``baseline_rate``; the first loss sets it and nothing
    else.
    """
    baseline = _finite(loss) if state.baseline is None else state.baseline
    gradient = (_finite(loss) - baseline) * (point - state.eta) / state.epsilon**2
    return replace(_descend(state, gradient, rate), baseline=baseline + baseline_rate * (loss - baseline))


def reinforce_step(
    loss: Loss, state: MetaState, rate: ArrayLike, rng: np.random.Generator, baseline_rate: float = 0.1
) -> MetaState:
    """One meta-step of REINFORCE on a loss that is a function of the constants; it is called once."""
    point = reinforce_propose(state, rng)
    return reinforce_update(state, point, loss(point), rate, baseline_rate)


def tuned(rule: Rule, **constants: float) -> Rule:
    """Return the rule with other constants: eta_local, eta_global, tau_fast, tau_slow, beta_attention, beta_gate.

    Raises InputError where the rule has no such constant, because a subsystem is off, or where a value is impossible.
    """
    for name, value in constants.items():
        if not math.isfinite(value) or value < 0.0 or (value == 0.0 and name.startswith("tau")):
            raise InputError("is out of range", field=name, value=value, remedy="use a finite number above 0")
        if name in ("eta_local", "eta_global", "tau_fast") or (name == "tau_slow" and rule.tau_slow is not None):
            change: dict[str, Any] = {name: value}
        elif name == "beta_attention" and rule.attention is not None:
            change = {"attention": replace(rule.attention, beta=value)}
        elif name == "beta_gate" and rule.gate is not None:
            change = {"gate": replace(rule.gate, beta=value)}
        else:
            raise InputError("is not a constant of this rule", field=name, remedy="switch the subsystem on first")
        rule = replace(rule, **change)
    if rule.tau_slow is not None and rule.tau_fast >= rule.tau_slow:
        raise InputError("must be below tau_slow", field="tau_fast", value=rule.tau_fast, remedy="set both together")
    return rule


def _descend(state: MetaState, gradient: Floats, rate: ArrayLike) -> MetaState:
    return replace(state, eta=_clip(state, state.eta - np.asarray(rate) * gradient), t=state.t + 1)


def _clip(state: MetaState, eta: Floats) -> Floats:
    clipped: Floats = np.minimum(np.maximum(eta, state.low), state.high)
    return clipped


def _finite(loss: float) -> float:
    if not math.isfinite(loss):
        raise InputError("meta-learning: the loss is not finite", value=loss, remedy="narrow the constants' bounds")
    return float(loss)
