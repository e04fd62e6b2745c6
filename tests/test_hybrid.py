"""Heads on frozen networks: what is added, what a lesson is, and that it amounts to the delta rule."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hmn_lava as hl
from hmn_lava.errors import InputError
from hmn_lava.interchange.imported import Imported

EVEN = {"attention": None, "probabilistic_gate": None}
DRAWS = np.random.default_rng(0)
FRONT = DRAWS.normal(size=(6, 4))


@pytest.fixture(autouse=True)
def _the_same_draws_in_any_order() -> None:
    DRAWS.bit_generator.state = np.random.default_rng(1).bit_generator.state


def front(delay: int = 0, **fields: Any) -> hl.Spec:
    net = hl.Network("front")
    net.input("x", 4, range=(0, 1))
    if fields.pop("kind", "lif") == "lif":
        net.lif("h", 6, **({"du": 1.0, "dv": 0.0, "vth": 1.0, "reset": "subtract"} | fields))
    else:
        net.sigma_delta("h", 6, **fields)
    net.connect_static("x", "h", name="c", weights=FRONT, delay=delay)
    return net.spec()


def counts(x: np.ndarray, steps: int) -> np.ndarray:
    """Shares of the steps with a spike, by integrate-and-fire neurons written here."""
    v, n = np.zeros((len(x), 6)), np.zeros((len(x), 6))
    for _ in range(steps):
        v += x @ FRONT.T
        n += v > 1.0
        v -= v > 1.0
    return n / steps


def test_what_is_added_and_what_stays():
    base = front()
    hybrid = hl.attach(base, "h", classes=3, steps=10)
    spec = hybrid.spec
    assert spec.populations["h"] == base.populations["h"]
    assert spec.connections["c"] == base.connections["c"]
    assert set(spec.populations) - set(base.populations) == {"head", "head_features", "head_label", "head_teach"}
    assert set(spec.connections) - {"c"} == {"head_clamp", "head_features_in", "head_readout"}
    assert (hybrid.show, hybrid.answer, hybrid.lesson_steps) == (10, 9, 20)
    learn = [name for name, c in spec.connections.items() if c.type == "hmn"]
    assert learn == ["head_readout"]


def test_a_lesson_shows_a_sample_twice():
    hybrid = hl.attach(front(), "h", classes=3, steps=2)
    assert (hybrid.show, hybrid.answer) == (8, 1)
    samples = DRAWS.uniform(0, 1, (2, 4))
    lesson = hybrid.lesson(samples, np.array([2, 0]))
    assert {name: array.shape for name, array in lesson.items()} == {
        "x": (32, 4),
        "head_label": (32, 3),
        "head_teach": (32, 1),
    }
    shown = lesson["x"].reshape(2, 2, 8, 4)
    assert np.array_equal(shown[:, :, :2], np.broadcast_to(samples[:, None, None], (2, 2, 2, 4)))
    assert not shown[:, :, 2:].any()
    teach = lesson["head_teach"].reshape(2, 16)
    assert np.flatnonzero(teach[0]).tolist() == [1, 9]
    assert teach[0, [1, 9]].tolist() == [-1, 1]
    label = lesson["head_label"].reshape(2, 16, 3)
    assert label[0, 9].tolist() == [-1, -1, 1]
    assert label[1, 9].tolist() == [1, -1, -1]
    assert np.count_nonzero(label) == 6
    assert np.array_equal(hybrid.question(samples)["x"], shown[:, 0].reshape(16, 4))


@pytest.mark.parametrize("delay", [0, 3])
@pytest.mark.parametrize("backend", ["reference", "fast"])
@pytest.mark.parametrize("bias", [0.0, 0.3])
def test_lessons_are_steps_of_the_delta_rule(delay, backend, bias):
    """Whatever the front end does between the samples, as its bias makes it fire on; its first spikes come late."""
    base = front(delay, bias=bias) if bias else front(delay)
    known = DRAWS.normal(size=(3, 6)).round(2)
    hybrid = hl.attach(base, "h", classes=3, steps=10, rate=0.2, weights=known, rule=EVEN | {"rates": {"global": 0.2}})
    assert hybrid.show == 10 + delay
    session = hl.compile(hybrid.spec).session(backend)
    samples, labels = DRAWS.uniform(0, 1, (4, 4)), np.array([0, 2, 1, 0])
    features = shares_alone(base, samples, hybrid.show) if bias else counts(samples, 10)
    taken = hybrid.learn(session, samples, labels)
    session.run({}, 16 * hybrid.show)
    weights, answers = known.copy(), []
    for x, label in zip(features, labels, strict=True):
        a = weights @ x
        answers.append(int(a.argmax()))
        free = 1 / (1 + np.exp(-a))
        weights = weights - 0.2 * np.outer(free, x)
        clamped = 1 / (1 + np.exp(-(weights @ x + np.where(np.arange(3) == label, 16.0, -16.0))))
        weights = weights + 0.2 * np.outer(clamped, x)
    assert taken.tolist() == answers
    found = session.real("head_readout.w")
    assert np.abs(weights - known).max() > 0.05
    assert np.abs(found - weights).max() < (2e-3 if backend == "reference" else 0.02)


def shares_alone(base: hl.Spec, samples: np.ndarray, show: int) -> np.ndarray:
    """Shares of 10 steps with a spike, from the float reference of the front end alone, which restarts as a head's."""
    net = hl.Network("alone")
    net.include(base)
    net.restart(show)
    bundle = hl.compile(net.spec())
    first = bundle.network.latency("h.z") + int(hl.resolve(base).connections["c"].delay.max())
    shares = []
    for x in samples:
        shown = np.vstack([np.tile(x, (10, 1)), np.zeros((first, 4))])
        z = bundle.run({"x": shown}, backend="reference").outputs["h.z"]
        shares.append(z[first : first + 10].mean(axis=0))
    return np.array(shares)


