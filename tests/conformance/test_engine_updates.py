"""Synapses of the learning engine change as the equations say: exactly, or in the mean where they round."""

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
from hmn_lava.compiler.engine.thirds import Third
from hmn_lava.compiler.pipeline import lower_engine, target_limits
from hmn_lava.errors import InputError
from hmn_lava.hardware_profiles import load_profile
from hmn_lava.reference import Reference
from hmn_lava.reference import equations as eq
from hmn_lava.simulator.fast import Fast
from hmn_lava.spec.model import Attention, Connection

STEPS = 80
FEWEST = 40
"""Updates that a regression needs."""

CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
QUICK = settings(max_examples=35, deadline=None, suppress_health_check=CHECKS, database=None, phases=[Phase.generate])
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

    def levels(self, c: Connection) -> float:
        """Levels of the y traces for a third factor of 1, where there is no attention."""
        neuron = self.network.groups[c.post]
        (key,) = (v.name.removeprefix("third_") for v in neuron.program.inputs if self._reads(c, v.name))
        scale = neuron.program.variable(f"scale_{key}").format
        return float(scale.real(neuron.constants[f"scale_{key}"].values[0]))

    def _reads(self, c: Connection, port: str) -> bool:
        source = f"{c.name}.modulation"
        return any(link.source[0] == source and link.target[1] == port for link in self.network.links_to(c.post))

    def cut(self, c: Connection) -> float:
        """What the implicit down-scaling takes from one update at most: 2**exponent of a product of each tag."""
        rules = self.network.learning[f"{c.name}.synapse"].rule.rules
        (products,) = (rule.products for rule in rules if rule.target == "dw")
        exponents = {product.factors[0].variable: product.exponent for product in products}
        return self.unit(c)[0] * sum(2.0**exponent for exponent in exponents.values())

    def regression(self, c: Connection) -> tuple[float, float, float] | None:
        """Slope of the recorded changes of the weight on those of the equation, its standard error, and its bias.

        Leaves out what the accumulator, the traces or the weight's range would saturate. The error is of the rounding:
        stochastic and alone for each synapse in the weight, one for all synapses of a step in the y traces.
        """
        rule = c.rule
        assert rule is not None
        alpha = self.alpha(c, rule.attention) if rule.attention is not None else np.ones(c.n_syn)
        third, e = self.third(c), self.eligibility(c) * alpha
        # With attention a y trace holds the third factor over the sum of the payloads, 2 * 127 at most for a synapse.
        fewest = np.bincount(c.row, minlength=c.n_post)
        y = np.abs(third) * self.levels(c) / (254.0 * fewest[c.row] if rule.attention is not None else 1.0)
        p, made, y, e, w = (third * e)[1:], np.diff(self[f"{c.name}.w"], axis=0), y[1:], e[1:], self[f"{c.name}.w"]
        unit, low, high = self.unit(c)
        step = unit * self.network.learning[f"{c.name}.synapse"].engine.weights["mixed"].step
        after = w[:-1] + p
        # Two units from an end: rounding goes up or down by one step.
        inside = (after < high - 2 * unit) & (after > low + 2 * unit) & (np.abs(p) > 0) & (np.abs(p) < 200 * unit)
        inside &= (y > 2.0) & (y < 60.0)
        if inside.sum() < FEWEST:
            return None
        p, e, made = (np.where(inside, values, 0.0) for values in (p, e, made))
        share = np.abs(p) / step % 1.0  # the probability of one step more
        own = step**2 * float((p**2 * share * (1.0 - share)).sum())
        y_unit = (np.abs(p) / np.where(inside, y, 1.0)) * np.where(inside, 1.0, 0.0)  # what one level of y is worth
        shared = float(((np.abs(p) * y_unit).sum(axis=1) ** 2).sum()) / 12.0
        total = float((p**2).sum())
        return (
            float((p * made).sum()) / total,
            math.sqrt(own + shared) / total,
            self.cut(c) / 2 * np.abs(p).sum() / total,
        )


