"""The digits task: its protocol by hand, and what it learns in integers and in float."""

import sys

import numpy as np
import pytest

import hmn_lava as hl
from hmn_lava.spec import spec_from_dict, spec_to_dict
from hmn_lava.tasks import TASKS, digits, run_task

pytest.importorskip("sklearn")


def without_the_probabilistic_gate() -> hl.Spec:
    data, _ = spec_to_dict(TASKS["digits"].spec(), "unused.npz")
    del data["connections"]["readout"]["probabilistic_gate"]
    return spec_from_dict(data)


def first(images: digits.Images, n: int) -> digits.Images:
    return images[np.arange(n)]


# data and protocol


def test_the_split_shares_all_images_out_and_follows_the_seed():
    lessons, test = digits.split(3, epochs=2)
    assert [len(lesson) for lesson in lessons] == [1437, 1437]
    assert len(test) == 360
    everything = np.sort(digits.images().pixels @ np.arange(1.0, 65.0))
    shared = np.concatenate([lessons[0].pixels, test.pixels]) @ np.arange(1.0, 65.0)
    assert np.array_equal(np.sort(shared), everything)
    assert not np.array_equal(lessons[0].digit, lessons[1].digit)  # each epoch has an order of its own
    assert np.array_equal(np.bincount(lessons[0].digit), np.bincount(lessons[1].digit))
    again, _ = digits.split(3, epochs=1)
    assert np.array_equal(again[0].pixels, lessons[0].pixels)
    assert not np.array_equal(digits.split(4, epochs=1)[1].digit, test.digit)


def test_a_lesson_is_free_then_clamped_then_silent():
    images = first(digits.images(), 2)
    lesson = digits.lesson(images)
    shapes = {name: array.shape for name, array in lesson.items()}
    assert shapes == {"pixels": (24, 64), "label": (24, 10), "teach": (24, 1)}
    assert np.array_equal(lesson["pixels"][[12, 13]], images.pixels[[1, 1]])
    assert np.array_equal(lesson["teach"].ravel(), [-1, 1, *[0] * 10] * 2)
    expected = -np.ones(10)
    expected[images.digit[1]] = 1
    assert np.array_equal(lesson["label"][13], expected)
    silent = np.delete(np.arange(24), [0, 1, 12, 13])
    assert not lesson["pixels"][silent].any()
    assert not lesson["label"][np.append(silent, [0, 12])].any()


@pytest.mark.parametrize(("backend", "tolerance"), [("reference", 1e-9), ("fast", 2e-4)])
def test_one_image_from_zero_weights_is_one_step_of_the_delta_rule(backend, tolerance):
    """Free z = 1/2, clamped z = sigmoid(±4), both traces are x z, both gates cos(pi/12), attention e/(e n + 64 - n)."""
    image = first(digits.images(), 1)
    session = hl.compile(without_the_probabilistic_gate()).session(backend)
    digits.learn(session, image)
    session.run(steps=session.latency("readout.w"))
    x, target = image.pixels[0], np.where(np.arange(10) == image.digit[0], 1.0, -1.0)
    lit = np.count_nonzero(x)
    alpha = np.e / (np.e * lit + 64 - lit)
    step = 3.0 * np.cos(np.pi / 12) * alpha * 2.0 * np.outer(1 / (1 + np.exp(-4.0 * target)) - 0.5, x)
    w = session.real("readout.w")
    assert np.abs(step).max() > 0.05
    assert np.abs(w - step).max() < tolerance


@pytest.mark.parametrize(("backend", "latency"), [("fast", None), ("reference", "as-compiled"), ("reference", "ideal")])
def test_answers_are_the_largest_weighted_sum_whatever_the_latency(backend, latency):
    bundle = hl.compile(TASKS["digits"].spec())
    session = bundle.session(backend, latency=latency or "as-compiled")
    lessons, test = digits.split(0, epochs=1)
    shown, then = first(lessons[0], 60), first(test, 40)
    digits.learn(session, shown)
    session.run(steps=digits.PERIOD)
    sums = np.sort(then.pixels @ session.real("readout.w").T, axis=1)
    clear = sums[:, -1] - sums[:, -2] > 0.01  # integers may decide a near tie otherwise
    assert clear.sum() > 30
    expected = (then.pixels @ session.real("readout.w").T).argmax(1)
    assert np.array_equal(digits.examine(session, then)[clear], expected[clear])


