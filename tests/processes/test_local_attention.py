"""LocalAttention: its integers are its equations within the stated error, in Lava's runtime and without it."""

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
from hmn_lava.parts.local_attention import LATENCY, local_attention_part
from hmn_lava.parts.ranges import port_of
from hmn_lava.reference import equations as eq
from hmn_lava.simulator.part import PartExecutor

X, Z = port_of((-1.0, 1.0), "x").format, port_of((0.0, 1.0), "z").format


def keywords(n_pre: int, n_post: int, dimensions: int, beta: float, seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    vectors = {"embedding": rng.normal(size=(n_pre, dimensions)), "key": rng.normal(size=(n_post, dimensions))}
    return {**vectors, "beta": beta, "context_rate": 0.25, "x_range": (-1.0, 1.0), "z_range": (0.0, 1.0)}


def activities(n_pre: int, n_post: int, steps: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (steps, n_pre)) * (rng.random((steps, n_pre)) < 0.8)
    return X.quantise(x), Z.quantise(rng.random((steps, n_post)))


def run(part: Any, equations: Any, x: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """alpha of both, in real numbers, (steps, n_syn)."""
    executor, sent = PartExecutor(part), {"integer": [], "real": []}
    frac = part.group.program.variable("alpha").format.frac
    for at, behind in zip(x, z, strict=True):
        integers = {"s_in": at, "z_in": behind}
        executor.step_once(integers.__getitem__, lambda _, a: sent["integer"].append(np.ldexp(a.astype(float), -frac)))
        reals = {"s_in": X.real(at), "z_in": Z.real(behind)}
        equations.step_once(reals.__getitem__, lambda _, a: sent["real"].append(a.copy()))
    return np.array(sent["integer"]), np.array(sent["real"])


@pytest.mark.parametrize("beta", [0.0, 0.5, 2.0, 4.0])
@pytest.mark.parametrize(("n_pre", "n_post", "dimensions"), [(6, 4, 1), (5, 3, 3), (1, 2, 2), (40, 2, 2)])
def test_integers_are_the_equations_within_the_stated_error(n_pre, n_post, dimensions, beta):
    part, equations = local_attention_part(**keywords(n_pre, n_post, dimensions, beta))
    integer, real = run(part, equations, *activities(n_pre, n_post, 40))
    unit = max(2.0**-20, n_pre * 2.0**-21)
    bound = math.exp(2 * beta) * (1e-5 + unit) + 2.0**-15
    assert np.abs(integer - real)[LATENCY:].max() <= bound
    sums = integer[LATENCY:].reshape(-1, n_post, n_pre).sum(axis=2)
    np.testing.assert_allclose(sums, 1.0, atol=n_pre * bound)
    if beta and n_pre > 1:
        assert np.ptp(real[LATENCY:]) > 0.01


def test_what_is_sent_belongs_to_the_activities_four_steps_before():
    """Against the equations themselves: the context after z of a step, and x of that step."""
    given = keywords(4, 3, 2, 1.5)
    x, z = activities(4, 3, 20)
    _, real = run(*local_attention_part(**given), x, z)
    row, col = np.divmod(np.arange(12), 4)
    c = np.zeros((3, 2))
    for t in range(20 - LATENCY):
        c = eq.local_context(c, Z.real(z[t]), given["key"], given["context_rate"])
        alpha = eq.local_attention(given["beta"], X.real(x[t])[col], given["embedding"], c, row, col)
        np.testing.assert_allclose(real[t + LATENCY], alpha, atol=1e-12)


def test_some_synapses():
    mask = np.array([[1, 0, 1, 1], [0, 1, 0, 0], [1, 1, 0, 0]])
    part, equations = local_attention_part(**keywords(4, 3, 2, 1.0), topology=mask)
    integer, real = run(part, equations, *activities(4, 3, 20))
    assert integer.shape[1] == mask.sum()
    assert np.abs(integer - real)[LATENCY:].max() < 1e-4
    np.testing.assert_allclose(real[LATENCY:, 3], 1.0)  # a neuron's only synapse


def test_the_sign_of_every_factor():
    """Where input and context agree a synapse gets more, and less where one of them is turned around."""

    def share(x: float, embedding: float, key: float, beta: float = 2.0) -> float:
        part, equations = local_attention_part(
            embedding=[[embedding, 0.1], [0.1, 1.0]], key=[[key, 0.0]], beta=beta, context_rate=0.5, x_range=(-1.0, 1.0)
        )
        activity = np.tile(X.quantise([x, 0.0]), (12, 1)), np.tile(Z.quantise([0.5]), (12, 1))
        integer, real = run(part, equations, *activity)
        assert abs(integer[-1, 0] - real[-1, 0]) < 1e-3
        return float(integer[-1, 0])

    agree = share(0.5, 1.0, 1.0)
    assert agree > 0.8
    for turned in (share(-0.5, 1.0, 1.0), share(0.5, -1.0, 1.0), share(0.5, 1.0, -1.0)):
        assert turned < 0.2
    assert share(0.5, -1.0, -1.0) > 0.8
    assert agree > share(0.5, 1.0, 1.0, beta=1.0) > share(0.5, 1.0, 1.0, beta=0.0) == pytest.approx(0.5, abs=1e-4)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"embedding": [1.0, 2.0]}, "embedding"),
        ({"key": [[1.0]]}, "key"),
        ({"key": [[1.0, np.nan]]}, "key"),
        ({"beta": -1.0}, "beta"),
        ({"beta": 9.0}, "beta"),
        ({"context_rate": 0.0}, "context_rate"),
        ({"topology": np.zeros((3, 4))}, "topology"),
        ({"topology": np.ones((4, 3, 2))}, "topology"),
        ({"x_range": (1.0, 0.0)}, "x_range"),
        ({"z_range": "graded"}, "z_range"),
    ],
)
def test_wrong_arguments_are_named(wrong, field):
    with pytest.raises(InputError) as raised:
        local_attention_part(**{**keywords(4, 3, 2, 1.0), **wrong})
    assert raised.value.field == field and raised.value.remedy


@needs_lava
def test_lavas_runtime_runs_both():
    given = keywords(4, 3, 2, 1.0)
    x, z = activities(4, 3, 15)
    part, equations = local_attention_part(**given)
    expected = dict(zip(("fixed_pt", "floating_pt"), run(part, equations, x, z), strict=True))
    variable = part.group.program.variable("alpha").format
    common = {"function": "component", "module": "attention", "process": "LocalAttention", "keywords": given}
    common |= {"outputs": ["alpha_out"], "variables": ["alpha", "c_0", "c_1"], "steps": 15}
    jobs = [
        {**common, "tag": "fixed_pt", "inputs": {"s_in": x, "z_in": z}},
        {**common, "tag": "floating_pt", "inputs": {"s_in": X.real(x), "z_in": Z.real(z)}},
    ]
    for job, found in zip(jobs, results_in_lava(jobs), strict=True):
        scale = variable.unit if job["tag"] == "fixed_pt" else 1.0
        np.testing.assert_array_equal(found["alpha_out"] * scale, expected[job["tag"]])
        np.testing.assert_array_equal(found["alpha"].ravel() * scale, expected[job["tag"]][-1])
        assert found["alpha"].shape == (3, 4) and found["c_0"].shape == (3,)
        assert found["alpha_out.format"] == str(variable)
        assert found["s_in.format"] == str(X) and found["z_in.format"] == str(Z)
