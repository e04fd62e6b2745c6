"""ProbabilisticGate: how often it opens, over steps and seeds; in Lava's runtime and without it."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from components_child import results_in_lava
from lava_child import needs_lava

from hmn_lava.errors import InputError
from hmn_lava.fixed import Fixed
from hmn_lava.parts.probabilistic_gate import probabilistic_gate_part
from hmn_lava.reference import equations as eq
from hmn_lava.simulator.part import PartExecutor


def run(part: Any, equations: Any, dw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What passes, in real numbers, of ``dw`` (steps, n), a step later."""
    executor, format = PartExecutor(part), part.group.program.variable("passed").format
    integer, real = [], []
    for row in format.quantise(dw):
        executor.step_once(lambda _, row=row: row, lambda _, a: integer.append(format.real(a)))
        equations.step_once(lambda _, row=row: format.real(row), lambda _, a: real.append(a.copy()))
    return np.array(integer), np.array(real)


@pytest.mark.parametrize(("beta", "threshold"), [(0.0, 0.0), (3.0, 0.5), (40.0, 0.2), (-0.0, 0.7), (2000.0, 0.4)])
def test_it_opens_as_often_as_the_equation_says(beta, threshold):
    """4.9 standard errors of 128 levels at once: a failure by chance has a probability below 1e-4."""
    levels, copies, steps = 128, 32, 21
    dw = np.repeat(np.linspace(-1, 1, levels), copies)
    opened = np.zeros(dw.size)
    for seed in (1, 2, 3):
        integer, _ = run(*probabilistic_gate_part((dw.size,), beta=beta, threshold=threshold, seed=seed),
                         np.tile(dw, (steps, 1)))  # fmt: skip
        opened += (integer[1:] != 0).sum(axis=0)
    draws = 3 * (steps - 1) * copies
    rate = opened.reshape(levels, copies).sum(axis=1) / draws
    p = eq.gate_probability(np.linspace(-1, 1, levels), beta, threshold)
    assert np.all(np.abs(rate - p) <= 4.9 * np.sqrt(p * (1 - p) / draws) + 2e-3)


def test_what_passes_is_dw_and_integers_let_through_what_reals_do():
    rng = np.random.default_rng(0)
    dw = rng.normal(size=(30, 2000)) * 0.3
    beta, threshold = 12.0, 0.3
    part, equations = probabilistic_gate_part((2000,), beta=beta, threshold=threshold, seed=5)
    integer, real = run(part, equations, dw)
    assert np.all(integer[0] == 0)  # nothing has arrived yet
    sent = part.group.program.variable("passed").format
    given = np.clip(sent.real(sent.quantise(dw)), -1, 1)[:-1]
    passed = integer[1:] != 0
    assert np.array_equal(integer[1:][passed], given[passed])
    assert 0.2 < passed.mean() < 0.8
    # A draw that falls between two probabilities: as often as they differ.
    bound = 2e-5 + beta * 2.0**-19 * (threshold + 1)
    assert np.mean(integer != real) <= bound + 4 * math.sqrt(bound / integer.size)


def test_the_sign_of_every_factor():
    """More passes with a larger update of either sign, and less with a higher threshold; the slope turns at it."""

    def rate(dw: float, beta: float, threshold: float) -> float:
        part, equations = probabilistic_gate_part((3000,), beta=beta, threshold=threshold)
        return float((run(part, equations, np.full((3, 3000), dw))[0][1:] != 0).mean())

    middle = rate(0.5, 5.0, 0.4)
    assert rate(0.8, 5.0, 0.4) > middle + 0.1 > middle > rate(0.2, 5.0, 0.4) + 0.1
    assert abs(rate(-0.5, 5.0, 0.4) - middle) < 0.05
    assert rate(0.5, 5.0, 0.7) < middle - 0.1
    assert rate(0.5, 20.0, 0.4) > middle + 0.1 and rate(0.3, 20.0, 0.4) < rate(0.3, 5.0, 0.4) - 0.1


def test_seed_and_name_give_the_draws():
    dw = np.full((10, 200), 0.4)

    def passed(**keywords: Any) -> bytes:
        return run(*probabilistic_gate_part((200,), beta=1.0, threshold=0.4, **keywords), dw)[0].tobytes()

    assert passed(seed=1) == passed(seed=1)
    assert len({passed(seed=1), passed(seed=2), passed(seed=1, name="other")}) == 3


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"beta": -1.0}, "beta"), ({"threshold": math.nan}, "threshold"), ({"seed": -1}, "seed"),
     ({"dw_range": (0.0, 0.0)}, "dw_range"), ({"shape": (0,)}, "shape")],
)  # fmt: skip
def test_wrong_arguments_are_named(wrong, field):
    with pytest.raises(InputError) as raised:
        probabilistic_gate_part(**{"shape": (2,), "beta": 1.0, "threshold": 0.1, **wrong})
    assert raised.value.field == field and raised.value.remedy


@needs_lava
def test_lavas_runtime_runs_both():
    given = {"shape": (50,), "beta": 10.0, "threshold": 0.3, "seed": 4, "dw_range": Fixed(20, True, 18)}
    format = Fixed(20, True, 18)
    dw = np.random.default_rng(3).normal(size=(12, 50)) * 0.4
    expected = run(*probabilistic_gate_part(**given), dw)
    common = {"function": "component", "module": "gate", "process": "ProbabilisticGate", "keywords": given}
    common |= {"outputs": ["dw_out"], "variables": [], "steps": 12}
    integers = format.quantise(dw)
    jobs = [
        {**common, "tag": "fixed_pt", "inputs": {"dw_in": integers}},
        {**common, "tag": "floating_pt", "inputs": {"dw_in": format.real(integers)}},
    ]
    fixed, real = results_in_lava(jobs)
    np.testing.assert_array_equal(format.real(fixed["dw_out"]), expected[0])
    np.testing.assert_array_equal(real["dw_out"], expected[1])
    assert fixed["dw_out.format"] == "s20.18"