def test_examining_changes_no_weight():
    session = hl.compile(TASKS["digits"].spec()).session()
    lessons, test = digits.split(0, epochs=1)
    digits.learn(session, first(lessons[0], 20))
    session.run(steps=digits.PERIOD)
    before = session.real("readout.w").copy()
    assert before.any()
    digits.examine(session, test)
    session.run(steps=digits.PERIOD)
    assert np.array_equal(session.real("readout.w"), before)


def test_without_scikit_learn_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    digits._load.cache_clear()
    with pytest.raises(hl.BackendError, match=r'pip install "hmn-lava\[tasks\]"') as error:
        run_task("digits", seeds=1)
    assert error.value.exit_code == 4


# learning


@pytest.mark.parametrize("seed", range(5))
def test_the_weight_change_of_100_steps_points_where_the_float_rule_points(seed):
    """All gates deterministic: cosine similarity at least 0.995, and lengths within 1 %."""
    bundle = hl.compile(without_the_probabilistic_gate(), seed=seed)
    lesson = digits.lesson(first(digits.split(seed, epochs=1)[0][0], 9))
    inputs = {name: array[:100] for name, array in lesson.items()}
    change = {}
    for backend in ("fast", "reference"):
        session = bundle.session(backend)
        before = session.real("readout.w").ravel()
        session.run(inputs)
        session.run(steps=session.latency("readout.w"))
        change[backend] = session.real("readout.w").ravel() - before
    integers, exact = change["fast"], change["reference"]
    assert integers @ exact >= 0.995 * np.linalg.norm(integers) * np.linalg.norm(exact) > 0
    assert np.linalg.norm(integers) == pytest.approx(np.linalg.norm(exact), rel=0.01)


def test_one_pass_teaches_and_without_learning_it_is_chance():
    """The share of 0.85 is below what seed 0 reaches, 0.91; chance is 0.1 within 5 standard errors of 360 answers."""
    task = TASKS["digits"]
    learned = digits.run(hl.compile(task.spec()).session(), 0, epochs=1)
    assert learned["test_accuracy"] >= 0.85
    assert learned["first_pass_accuracy"] >= 0.8
    blind = digits.run(hl.compile(task.spec(learning=False)).session(), 0, epochs=1)
    assert abs(blind["test_accuracy"] - 0.1) < 5 * (0.09 / 360) ** 0.5
    assert abs(blind["first_pass_accuracy"] - 0.1) < 5 * (0.09 / 1437) ** 0.5


def test_the_interpreter_learns_the_same():
    bundle = hl.compile(TASKS["digits"].spec())
    shown = first(digits.split(0, epochs=1)[0][0], 8)
    sessions = [bundle.session(backend) for backend in ("fast", "interpreter")]
    answers = [digits.learn(session, shown) for session in sessions]
    assert np.array_equal(*answers)
    weights = [session.real("readout.w") for session in sessions]
    assert weights[0].any()
    assert np.array_equal(*weights)


@pytest.mark.heavy
def test_digits_reach_what_is_promised():
    """Mean of 5 seeds: integers at least 0.93 on the test images, within 0.01 of float; without learning at chance.

    In the learning engine, with weights of 8 bits, within 0.03 of float.
    """
    report = run_task("digits", seeds=5, reference=True)
    integers, exact = report.metrics["test_accuracy"], report.reference["test_accuracy"]
    assert integers.mean >= 0.93
    assert abs(integers.mean - exact.mean) <= 0.01
    assert report.metrics["first_pass_accuracy"].mean >= 0.8
    engine = run_task("digits", seeds=5, plasticity="engine").metrics["test_accuracy"]
    assert abs(engine.mean - exact.mean) <= 0.03
    blind = report.chance["test_accuracy"]
    assert abs(blind.mean - blind.expected) < 5 * (0.09 / 1800) ** 0.5