def test_a_layer_of_values_is_read_as_it_is():
    base = front(kind="sigma", sum=False, difference=False, z_max=4.0)
    hybrid = hl.attach(base, "h", classes=3)
    assert hybrid.spec.connections["head_readout"].source == "h"
    assert "head_features" not in hybrid.spec.populations


def test_a_layer_of_changes_is_summed_up():
    base = front(kind="sigma", vth=0.0, z_max=16.0)
    hybrid = hl.attach(base, "h", classes=3, steps=4)
    bundle = hl.compile(hybrid.spec)
    x = DRAWS.uniform(0, 1, (5, 4))
    for backend in ("reference", "fast"):
        run = bundle.run(hybrid.question(x), backend=backend, probes=["head_features.z"])
        late = bundle.network.latency("head_features.z")
        shown = run.real("head_features.z")[hybrid.answer + late :: hybrid.show]
        # Messages are summed up by the layer: 4 steps of the sample.
        expected = np.maximum(4 * x @ FRONT.T, 0)[: len(shown)]
        assert np.abs(shown - expected).max() < (1e-9 if backend == "reference" else 0.2)


def test_the_last_layer_of_an_import_by_default():
    found = Imported(front(), (), (), "x", "h")
    assert hl.attach(found, classes=3).spec == hl.attach(front(), "h", classes=3).spec


def test_both_lowerings_take_it():
    hybrid = hl.attach(front(), "h", classes=3, steps=8)
    for plasticity in ("neurocore", "engine"):
        session = hl.compile(hybrid.spec, plasticity=plasticity).session("fast")
        assert hybrid.learn(session, DRAWS.uniform(0, 1, (3, 4)), np.array([0, 1, 2])).shape == (3,)
        assert hybrid.classify(session, DRAWS.uniform(0, 1, (2, 4))).shape == (2,)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: hl.attach(front(), classes=2), "which layer"),
        (lambda: hl.attach(front(), "z", classes=2), "no such layer"),
        (lambda: hl.attach(front(), "h", classes=0), "whole number"),
        (lambda: hl.attach(front(restart={"every": 7}), "h", classes=2, steps=10), "a showing takes 10"),
        (lambda: hl.attach(hl.attach(front(), "h", classes=2).spec, "h", classes=2), "one input"),
        (lambda: hl.attach(front(), "h", classes=2).question(np.zeros((2, 5))), "wrong shape"),
        (lambda: hl.attach(front(), "h", classes=2).lesson(np.zeros((2, 4)), [0, 2]), "no labels"),
        (lambda: hl.attach(front(), "h", classes=2).lesson(np.zeros((2, 4)), [0.0, 1.0]), "no labels"),
    ],
)
def test_what_cannot_be_attached_or_shown(call, words):
    with pytest.raises(InputError, match=words):
        call()


def test_a_session_in_the_middle_of_a_showing():
    hybrid = hl.attach(front(), "h", classes=2)
    session = hl.compile(hybrid.spec).session()
    session.run({}, 3)
    with pytest.raises(InputError, match="inside a showing"):
        hybrid.classify(session, np.zeros((1, 4)))
