"""SPSA: it finds the minimum of a quadratic, in real numbers and in integers; each step within the stated error."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from components_child import results_in_lava
from lava_child import needs_lava

from hmn_lava.errors import InputError
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.verify import verify
from hmn_lava.parts.spsa import spsa_part
from hmn_lava.simulator.part import PartExecutor

BEST = np.array([0.3, 0.7])
GIVEN: dict[str, Any] = {
    "eta": [0.6, 0.2], "low": 0.0, "high": 1.0, "rate": 0.05, "period": 2, "epsilon0": 0.05, "loss_range": (0.0, 2.0),
}  # fmt: skip
Loss = Callable[[np.ndarray], float]


def quadratic(eta: np.ndarray) -> float:
    return float(((eta - BEST) ** 2).sum())


class Loop:
    """A part, or its equations, around a loss, in real numbers."""

    def __init__(self, part: Any, equations: Any, integer: bool, loss: Loss) -> None:
        self.executor = PartExecutor(part) if integer else equations
        program, zero = part.group.program, Fixed(24, True, 0)
        self.formats = {n: program.variable(n).format if integer else zero for n in ("tried", "eta", "loss")}
        self.integer, self.loss = integer, loss
        self.tried: list[np.ndarray] = []
        self.losses: list[float] = []

    def step(self) -> None:
        self.executor.step_once(self._receive, lambda _, a: self.tried.append(self._real("tried", a)))

    def _receive(self, port: str) -> np.ndarray:
        loss = np.array([self.loss(self.tried[-1])])
        sent = self.formats["loss"].quantise(loss) if self.integer else loss
        self.losses.append(float(self._real("loss", sent)[0]))
        return sent

    def _real(self, name: str, values: Any) -> np.ndarray:
        return self.formats[name].real(values) if self.integer else np.array(values, float)

    def state(self, name: str) -> np.ndarray:
        found = self.executor.own if self.integer else self.executor.states
        return self._real("eta", found[name]) if name == "eta" else np.array(found[name])


@pytest.mark.parametrize("integer", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_it_finds_the_minimum_of_a_quadratic(integer, seed):
    loop = Loop(*spsa_part(**GIVEN, seed=seed), integer, quadratic)
    for _ in range(4 * 150):
        loop.step()
    assert quadratic(np.array(GIVEN["eta"])) > 0.3
    np.testing.assert_allclose(loop.state("eta"), BEST, atol=0.01)


@pytest.mark.parametrize("integer", [True, False])
def test_a_noisy_loss_and_a_long_phase(integer):
    rng = np.random.default_rng(0)
    given = {**GIVEN, "period": 9, "rate": 0.02, "epsilon0": 0.1, "loss_range": (-1.0, 3.0)}
    loop = Loop(*spsa_part(**given), integer, lambda eta: quadratic(eta) + 0.02 * rng.normal())
    for _ in range(2 * 9 * 120):
        loop.step()
    np.testing.assert_allclose(loop.state("eta"), BEST, atol=0.06)


@pytest.mark.parametrize("integer", [True, False])
def test_which_step_means_what(integer):
    """Phases, what is sent in them, which losses count, and when the constants move."""
    given = {**GIVEN, "period": 5, "settle": 2}
    loop = Loop(*spsa_part(**given), integer, quadratic)
    eta = [loop.state("eta")]
    for _ in range(20):
        loop.step()
        eta.append(loop.state("eta"))
    unit = loop.formats["eta"].unit if integer else 1e-12
    for m in (1, 2):
        first = 10 * (m - 1)
        for t in range(first, first + 10):
            assert np.array_equal(eta[t], eta[first])  # it moves at the end of step 9 of the meta-step
        width = 0.05 / math.sqrt(m)
        plus, minus = loop.tried[first], loop.tried[first + 5]
        for t in range(first, first + 10):
            assert np.array_equal(loop.tried[t], plus if t < first + 5 else minus)
        np.testing.assert_allclose(np.abs(plus - eta[first]), width, atol=2 * unit)
        np.testing.assert_allclose(plus + minus, 2 * eta[first], atol=2 * unit)
        # Step t reads the loss of step t - 1.
        means = [np.mean([loop.losses[t - 1] for t in range(first + s + 2, first + s + 5)]) for s in (0, 5)]
        step = given["rate"] * (means[0] - means[1]) / (plus - minus)
        np.testing.assert_allclose(eta[first + 10], eta[first] - step, atol=1e-5 if integer else 1e-12)
    assert loop.state("meta_step").tolist() == [3, 3] and loop.state("place").tolist() == [0, 0]


@pytest.mark.parametrize(
    "changed",
    [{}, {"rate": 3.0}, {"rate": 1e-4}, {"low": [-1.0, 0.0], "high": [1.0, 0.4], "epsilon0": [0.2, 0.02]},
     {"period": 18, "settle": 3}],
)  # fmt: skip
def test_a_step_is_within_the_stated_error(changed):
    """From the integers that the program itself holds, with a loss that jumps about."""
    rng = np.random.default_rng(1)
    given = {**GIVEN, **changed}
    part, equations = spsa_part(**given)
    loop = Loop(part, equations, True, lambda eta: float(rng.uniform(0.0, 2.0)))
    low, high = np.broadcast_to(given["low"], 2), np.broadcast_to(given["high"], 2)
    epsilon0, rate = np.broadcast_to(given["epsilon0"], 2), given["rate"]
    span, unit = high.max() - low.min(), loop.formats["eta"].unit
    period, losses = given["period"], given["period"] - given.get("settle", 1)
    moved = 0
    for m in range(1, 21):
        before = loop.state("eta")
        for t in range(2 * period):
            if t == 2 * period - 1:
                held = loop.executor.own["difference"] * loop.formats["loss"].unit
            loop.step()
        # The loss that the last step reads was sent in the step before.
        difference = (held - loop.losses[-2]) / losses
        plus, minus = loop.tried[-2 * period], loop.tried[-1]
        step = rate * difference / (plus - minus)
        expected = np.clip(before - step, low, high)
        epsilon = epsilon0 / math.sqrt(m)
        spread = epsilon0.max() / epsilon0.min()
        reach = np.minimum(np.abs(step), span)
        bound = 2.0**-14 * spread * reach + 2.0**-21 * np.maximum(span * epsilon0.max(), rate * 2) / epsilon + 2 * unit
        # Parameters have 18 bits.
        bound += 2.0**-17 * reach
        error = np.abs(loop.state("eta") - expected)
        assert np.all(error <= bound), (m, error / bound)
        assert np.all((loop.state("eta") >= low - unit) & (loop.state("eta") <= high + unit))
        moved += int(np.any(loop.state("eta") != before))
    assert moved > 10


def test_signs_are_those_of_the_reference_and_fair():
    loops = [Loop(*spsa_part(**{**GIVEN, "rate": 1e-6}, seed=7), integer, quadratic) for integer in (True, False)]
    signs = []
    for loop in loops:
        for _ in range(4 * 200):
            loop.step()
        signs.append(np.array([np.sign(t - GIVEN["eta"]) for t in loop.tried[::4]]))
    assert np.array_equal(signs[0], signs[1])
    assert np.all(np.abs(signs[0].mean(axis=0)) < 4 / math.sqrt(200))
    assert abs((signs[0][:, 0] * signs[0][:, 1]).mean()) < 4 / math.sqrt(200)


def test_the_sign_of_every_factor():
    """Down the slope: a loss that grows with a constant lets it fall, and a larger rate faster."""

    def drift(slope: float, rate: float) -> float:
        given = {**GIVEN, "eta": [0.5], "rate": rate, "loss_range": (-2.0, 2.0)}
        found = []
        for integer in (True, False):
            loop = Loop(*spsa_part(**given), integer, lambda eta: slope * (float(eta[0]) - 0.5))
            for _ in range(4 * 5):
                loop.step()
            found.append(float(loop.state("eta")[0]) - 0.5)
        assert found[0] == pytest.approx(found[1], abs=1e-3)
        return found[0]

    assert drift(1.0, 0.02) == pytest.approx(-0.1, abs=1e-3)  # five steps of rate times slope
    assert drift(-1.0, 0.02) == pytest.approx(0.1, abs=1e-3)
    assert drift(1.0, 0.04) == pytest.approx(-0.2, abs=1e-3)


@pytest.mark.parametrize("integer", [True, False])
def test_a_loss_beyond_its_range_saturates(integer):
    loops = [Loop(*spsa_part(**GIVEN), integer, loss) for loss in (lambda eta: 2.0, lambda eta: 50.0)]
    for loop in loops:
        for _ in range(8):
            loop.step()
    # 2.0 is one unit beyond what the integers hold; both end there.
    assert np.array_equal(loops[0].state("eta"), loops[1].state("eta"))


def test_the_program_is_well_formed_and_no_constant_is_too_small():
    part, _ = spsa_part(**GIVEN)
    verify(part.group.program)
    with pytest.raises(InputError, match="of another size"):
        spsa_part(**{**GIVEN, "eta": [0.6, 1e-7], "epsilon0": None})


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"eta": []}, "eta"),
        ({"eta": [2.0, 0.5]}, "eta"),
        ({"low": 1.0, "high": 0.0}, "eta"),
        ({"high": math.inf}, "high"),
        ({"rate": 0.0}, "rate"),
        ({"period": 0}, "period"),
        ({"period": 2.5}, "period"),
        ({"settle": 2}, "settle"),
        ({"epsilon0": 0.6}, "epsilon0"),
        ({"period": 1 << 20}, "period"),
        ({"period": 60, "loss_range": Fixed(20, True, 18)}, "loss_range"),
        ({"seed": -1}, "seed"),
    ],
)
def test_wrong_arguments_are_named(wrong, field):
    with pytest.raises(InputError) as raised:
        spsa_part(**{**GIVEN, **wrong})
    assert raised.value.field == field and raised.value.remedy


@needs_lava
def test_lavas_runtime_finds_the_minimum_in_both():
    steps = 4 * 100
    jobs = [
        {"function": "spsa_loop", "keywords": GIVEN, "best": BEST.tolist(), "tag": tag, "steps": steps}
        for tag in ("fixed_pt", "floating_pt")
    ]
    for integer, found in zip((True, False), results_in_lava(jobs), strict=True):
        loop = Loop(*spsa_part(**GIVEN), integer, quadratic)
        for _ in range(steps):
            loop.step()
        eta = loop.formats["eta"].real(found["eta"]) if integer else found["eta"]
        np.testing.assert_allclose(eta, BEST, atol=0.02)
        np.testing.assert_array_equal(eta, loop.state("eta"))
        assert found["meta_step"].tolist() == [101, 101] and found["place"].tolist() == [0, 0]