def compiled(data: dict[str, Any], draw: int) -> hl.Bundle | None:
    """The bundle of a random spec, or None where its learning does not fit the engine."""
    try:
        bundle, findings = attempt(parse(data), seed=draw, allow_lossy=True, plasticity="engine")
    except InputError as error:
        assert "gives no synapse at all" in str(error)  # a sparse topology of few synapses may draw none
        return None
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors and {finding.rule for finding in errors} <= {"third-factors", "max-delay"}:
        return None  # three rules for one population, once all of them learn; long frames times long delays
    assert bundle is not None and not errors, errors
    return bundle


def regress(data: dict[str, Any], draw: int) -> int:
    """Check all connections of a spec; returns how many updates' regressions there were."""
    for record in data["connections"].values():
        record.pop("probabilistic_gate", None)  # another expected update
        if record["type"] == "hmn":  # lively, and slow enough not to end at a bound
            record["learning"] = True
            record["rates"] = {
                "local": 0.02 if not record["modulators"] else 0.0,
                "global": record["rates"]["global"] / 5,
            }
        if isinstance(record.get("phase_gate", {}).get("phase"), dict):
            record["phase_gate"]["phase"] = 0.3  # one phase stands for several
    bundle = compiled(data, draw)
    if bundle is None:
        return 0
    rules = ("third-factor-lag", "coarse-third-factor", "lost-clipped")
    other = {finding.object.removesuffix(".rates") for finding in bundle.findings if finding.rule in rules}
    run, found = Run(bundle, random_inputs(bundle.network, STEPS, draw), STEPS), 0
    for c in bundle.model.connections.values():
        if f"{c.name}.synapse" not in run.network.learning or f"connections.{c.name}" in other:
            continue
        result = run.regression(c)
        if result is not None:
            slope, error, bias = result
            found += 1
            assert abs(slope - 1.0) <= 4.0 * error + bias + 0.05, f"{c.name}: slope {slope:.3f} +- {error:.3f}"
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

    @seed(4)
    @QUICK
    @given(data=engine_spec_dicts(), draw=st.integers(0, 2**31))
    def examples(data: dict[str, Any], draw: int) -> None:
        for record in data["connections"].values():
            record.pop("attention", None)
        found.append(regress(data, draw))

    examples()
    assert sum(found) >= 5


@pytest.mark.parametrize("dimensions", [1, 2])
def test_attention_shares_the_change_among_a_neurons_synapses(dimensions: int) -> None:
    found = []

    @seed(4)
    @QUICK
    @given(data=engine_spec_dicts(), draw=st.integers(0, 2**31))
    def examples(data: dict[str, Any], draw: int) -> None:
        found.append(regress(attended(data, dimensions), draw))

    examples()
    assert sum(found) >= 10


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


# ----------------------------------------------------------------------------------------------- exactly, at every step

HALF = 1.0 / math.log(2.0)
"""A time constant in steps that keeps one half; half of it keeps a quarter."""
REACH = 127.0 / 128.0
"""A third factor of which a level of y is 1/128."""
SIGNS = [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)]


def exact_spec(
    mode: str, *, graded: bool, slow: bool, weight: float, phase: float | None, local: float
) -> dict[str, Any]:
    """z is 0 or the top of its range, whatever the weights; the third factor is a multiple of 1/128."""
    top = 1.5 if graded else 1.0
    out: dict[str, Any] = {"type": "hmn", "size": 3, "activation": "relu", "z_max": top}
    if not graded:
        out = {"type": "hmn", "size": 3, "activation": "lif", "lif": {"du": 1.0, "dv": 1.0, "vth": 40.0}}
    traces = {"tau_fast": HALF / 2 if slow else HALF, "tau_slow": HALF if slow else None, "mode": mode}
    learned: dict[str, Any] = {
        "type": "hmn",
        "source": "x",
        "target": "out",
        "weights": 0.0,
        "bounds": [-1.0, 1.0],
        "delay": 1,
        "traces": traces,
        "rates": {"local": local, "global": 1.0},
    }
    if phase is not None:
        learned["phase_gate"] = {"oscillator": "theta", "phase": phase}
    return {
        "hmn_lava": 1,
        "name": "exact",
        "populations": {
            "x": {"type": "input", "size": 4, "signal": "spike"},
            "drive": {"type": "input", "size": 3, "signal": "graded", "range": [-1, 1]},
            "teach": {"type": "input", "size": 1, "signal": "graded", "range": [local - REACH, REACH - local]},
            "out": out,
        },
        "connections": {
            "force": {
                "type": "static",
                "source": "drive",
                "target": "out",
                "weights": (100.0 * np.eye(3)).tolist(),
            },
            "c": learned,
        },
        "modulators": {"teacher": {"type": "input", "source": "teach", "weight": weight}},
        "oscillators": {"theta": {"period": 2.0, "phase": 0.0}},
    }


