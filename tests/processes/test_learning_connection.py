"""HMNLearningConnection is LearningDense: all Vars and the current, at every step, bit for bit; its real numbers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "learning"))

from cases import random_case, simulated
from components_child import LEARNING_VARS, results_in_lava
from lava_child import needs_lava

from hmn_lava.errors import InputError
from hmn_lava.learning import LearningRule, simulate
from hmn_lava.partition import Part
from hmn_lava.parts.learning_connection import learning_connection_part
from hmn_lava.simulator.part import PartExecutor

STDP = {"dw": "2^-2*x1*y0 - 2^-2*y1*x0", "x1_impulse": 64, "x1_tau": 20, "y1_impulse": 64, "y1_tau": 20, "rng_seed": 3}


def keywords_of(case: dict[str, Any]) -> dict[str, Any]:
    """The arguments of the component for a case of ``cases.py``."""
    return {
        **{name: case[name] for name in ("weights", "tag_1", "tag_2", "sign_mode", "graded_spike_cfg")},
        "learning_rule": {"factors": case["factors"], **case["rule"]},
        "num_message_bits": case["message_bits"],
    }


def run(part: Any, case: dict[str, Any]) -> dict[str, np.ndarray]:
    """The history of a part, or of its equations, and what it sends."""
    executor = PartExecutor(part) if isinstance(part, Part) else part
    kept: dict[str, list[np.ndarray]] = {}
    for t in range(len(case["pre"])):
        arriving = {"s_in": case["pre"][t], "s_in_bap": case["post"][t]}
        arriving |= {f"s_in_y{k + 1}": case["y_traces"][t, k] for k in range(3)}

        def send(port: str, values: np.ndarray) -> None:
            kept.setdefault(port, []).append(np.array(values))

        executor.step_once(arriving.__getitem__, send)
        states = executor.own if isinstance(executor, PartExecutor) else executor.states
        for name, values in states.items():
            kept.setdefault(name, []).append(values.copy())
    return {name: np.array(values) for name, values in kept.items()}


def differing(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray], tolerance: float = 0.0) -> list[str]:
    found = []
    for name in (*LEARNING_VARS, "a_out"):
        a, b = (np.asarray(h[name], np.float64).reshape(len(h[name]), -1) for h in (ours, theirs))
        if a.shape != b.shape or not np.all(np.abs(a - b) <= tolerance):
            found.append(name)
    return found


@needs_lava
def test_random_rules_equal_lavas_model_in_all_vars_and_currents():
    cases = [random_case(seed, sparse=False, steps=32) for seed in range(3000, 3060)]
    theirs = results_in_lava([{"function": "direct", "case": case} for case in cases])
    different = {}
    for n, (case, lava) in enumerate(zip(cases, theirs, strict=True)):
        part, _ = learning_connection_part(**keywords_of(case), rounding="lava")
        if found := differing(run(part, case), lava):
            different[n] = found
    assert different == {}


def chosen(steps: int = 12) -> list[dict[str, Any]]:
    """Two and three factors, spikes and graded ones."""
    cases = (random_case(seed, sparse=False, steps=steps) for seed in range(4000, 4200))
    wanted = {(factors, graded) for factors in (2, 3) for graded in (0, 2)}
    found = []
    for case in cases:
        kind = (case["factors"], case["graded_spike_cfg"])
        if kind in wanted and (case["message_bits"] > 0) == (kind[1] > 0) and "dw" in case["rule"]:
            wanted.remove(kind)
            found.append(case)
    assert not wanted
    return found


@needs_lava
def test_networks_in_lavas_runtime_cannot_tell_them_apart():
    jobs = [{"function": "drop_in", "case": c, "tag": "fixed_pt", "recurrent": False} for c in chosen()]
    jobs[0]["weight_exp"], jobs[1]["weight_exp"] = 2, -3
    rng = np.random.default_rng(5)
    loop = {
        **random_case(1, sparse=False),
        "factors": 2, "graded_spike_cfg": 0, "message_bits": 0, "sign_mode": "mixed",
        "rule": {**STDP, "dt": "x1*y0 - 2^-3*u0*t", "t_epoch": 2},
        "weights": rng.integers(-60, 120, (5, 5)),
        "tag_1": np.zeros((5, 5), np.int64), "tag_2": np.zeros((5, 5), np.int64),
        "pre": np.zeros((24, 5), np.int64), "post": (rng.random((24, 5)) < 0.5).astype(np.int64),
    }  # fmt: skip
    jobs.append({"function": "drop_in", "case": loop, "tag": "fixed_pt", "recurrent": True})
    results = results_in_lava(jobs)
    for n, (theirs, ours) in enumerate(results):
        for name in (*LEARNING_VARS, "a_out", "v"):
            np.testing.assert_array_equal(ours[name], theirs[name], err_msg=f"{n}: {name}")
            assert ours[name].shape == theirs[name].shape
    theirs, ours = results[-1]
    assert theirs["y0"].any() and np.ptp(theirs["weights"], axis=0).max() > 20


def in_reals(case: dict[str, Any]) -> dict[str, Any]:
    """A case that means the same to Lava's float model: no product is scaled down, no variable reaches its end."""
    small = {"x1_impulse": 5.5, "x1_tau": 7.0, "x2_impulse": 3.0, "x2_tau": 30.0}
    if case["factors"] == 2:
        small |= {"y1_impulse": 4.0, "y1_tau": 9.0, "y2_impulse": 2.5, "y2_tau": 3.0, "y3_tau": 1.0}
    texts = {"dw": "2^-5*x1*y0 - 2^-6*x0*y1 + 2^-7*u1*t", "dt": "2^-4*x2*y0 - 2^-3*u1*t", "dd": "2^-4*y2*x0"}
    middle = {name: np.clip(case[name], 20, 90) for name in ("weights", "tag_1", "tag_2")}
    rule = {**texts, **small, "t_epoch": case["rule"]["t_epoch"], "rng_seed": 0}
    return {**case, **middle, "rule": rule, "sign_mode": "mixed", "y_traces": np.clip(case["y_traces"], 0, 9)}


