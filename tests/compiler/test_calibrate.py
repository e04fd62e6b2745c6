"""Calibration: formats follow what was seen, what wraps has room for twice that, and what saturates is told."""

from __future__ import annotations

import numpy as np
import pytest

import hmn_lava as hl
from hmn_lava.errors import InputError

DRAWS = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _the_same_draws_in_any_order() -> None:
    DRAWS.bit_generator.state = np.random.default_rng(1).bit_generator.state


def layered(z_max: float = 64.0) -> hl.Spec:
    net = hl.Network("layered")
    net.input("x", 40, range=(0, 1))
    net.hmn("h", 30, activation="relu", z_max=z_max)
    net.lif("y", 5, du=0.05, dv=0.1, vth=0.5)
    net.connect_static("x", "h", weights=np.abs(np.random.default_rng(1).normal(size=(30, 40))))
    net.connect_static("h", "y", name="last", weights=0.01 * np.random.default_rng(2).normal(size=(5, 30)))
    return net.spec()


def sparse(steps: int, *shape: int) -> dict[str, np.ndarray]:
    x = np.zeros((*shape, steps, 40))
    x[..., :3] = DRAWS.uniform(0, 1, (*shape, steps, 3))
    return {"x": x}


def test_formats_become_finer_and_hold_what_was_seen_twice():
    spec, seen = layered(), sparse(40, 3)
    worst, found = hl.compile(spec), hl.compile(spec, calibration=seen)
    signals = ["h.a", "h.z", "y.a", "y.u"]
    for name in signals:
        before, after = worst.network.signals[name].format, found.network.signals[name].format
        assert after.frac > before.frac, name
    for sample in seen["x"]:
        exact = hl.compile(spec).run({"x": sample}, backend="reference", probes=signals)
        for name in signals:
            format = found.network.signals[name].format
            room = format.max * format.unit
            assert np.abs(exact.real(name)).max() * (1.0 if name == "h.z" else 2.0) <= room * 1.0001, name
    rules = {(f.rule, f.object) for f in found.findings}
    assert {("calibrated-range", "h.a"), ("calibrated-messages", "h.z")} <= rules


def test_it_is_more_exact_on_such_data():
    spec = layered()
    test = sparse(60)
    errors = []
    for bundle in (hl.compile(spec), hl.compile(spec, calibration=sparse(60, 4))):
        exact, whole = (bundle.run(test, backend=backend, probes=["y.u"]) for backend in ("reference", "fast"))
        errors.append(float(np.abs(exact.real("y.u") - whole.real("y.u")).mean()))
    assert errors[1] < 0.5 * errors[0]


def test_samples_begin_anew_and_a_percentile_leaves_out_the_largest():
    net = hl.Network("sum")
    net.input("x", 1, range=(0, 8))
    net.sigma_delta("s", 1, difference=False, z_max=1000.0)
    net.connect_static("x", "s", weights=1.0)
    one = np.full((1, 10, 1), 4.0)

    def z_max(**options: object) -> float:
        bundle = hl.compile(net.spec(), **options)
        port = bundle.network.groups["s"].program.variable("z")
        return port.high * port.format.unit

    assert z_max() == pytest.approx(1000.0, rel=1e-4)
    assert z_max(calibration={"x": one}) == pytest.approx(40.0, rel=1e-3)
    assert z_max(calibration={"x": one.repeat(3, axis=0)}) == pytest.approx(40.0, rel=1e-3)
    assert z_max(calibration={"x": one.reshape(1, 10, 1).repeat(3, 0).reshape(30, 1)}) == pytest.approx(120.0, rel=1e-3)
    # Of 4, 8, ... 40, six in ten are below 32, which is the power of two that holds them.
    assert z_max(calibration={"x": one}, percentile=60.0) == pytest.approx(32.0, rel=1e-3)


def test_beyond_the_calibration_messages_saturate():
    spec, seen = layered(), sparse(20, 2)
    bundle = hl.compile(spec, calibration=seen)
    port = bundle.network.groups["h"].program.variable("z")
    a = bundle.network.signals["h.a"].format
    x = {"x": np.zeros((5, 40))}
    x["x"][:, :3] = 1.0
    whole = bundle.run(x, probes=["h.z", "h.a"])
    assert np.abs(whole.raw["h.a"]).max() < a.max
    assert whole.raw["h.z"].max() == port.high
    exact = bundle.run(x, backend="reference", probes=["h.z"]).real("h.z")
    assert exact.max() > port.high * port.format.unit


def test_silence_and_saturation_are_told():
    found = hl.compile(layered(z_max=0.5), calibration=sparse(30)).findings
    assert ("saturated-messages", "h.z") in {(f.rule, f.object) for f in found}
    quiet = {"x": np.zeros((10, 40))}
    found = hl.compile(layered(), calibration=quiet).findings
    assert {f.object for f in found if f.rule == "silent-population"} == {"h", "y"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"calibration": {"x": np.zeros((0, 40))}}, "has no steps"),
        ({"calibration": {"x": np.zeros(40)}}, "has no steps"),
        ({"calibration": {"x": np.full((3, 40), 2.0)}}, "outside"),
        ({"calibration": {"x": np.zeros((3, 40))}, "percentile": 0.0}, "is no percentile"),
        ({"percentile": 99.0}, "no meaning alone"),
    ],
)
def test_calibration_that_cannot_be(options, words):
    with pytest.raises(InputError, match=words):
        hl.compile(layered(), **options)