def exactly(data: dict[str, Any], teach: np.ndarray, steps: int, alive: np.ndarray, spikes: np.ndarray) -> np.ndarray:
    """Run both, compare ψ and w at every step; returns the weights (steps, synapses)."""
    bundle, findings = attempt(parse(data), plasticity="engine")
    assert bundle is not None, findings
    assert not [f for f in findings if f.rule in ("trace-decay", "lost-clipped", "third-factor-lag", "loop-latency")]
    inputs = {"x": spikes, "drive": np.where(alive, 1.0, -1.0), "teach": teach[:, None]}
    padded = {name: np.concatenate([v, np.zeros((4, v.shape[1]))]) for name, v in inputs.items()}
    padded["drive"][steps:] = -1.0
    run = Run(bundle, padded, steps + 4)
    names = ["c.psi_fast", "c.w", "out.z"] + (["c.psi_slow"] if "c.psi_slow" in run.signals else [])
    expected = Reference(bundle.model).run(inputs, steps, names)
    for name in names:
        found, wanted = run[name][:steps], expected[name].reshape(steps, -1)
        if name == "c.w":  # where the bits end
            wanted = np.clip(wanted, -1.0, 127.0 / 128.0)
        assert np.abs(found - wanted).max() < 1e-12, name
    assert np.abs(np.diff(run["c.w"][:steps], axis=0)).sum(axis=0).all()
    return run["c.w"][:steps]


def pattern(mode: str, seed: int, gap: int = 3) -> tuple[np.ndarray, np.ndarray, int]:
    """When the neurons are active and what spikes arrive, such that halves of a tag stay whole.

    Replacing: at most ``gap`` steps from coincidence to coincidence. Accumulating: three steps in all.
    """
    rng = np.random.default_rng(seed)
    steps = 30 if mode == "replacing" else 6
    alive, spikes = rng.random((steps, 3)) < 0.8, rng.random((steps, 4)) < 0.6
    alive[1::gap], spikes[::gap] = True, True  # a delay of one step
    if mode == "accumulating":
        alive[:3] = False
    return alive, spikes.astype(float), steps


@pytest.mark.parametrize("phase", [None, 0.0, math.pi])
@pytest.mark.parametrize(("weight", "value"), SIGNS)
@pytest.mark.parametrize("mode", ["replacing", "accumulating"])
def test_whole_numbers_are_exact(mode: str, weight: float, value: float, phase: float | None) -> None:
    """The sign of the update is that of modulator weight times modulator; the gate is 0 or 1."""
    graded = mode == "replacing"  # 1.5, the half of which is not lost; 1 in a tag is one level short of 256
    data = exact_spec(mode, graded=graded, slow=False, weight=weight, phase=phase, local=0.0)
    alive, spikes, steps = pattern(mode, 5)
    w = exactly(data, np.full(steps, value * 16 / 128.0), steps, alive, spikes)
    assert (np.sign(w[-1]) == np.sign(weight * value)).all()


