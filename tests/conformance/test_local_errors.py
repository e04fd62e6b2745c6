"""Every deterministic signal of a compiled network stays within its stated bound of the model's equation."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, reject, seed, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from specs import engine_spec_dicts, parse, spec_dicts
from teacher_forced import TeacherForced

import hmn_lava as hl
from hmn_lava.compiler import attempt
from hmn_lava.errors import InputError
from hmn_lava.simulator.fast import Fast
from hmn_lava.spec import resolve

STEPS = 60
CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
# Without shrinking, which takes minutes here: a failing example is printed as it is, and it is small.
QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=CHECKS, derandomize=True, phases=[Phase.generate]
)
MANY = settings(max_examples=100, deadline=None, suppress_health_check=CHECKS, database=None, phases=[Phase.generate])

OBSERVED: dict[str, list[float]] = {}
"""By symbol, the largest error over the bound in each network: how tight the bounds are (see ``tightness``)."""


def _family(name: str) -> str:
    """The symbol of a signal; a modulator's E by the modulator, for each has its own way."""
    symbol = name.split(".")[1]
    return name if symbol == "E" else symbol.split("_")[0]


def real_inputs(model: Any, steps: int, draw: int) -> dict[str, np.ndarray]:
    """Input anywhere in its range, not on the integer grid, silent at some steps; some of it is held for a while."""
    rng = np.random.default_rng(draw)
    inputs = {}
    for name, p in model.populations.items():
        if p.type == "input":
            x = rng.uniform(p.low, p.high, (steps, p.size))
            x = np.rint(x) if p.signal == "spike" else x
            silent = rng.random((steps, p.size)) < 0.5
            x = np.where(silent & (p.low <= 0 <= p.high), 0.0, x)
            inputs[name] = np.repeat(x, int(rng.choice([1, 1, 20])), axis=0)[:steps]
    return inputs


def check(data: dict[str, Any], draw: int, plasticity: str = "neurocore") -> None:
    spec = parse(data)
    try:
        bundle, findings = attempt(spec, seed=draw, allow_lossy=True, plasticity=plasticity)
    except InputError as error:
        assert "gives no synapse at all" in str(error)  # a sparse topology of few synapses may draw none
        reject()
    if plasticity == "engine" and {f.rule for f in findings if f.severity == "error"} == {"max-delay"}:
        reject()  # long frames times long delays
    assert bundle is not None, [finding for finding in findings if finding.severity == "error"]
    model, network = resolve(spec, draw), bundle.network
    inputs = real_inputs(model, STEPS, draw)
    forced = TeacherForced(model, network, Fast(network).run(inputs, STEPS, list(network.signals)), inputs)
    errors = forced.errors()
    for name, signal in network.signals.items():
        assert (signal.bound is not None) == (name in errors), name
        if signal.bound is not None:
            largest = float(errors[name].max(initial=0.0))
            # The equations themselves round, in float64.
            assert largest <= signal.bound + 1e-12 * (1.0 + np.abs(forced.real[name]).max(initial=0.0)), (
                f"{name}: {largest:.3g} > {signal.bound:.3g}"
            )
            if signal.bound > 0:
                OBSERVED.setdefault(_family(name), []).append(largest / signal.bound)
    for p in model.populations.values():
        if p.activation == "lif":
            forced.check_lif(p)
        if p.competition == "sample":
            forced.check_random_choice(p)


def tightness() -> dict[str, tuple[float, float]]:
    """By symbol, the largest and the median of observed over bound, over all networks that were checked."""
    return {symbol: (max(ratios), float(np.median(ratios))) for symbol, ratios in OBSERVED.items()}


@QUICK
@given(data=spec_dicts(), draw=st.integers(0, 2**31))
def test_random_specs_stay_within_their_bounds(data: dict[str, Any], draw: int) -> None:
    check(data, draw)


@settings(QUICK, max_examples=25)
@given(data=engine_spec_dicts(), draw=st.integers(0, 2**31))
def test_random_specs_in_the_learning_engine_stay_within_their_bounds(data: dict[str, Any], draw: int) -> None:
    """All but weights and tags, which are rounded stochastically."""
    check(data, draw, "engine")