@needs_lava
def test_real_numbers_are_those_of_lavas_float_model():
    # A time constant of 0 is left out: it is NaN in Lava's float model.
    cases = [in_reals(case) for case in chosen(14)]
    results = results_in_lava(
        [{"function": "drop_in", "case": case, "tag": "floating_pt", "recurrent": False} for case in cases]
    )
    for n, (theirs, ours) in enumerate(results):
        assert differing(ours, theirs, 1e-9) == [], n
        assert np.ptp(theirs["weights"], axis=0).max() > 0.1


@pytest.mark.parametrize("factors", [2, 3])
def test_integers_are_the_real_numbers_in_the_mean(factors):
    """Stochastic rounding is right in the mean, where no trace and no variable reaches its end."""
    rng = np.random.default_rng(2)
    shape, steps, seeds = (10, 8), 30, 20
    rule = {
        "dw": "2^-3*x1*y0 - 2^-3*y1*x0", "x1_impulse": 25, "x1_tau": 6,
        **({"y1_impulse": 20, "y1_tau": 8} if factors == 2 else {}),
    }  # fmt: skip
    case = {
        "pre": rng.random((steps, shape[1])) < 0.2,
        "post": rng.random((steps, shape[0])) < 0.2,
        "y_traces": rng.integers(0, 40, (steps, 3, shape[0])),
    }
    keywords = {"weights": np.full(shape, 20), "learning_rule": {"factors": factors, **rule}}
    _, equations = learning_connection_part(**keywords)
    real = run(equations, case)["weights"][-1].ravel()
    drawn = [run(learning_connection_part(**keywords, seed=s)[0], case)["weights"][-1].ravel() for s in range(seeds)]
    error = np.mean(drawn, axis=0) - real
    assert np.ptp(real) > 10
    assert abs(error.mean()) < 0.2
    assert np.all(np.abs(error) <= 0.5 + 4 * np.std(drawn, axis=0) / np.sqrt(seeds))


def test_with_rounding_per_synapse_it_is_simulate():
    for seed in range(5000, 5010):
        case = random_case(seed, sparse=False, steps=24)
        keywords = keywords_of(case)
        part, _ = learning_connection_part(**keywords, seed=seed, profile="loihi2")
        ours = run(part, case)
        history = simulated(case, rounding="per_synapse", seed=seed, profile="loihi2")
        for name in LEARNING_VARS[:-1]:
            expected = getattr(history, name)
            assert np.array_equal(ours[name].reshape(expected.shape), expected), name


def test_a_payload_meets_the_weights_before_they_learn_and_leaves_a_step_later():
    rule = {"dw": "8*u0"}
    part, equations = learning_connection_part(weights=[[10]], learning_rule=rule, num_message_bits=8, seed=0)
    case = {"pre": np.array([[2], [0], [3], [0]]), "post": np.zeros((4, 1)), "y_traces": np.zeros((4, 3, 1))}
    for form in (part, equations):
        assert run(form, case)["a_out"].ravel().tolist() == [0, 20, 0, 3 * 26]


def test_what_a_rule_adds_has_its_sign():
    case = {"pre": np.ones((8, 1)), "post": np.ones((8, 1)), "y_traces": np.full((8, 3, 1), 20)}
    for text, sign in (("2^-2*x1*y0", 1), ("-2^-2*x1*y0", -1), ("2^-3*x1*y2", 1), ("-2^-3*x1*y2", -1)):
        dependency = "*u0" if "y0" not in text else ""
        rule = LearningRule.three_factor(dw=text + dependency, x1_impulse=30, x1_tau=10)
        part, equations = learning_connection_part(weights=[[0]], learning_rule=rule)
        for form in (part, equations):
            assert np.sign(run(form, case)["weights"][-1].ravel()[0]) == sign


@pytest.mark.parametrize(
    ("keywords", "field"),
    [
        ({"weights": [[300]]}, "weights"),
        ({"weights": [[0.5]]}, "weights"),
        ({"weights": [1, 2]}, "weights"),
        ({"tag_1": [[1, 2]]}, "tag_1"),
        ({"sign_mode": "both"}, "sign_mode"),
        ({"rounding": "none"}, "rounding"),
        ({"graded_spike_cfg": 4}, "graded_spike_cfg"),
        ({"weight_exp": 0.5}, "weight_exp"),
        ({"num_weight_bits": 6}, "num_weight_bits"),
        ({"num_message_bits": 25}, "num_message_bits"),
        ({"seed": -1}, "seed"),
    ],
)
def test_wrong_arguments_are_named(keywords, field):
    given = {"weights": [[10]], "learning_rule": STDP}
    with pytest.raises(InputError) as raised:
        learning_connection_part(**{**given, **keywords})
    assert raised.value.field == field and raised.value.remedy


def test_simulate_is_what_a_user_would_run_to_check_it():
    """The example of the class, against the function for a rule alone."""
    rng = np.random.default_rng(0)
    pre, post = rng.random((40, 3)) < 0.3, rng.random((40, 2)) < 0.3
    part, _ = learning_connection_part(weights=np.full((2, 3), 40), learning_rule=STDP)
    ours = run(part, {"pre": pre, "post": post, "y_traces": np.zeros((40, 3, 2))})
    history = simulate(STDP, pre, post, np.full((2, 3), 40))
    assert np.array_equal(ours["weights"].reshape(40, 2, 3), history.weights)