@pytest.mark.parametrize("mode", ["replacing", "accumulating"])
@pytest.mark.parametrize("slow", [False, True])
def test_whole_numbers_are_exact_where_signs_change(mode: str, slow: bool) -> None:
    data = exact_spec(mode, graded=mode == "replacing", slow=slow, weight=1.0, phase=None, local=0.0)
    alive, spikes, steps = pattern(mode, 6, 2 if slow else 3)
    size = 8 if slow and mode == "replacing" else 32
    # No weight comes to an end of its range, where the chip's is one level short.
    teach = size * np.tile([1, -1, 0, -1, 1], steps)[:steps] / 128.0
    exactly(data, teach, steps, alive, spikes)


def test_the_local_rate_adds_to_the_modulators() -> None:
    data = exact_spec("replacing", graded=True, slow=False, weight=1.0, phase=None, local=0.25)
    alive, spikes, steps = pattern("replacing", 7)
    teach = np.tile([-48, -16, -32, -16, -48], steps)[:steps] / 128.0
    exactly(data, teach, steps, alive, spikes)


# --------------------------------------------------------------------------------------------------------------- gates


def lowered(data: dict[str, Any]) -> tuple[hl.Bundle, Third]:
    """The bundle of a spec with one plastic connection, and how the engine holds it."""
    bundle, findings = attempt(parse(data), plasticity="engine", allow_lossy=True)
    assert bundle is not None, findings
    profile = load_profile("loihi2")
    made = lower_engine(bundle.model, profile, target_limits(profile, "engine"), None).engine
    assert made is not None
    (third,) = made.thirds
    return bundle, third


def gated(on_engine: str, n_post: int, n_pre: int, beta: float, threshold: float, tau: float = 3.0) -> dict[str, Any]:
    """A connection with a gate, onto neurons that all spike when the host drives them."""
    return {
        "hmn_lava": 1,
        "name": "gated",
        "populations": {
            "x": {"type": "input", "size": n_pre, "signal": "spike"},
            "drive": {"type": "input", "size": 1, "signal": "spike"},
            "teach": {"type": "input", "size": 1, "signal": "graded", "range": [-REACH, REACH]},
            "out": {
                "type": "hmn",
                "size": n_post,
                "activation": "lif",
                "lif": {"du": 1.0, "dv": 1.0, "vth": 40.0},
            },
        },
        "connections": {
            "force": {"type": "static", "source": "drive", "target": "out", "weights": 100.0},
            "c": {
                "type": "hmn",
                "source": "x",
                "target": "out",
                "weights": 0.0,
                "bounds": [-1.0, 1.0],
                "traces": {"tau_fast": tau, "tau_slow": None},
                "rates": {"local": 0.0, "global": 1.0},
                "probabilistic_gate": {"beta": beta, "threshold": threshold, "on_engine": on_engine},
            },
        },
        "modulators": {"teacher": {"type": "input", "source": "teach"}},
    }


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("beta", "threshold"), [(8.0, 0.3), (3.0, 0.1)])
def test_a_neurons_gate_opens_for_all_of_its_synapses_or_none(beta: float, threshold: float, sign: int) -> None:
    """With σ(β (|Δw| - θ)) of the most eligible synapse: e decays from 1 while nothing coincides."""
    n_post, tau, steps = 400, 3.0, 16
    drive, spikes = np.zeros((steps, 1)), np.zeros((steps, 3))
    drive[2], spikes[2, :2] = 1.0, 1.0  # the third synapse is not eligible
    teach = sign * np.where(np.arange(steps) % 2, 64, 32)[:, None] / 128.0 / 4.0
    inputs = {"x": spikes, "drive": drive, "teach": teach}
    opened, wanted = [], []
    for draw in range(3):
        again, _ = attempt(parse(gated("neuron", n_post, 3, beta, threshold, tau)), seed=draw, plasticity="engine")
        assert again is not None
        run = Run(again, inputs, steps)
        made = np.diff(run["c.w"], axis=0).reshape(-1, n_post, 3)
        e, v = np.exp(-np.arange(run.steps - 2) / tau), teach[2 : run.steps, 0]
        assert not made[:1].any() and not made[:, :, 2].any()
        made = made[1:]
        opened.append((made[:, :, 0] != 0) | (made[:, :, 1] != 0))
        size = np.abs(made[:, :, :2])
        assert (np.sign(made[:, :, :2]) * sign >= 0).all()
        wanted.append(eq.gate_probability(v * e, beta, threshold))
        # Where it opens, both synapses change, but for the rounding: the mean is v e.
        psi = run["c.psi_fast"].reshape(-1, n_post, 3)[2:, :, :2]
        exact = (np.abs(v)[:, None, None] * psi)[opened[-1]]
        if draw == 0:
            clear = exact.min(axis=1) >= 2.0 / 128.0  # at least a step, so that rounding cannot hide it
            assert (size[opened[-1]][clear] > 0).all()
    frequency = np.mean(opened, axis=(0, 2))
    p = np.mean(wanted, axis=0)
    early = np.abs(v) * e >= 2.0 / 128.0
    n = n_post * 3
    assert early.sum() >= 4
    assert (np.abs(frequency - p)[early] < 4 * np.sqrt(p * (1 - p) / n)[early] + 2**-6).all()