@pytest.mark.heavy
@pytest.mark.parametrize("third", range(3))
def test_three_hundred_random_specs(third: int) -> None:
    @seed(third)
    @MANY
    @given(data=spec_dicts(), draw=st.integers(0, 2**31))
    def examples(data: dict[str, Any], draw: int) -> None:
        check(data, draw)

    examples()


@pytest.mark.heavy
def test_a_hundred_random_specs_in_the_learning_engine() -> None:
    @seed(0)
    @MANY
    @given(data=engine_spec_dicts(), draw=st.integers(0, 2**31))
    def examples(data: dict[str, Any], draw: int) -> None:
        check(data, draw, "engine")

    examples()


def _two_by_two() -> dict[str, Any]:
    """Two inputs, two neurons, every deterministic part of the rule, and numbers that can be followed by hand."""
    return {
        "hmn_lava": 1,
        "name": "two",
        "populations": {
            "x": {"type": "input", "size": 2, "signal": "graded", "range": [0, 1]},
            "teach": {"type": "input", "size": 1, "signal": "graded", "range": [-1, 1]},
            "other": {"type": "input", "size": 1, "signal": "graded", "range": [-1, 1]},
            "where": {"type": "input", "size": 1, "signal": "graded", "range": [-1, 1]},
            "out": {"type": "hmn", "size": 2, "activation": "relu", "bias": 0.125, "z_max": 1.0},
        },
        "connections": {
            "c": {
                "type": "hmn", "source": "x", "target": "out",
                "bounds": [-1, 1], "weights": [[0.5, -0.25], [0.25, 0.75]],
                # exp(-1/tau) = 1/2
                "traces": {"tau_fast": 1.0 / np.log(2.0), "tau_slow": None}, "rates": {"local": 0.25, "global": 0.5},
                "modulators": ["teacher", "second"],
                "attention": {"beta": np.log(2.0), "dimensions": 1, "context_rate": 1.0},
                "phase_gate": {"oscillator": "theta", "phase": 0.0},
            }
        },
        "modulators": {
            "teacher": {"type": "input", "source": "teach", "weight": 2.0, "key": [1.0]},
            "second": {"type": "input", "source": "other", "weight": 1.0, "key": [-1.0]},
        },
        "global_attention": {"beta": np.log(2.0), "dimensions": 1, "rate": 1.0, "context": "where"},
        "oscillators": {"theta": {"period": 6.0, "phase": 0.0}},
    }  # fmt: skip


