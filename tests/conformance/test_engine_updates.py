"""Synapses of the learning engine change as the equations say: in the mean where they round, exactly where they don't."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, event, given, seed, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from specs import engine_spec_dicts, parse, random_inputs

import hmn_lava as hl
from hmn_lava.compiler import attempt
from hmn_lava.compiler.engine.lower import EngineLowering
from hmn_lava.compiler.pipeline import lower_engine, target_limits
from hmn_lava.errors import InputError
from hmn_lava.hardware_profiles import load_profile
from hmn_lava.reference import Reference
from hmn_lava.reference import equations as eq
from hmn_lava.simulator.fast import Fast
from hmn_lava.spec.model import Attention, Connection, Model

STEPS = 80
FEWEST = 40
"""Updates that a regression needs."""

CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=CHECKS, derandomize=True, phases=[Phase.generate]
)
MANY = settings(max_examples=200, deadline=None, suppress_health_check=CHECKS, database=None, phases=[Phase.generate])


class Run:
    """The recorded signals of a compiled network in model time, in real numbers."""

    def __init__(self, bundle: hl.Bundle, inputs: dict[str, Any], steps: int) -> None:
        self.bundle, self.network, self.model = bundle, bundle.network, bundle.model
        names = list(self.network.signals)
        result = Fast(self.network).run(inputs, steps, names)
        late = {name: self.network.latency(name) for name in names}
        self.steps = steps - max(late.values())
        self.signals = {name: result.real(name)[late[name] : late[name] + self.steps] for name in names}

    def __getitem__(self, name: str) -> np.ndarray:
        return np.asarray(self.signals[name].reshape(self.steps, -1))

    def activity(self, population: str) -> np.ndarray:
        return self[f"{population}.{'x' if self.model.populations[population].type == 'input' else 'z'}"]

    def delayed(self, c: Connection) -> np.ndarray:
        """x_i(t - delay) of each presynaptic neuron, 0 before the start."""
        x, late = self.activity(c.pre), int(self.network.delay[c.name].max(initial=0))
        return np.concatenate([np.zeros((late, x.shape[1])), x])[: self.steps]

    def eligibility(self, c: Connection) -> np.ndarray:
        slow = f"{c.name}.psi_slow"
        return self[f"{c.name}.psi_fast"] + (self[slow] if slow in self.signals else 0.0)

    def third(self, c: Connection) -> np.ndarray:
        """(η_l + η_g G') times the phase gate, for each synapse."""
        rule = c.rule
        assert rule is not None
        g = self[f"{c.name}.G"] if rule.modulators else 0.0
        factor = rule.eta_local + rule.eta_global * g
        if rule.phase is not None:
            phase = self.model.oscillators[rule.phase.oscillator]
            angles = np.array([eq.oscillator_phase(t, phase.period, phase.phase) for t in range(self.steps)])
            factor = factor * np.stack([eq.phase_gate(angle, rule.phase.phi) for angle in angles])
        return np.broadcast_to(factor, (self.steps, c.n_syn))

    def synapses(self, c: Connection, name: str) -> np.ndarray:
        """A signal of the synapses in the order of the list; a dense matrix is already in it."""
        values = self[name]
        assert values.shape[1] == c.n_syn
        return values

    def alpha(self, c: Connection, local: Attention) -> np.ndarray:
        """exp(β (g_i - 1)) over its sum in the row, with the context pooled over the postsynaptic neurons."""
        x, z = self.delayed(c), self.activity(c.post)
        context = np.zeros((c.n_post, local.dimensions))
        embedding, rows = eq.unit(local.embedding), []
        for t in range(self.steps):
            context = eq.local_context(context, z[t], local.key, local.rate)
            g = np.where(x[t] > 0, embedding @ eq.unit(context.mean(axis=0)[None])[0], 0.0)
            score = np.exp(local.beta * (g - 1.0))[c.col]
            rows.append(score / np.bincount(c.row, score, c.n_post)[c.row])
        return np.array(rows)

    def unit(self, c: Connection) -> tuple[float, float, float]:
        """Of the weight, and its bounds."""
        synapses = self.network.learning[f"{c.name}.synapse"]
        levels, unit = synapses.engine.weights[synapses.sign_mode], self.network.signals[f"{c.name}.w"].format.unit
        return unit, levels.low * unit, levels.high * unit

    def regression(self, c: Connection) -> tuple[float, float] | None:
        """Slope of the recorded changes of the weight on those of the equation, and its standard error.

        Leaves out what the accumulator or the weight's range would saturate.
        """
        rule = c.rule
        assert rule is not None
        predicted = self.third(c) * self.eligibility(c)
        if rule.attention is not None:
            predicted = predicted * self.alpha(c, rule.attention)
        p, w = predicted[1:], self[f"{c.name}.w"]
        made = np.diff(w, axis=0)
        unit, low, high = self.unit(c)
        after = w[:-1] + p
        # Two units from an end: rounding goes up or down by one step.
        inside = (after < high - 2 * unit) & (after > low + 2 * unit) & (np.abs(p) > 0) & (np.abs(p) < 200 * unit)
        if inside.sum() < FEWEST:
            return None
        p, made = p[inside], made[inside]
        slope = float(p @ made / (p @ p))
        residual = made - slope * p
        return slope, float(np.sqrt((residual**2 * p**2).sum()) / (p @ p))


def compiled(data: dict[str, Any], draw: int) -> hl.Bundle | None:
    """The bundle of a random spec, or None where its learning does not fit the engine."""
    try:
        bundle, findings = attempt(parse(data), seed=draw, allow_lossy=True, plasticity="engine")
    except InputError as error:
        assert "gives no synapse at all" in str(error)  # a sparse topology of few synapses may draw none
        return None
    errors = [finding for finding in findings if finding.severity == "error"]
    if {finding.rule for finding in errors} == {"third-factors"}:
        return None  # three rules for one population, once all of them learn
    assert bundle is not None and not errors, errors
    return bundle


def regress(data: dict[str, Any], draw: int) -> int:
    """Check all connections of a spec; returns how many updates' regressions there were."""
    for record in data["connections"].values():
        record.pop("probabilistic_gate", None)  # another expected update
        if record["type"] == "hmn":  # lively, and slow enough not to end at a bound
            record["learning"] = True
            record["rates"] = {"local": 0.02 if not record["modulators"] else 0.0, "global": record["rates"]["global"] / 5}
        if isinstance(record.get("phase_gate", {}).get("phase"), dict):
            record["phase_gate"]["phase"] = 0.3  # one phase stands for several
    bundle = compiled(data, draw)
    if bundle is None:
        return 0
    lagged = {finding.object for finding in bundle.findings if finding.rule == "third-factor-lag"}
    coarse = {finding.object for finding in bundle.findings if finding.rule == "coarse-third-factor"}
    run, found = Run(bundle, random_inputs(bundle.network, STEPS, draw), STEPS), 0
    for c in bundle.model.connections.values():
        where = f"connections.{c.name}"
        if f"{c.name}.synapse" not in run.network.learning or where in lagged or f"{where}.rates" in coarse:
            continue
        result = run.regression(c)
        if result is not None:
            slope, error = result
            found += 1
            assert abs(slope - 1.0) <= 4.0 * error + 0.05, f"{c.name}: slope {slope:.3f} +- {error:.3f}"
    event("regressions", str(found))
    return found


# --------------------------------------------------------------------------------------------------- mean of updates


def attended(data: dict[str, Any], dimensions: int) -> dict[str, Any]:
    """Every rule of a spec with attention in D dimensions."""
    normal = {"init": "normal", "std": 1.0}
    for n, record in enumerate(c for c in data["connections"].values() if c["type"] == "hmn"):
        record["attention"] = {
            "beta": (0.5, 1.0, 2.0)[n % 3],
            "dimensions": dimensions,
            "embedding": normal,
            "key": normal,
            "context_rate": (1.0, 0.1)[n % 2],
        }
    return data


def test_weights_change_by_third_factor_times_eligibility() -> None:
    found = []

    @QUICK
    @given(data=engine_spec_dicts(), draw=st.integers(0, 2**31))
    def examples(data: dict[str, Any], draw: int) -> None:
        for record in data["connections"].values():
            record.pop("attention", None)
        found.append(regress(data, draw))

    examples()
    assert sum(found) >= 20


@pytest.mark.parametrize("dimensions", [1, 2])
def test_attention_shares_the_change_among_a_neurons_synapses(dimensions: int) -> None:
    found = []

    @QUICK
    @given(data=engine_spec_dicts(), draw=st.integers(0, 2**31))
    def examples(data: dict[str, Any], draw: int) -> None:
        found.append(regress(attended(data, dimensions), draw))

    examples()
    assert sum(found) >= 20


@pytest.mark.heavy
@pytest.mark.parametrize("dimensions", [0, 1, 2])
def test_two_hundred_random_specs(dimensions: int) -> None:
    @seed(dimensions)
    @MANY
    @given(data=engine_spec_dicts(), draw=st.integers(0, 2**31))
    def examples(data: dict[str, Any], draw: int) -> None:
        for record in data["connections"].values():
            record.pop("attention", None)
        regress(attended(data, dimensions) if dimensions else data, draw)

    examples()