@pytest.mark.parametrize(("beta", "threshold"), [(8.0, 0.3), (30.0, 0.2)])
def test_a_staircase_is_the_mean_update(beta: float, threshold: float) -> None:
    """Δw = v Σ_l h_l (sgn(ψ - θ_l) + sgn(ψ + θ_l)) in the mean, at every ψ that a decaying tag passes."""
    n_post, steps = 60, 60
    data = gated("staircase", n_post, 8, beta, threshold, 6.0)
    bundle, third = lowered(data)
    made_of = third.rule.steps
    assert made_of is not None
    rng = np.random.default_rng(1)
    drive, spikes = np.ones((steps, 1)), (rng.random((steps, 8)) < 0.15).astype(float)
    level = third.rule.supplied.unit * (1 << third.rule.supplied.step)
    teach = level * rng.integers(1, math.floor(REACH / level) + 1, (steps, 1))
    alternate = np.where(np.arange(steps)[:, None] % 2, 1.0, -1.0)
    run = Run(bundle, {"x": spikes, "drive": drive, "teach": teach * alternate}, steps)
    unit = bundle.network.signals["c.psi_fast"].format.unit
    psi = run["c.psi_fast"] / unit
    steps_of = made_of(psi.ravel()).reshape(psi.shape)
    p = (run["c.G"] * steps_of * unit)[1:]
    w = run["c.w"]
    made = np.diff(w, axis=0)
    # The accumulator saturates after each product: near the ends of the range two that cancel do so no more.
    inside = np.abs(w[:-1]) + sum(made_of.heights) * unit * np.abs(run["c.G"])[1:] < 0.97
    # Exactly at a level one of the two signs is 0; elsewhere the two cancel below it.
    assert not made[inside & (psi[1:] < min(made_of.levels))].any()
    at = np.isin(psi[1:], made_of.levels)
    keep = inside & ~at & (np.abs(p) > 0)
    assert keep.sum() > 500
    step = 2.0 / 256.0
    share = np.abs(p) / step % 1.0
    error = step * math.sqrt(float((p**2 * share * (1 - share))[keep].sum())) / float((p[keep] ** 2).sum())
    slope = float((p * made)[keep].sum() / (p[keep] ** 2).sum())
    assert abs(slope - 1.0) <= 4 * error + 0.05
    for low, high in zip(made_of.levels, (*made_of.levels[1:], 256), strict=True):  # each step of the stairs by itself
        part = keep & (psi[1:] > low) & (psi[1:] < high)
        if part.sum() > 100:
            error = step * math.sqrt(float((p**2 * share * (1 - share))[part].sum())) / float((p[part] ** 2).sum())
            slope = float((p * made)[part].sum() / (p[part] ** 2).sum())
            assert abs(slope - 1.0) <= 4 * error + 0.05, (low, high)