def test_two_steps_by_hand() -> None:
    bundle = hl.compile(parse(_two_by_two()))
    network = bundle.network
    inputs = {
        "x": np.array([[1.0, 0.0], [0.0, 1.0]]),
        "teach": np.array([[0.5], [-0.25]]),
        "other": np.array([[0.5], [0.0]]),
        "where": np.array([[0.5], [0.5]]),
    }
    steps = 2 + max(signal.offset for signal in network.signals.values())
    inputs = {name: np.concatenate([values, np.zeros((steps - 2, values.shape[1]))]) for name, values in inputs.items()}
    result = Fast(network).run(inputs, steps, list(network.signals))
    assert network.weight_lag["c"] >= 1  # so both steps use the initial weights in the activation
    third, twelfth = 1.0 / 3.0, 1.0 / 12.0
    by_hand: dict[str, list[Any]] = {
        # a = w x + 1/8: x = (1, 0) takes the first column of w, x = (0, 1) the second; z = relu(a)
        "out.a": [[0.625, 0.375], [-0.125, 0.875]],
        "out.z": [[0.625, 0.375], [0.0, 0.875]],
        # psi = x z at a coincidence, else half of what it was; z_0 = 0 at the second step: only synapse (1, 1) has one
        "c.psi_fast": [[[0.625, 0.0], [0.375, 0.0]], [[0.3125, 0.0], [0.1875, 0.875]]],
        # c = z; an active input agrees with c > 0 (g = 1), a silent one does not (g = 0): shares e^ln2 : e^0 = 2 : 1,
        # and 1 : 1 for neuron 0 at the second step, where c_0 = 0
        "c.alpha": [[[2 * third, third], [2 * third, third]], [[0.5, 0.5], [third, 2 * third]]],
        # t = 0: E = (1/2, 1/2), keys (1, -1), C > 0: g = (1, -1), shares 2 : 1/2, G' = 4/5 * 2 * 1/2 + 1/5 * 1 * 1/2
        # t = 1: E = (-1/4, 0): g = (-1, 0), shares 1/2 : 1, G' = 1/3 * 2 * (-1/4)
        "c.G": [[0.9], [-third / 2]],
        # cos(2 pi t / 6)
        "c.gate": [[1.0], [0.5]],
        # dw = (1/4 + G'/2) gate alpha psi: 0.7 alpha psi, then (1/4 - 1/12) / 2 = 1/12 of alpha psi
        "c.dw": [
            [[0.7 * 2 * third * 0.625, 0.0], [0.7 * 2 * third * 0.375, 0.0]],
            [[twelfth * 0.5 * 0.3125, 0.0], [twelfth * third * 0.1875, twelfth * 2 * third * 0.875]],
        ],
    }
    w = np.array([[0.5, -0.25], [0.25, 0.75]])
    by_hand["c.w"] = list(w + np.cumsum(by_hand["c.dw"], axis=0))
    # Nothing is fed back here: what a signal is computed from adds its own error, with factors of at most 1.
    before = {
        "out.z": ["out.a"],
        "c.psi_fast": ["out.a", "out.z"],
        "c.dw": ["out.a", "out.z", "c.psi_fast", "c.alpha", "c.G", "c.gate"],
    }
    before["c.w"] = 2 * [*before["c.dw"], "c.dw"]
    for name, values in by_hand.items():
        signal = network.signals[name]
        allowed = sum(float(network.signals[n].bound or 0.0) for n in [name, *before.get(name, [])])
        assert allowed < 1e-3
        assert np.abs(result.real(name)[signal.offset : signal.offset + 2] - np.array(values)).max() <= allowed, name


def test_bounds_are_saved(tmp_path: Path) -> None:
    bundle = hl.compile(parse(_two_by_two()))
    loaded = hl.load(bundle.save(tmp_path / "bundle"))
    bounds = {name: signal.bound for name, signal in bundle.network.signals.items()}
    assert bounds["c.dw"] is not None
    assert {name: signal.bound for name, signal in loaded.network.signals.items()} == bounds


@pytest.mark.parametrize("draw", range(8))
def test_the_sign_of_a_modulator_is_the_sign_of_what_is_learnt(draw: int) -> None:
    """With no local rate and all gates deterministic, an update turns around with the weight of its only modulator."""
    moved = {}
    for sign in (1.0, -1.0):
        data = _two_by_two()
        del data["global_attention"]
        data["modulators"] = {"teacher": {"type": "input", "source": "teach", "weight": 0.7 * sign}}
        data["connections"]["c"] |= {"modulators": ["teacher"], "rates": {"local": 0.0, "global": 0.5}}
        data["oscillators"]["theta"]["phase"] = 0.1 * draw
        network = hl.compile(parse(data), allow_lossy=True).network
        rng = np.random.default_rng(draw)
        inputs = {"x": rng.random((20, 2)), "teach": np.zeros((20, 1))}
        inputs["teach"][6] = 0.8  # once: what is learnt must not have acted on the activity before
        result = Fast(network).run(inputs, 20, ["c.dw", "c.w"])
        moved[sign] = result.real("c.dw"), np.ptp(result.real("c.w"), axis=0)
    bound = network.signals["c.dw"].bound
    third = network.signals["c.G"].bound  # at most 2 e η of it enters dw
    assert bound is not None and third is not None
    assert np.abs(moved[1.0][0]).max() > 100 * (bound + third) and (moved[1.0][0] >= 0).all()
    assert np.abs(moved[1.0][0] + moved[-1.0][0]).max() <= 2 * (bound + third)
    assert (moved[1.0][1] > 0).any()
