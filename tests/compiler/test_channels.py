"""Weights per channel: every neuron keeps its threshold and bias, and gains what its own scale leaves."""

from __future__ import annotations

import numpy as np
import pytest

import hmn_lava as hl
from hmn_lava.errors import InputError

DRAWS = np.random.default_rng(0)
ROWS = DRAWS.normal(size=(6, 20)) * 2.0 ** -np.arange(6)[:, None]


@pytest.fixture(autouse=True)
def _the_same_draws_in_any_order() -> None:
    DRAWS.bit_generator.state = np.random.default_rng(1).bit_generator.state


def dense(weights: np.ndarray = ROWS, **fields: object) -> hl.Spec:
    net = hl.Network("rows")
    net.input("x", weights.shape[1], range=(-1, 1))
    net.sigma_delta("y", len(weights), sum=False, difference=False, activation="unit", z_max=40.0, bias=0.25)
    net.connect_static("x", "y", name="c", weights=weights, **fields)
    return net.spec()


def sums(spec: hl.Spec, x: np.ndarray, **options: object) -> np.ndarray:
    bundle = hl.compile(spec, **options)
    late = bundle.network.latency("y.a")
    run = bundle.run({"x": np.vstack([x, np.zeros((late, x.shape[1]))])}, probes=["y.a"])
    return run.real("y.a")[late:]


def test_each_row_errs_by_its_own_unit():
    """|Σ (stored - w) x| <= Σ |x| unit_j / 2, with the unit of 8 bits for the largest weight of row j."""
    x = DRAWS.uniform(-1, 1, (50, 20))
    exact = x @ ROWS.T
    unit = 2.0 ** np.ceil(np.log2(np.abs(ROWS).max(axis=1) / 127.0))
    own = np.abs(x).sum(axis=1)[:, None] * (unit / 2 + 2.0**-15) + 2.0**-12
    assert (np.abs(sums(dense(), x, scale="channel") - exact) <= own).all()
    shared = np.abs(sums(dense(), x) - exact)
    assert (shared[:, 3:] > own[:, 3:]).any(axis=0).all()  # the small rows would not be there with a common scale


def test_rows_of_the_same_scale_are_not_touched():
    """Where all rows have the same largest weight, both ways hold the same integers in one link."""
    weights = np.clip(ROWS[:1].repeat(4, axis=0) * np.array([[1.0], [-1.0], [1.0], [-1.0]]), -2, 2)
    tensor, channel = (hl.compile(dense(weights, scale=scale)).network for scale in ("tensor", "channel"))
    assert len(channel.links) == len(tensor.links) == 1
    assert np.array_equal(tensor.links[0].weights, channel.links[0].weights)
    assert tensor.links[0].shift == channel.links[0].shift


def test_a_channel_of_a_convolution_has_one_scale():
    """Also where padding leaves neurons at the border without the kernel's largest weight."""
    kernel = np.zeros((2, 1, 3, 3))
    kernel[0], kernel[1] = 0.01, 1.0
    kernel[0, 0, 0, 0], kernel[1, 0, 0, 0] = 0.2, 0.9  # the corner: neurons of the first row and column miss it
    net = hl.Network("conv")
    net.input("x", 16)
    net.lif("y", 32)
    net.connect_conv("x", "y", name="c", weights=kernel, input_shape=[1, 4, 4], padding=1, scale="channel")
    bundle = hl.compile(net.spec())
    assert len(bundle.network.links) == 2
    formats = {row["format"]: row["count"] for row in bundle.lowering if row["parameter"] == "connections.c.weights"}
    assert formats == {"s8.9": 100, "s8.6": 100}


def test_spikes_do_not_move_with_the_scale_of_other_rows():
    """A neuron whose weights fit exactly fires as it would alone, whatever its neighbour's scale."""
    row = np.array([[0.5, -0.25, 0.125]])
    x = DRAWS.integers(0, 2, (60, 3)).astype(float)

    def fired(weights: np.ndarray) -> np.ndarray:
        net = hl.Network("lif")
        net.input("x", 3, signal="spike")
        net.lif("y", len(weights), du=1.0, dv=0.0, vth=0.75, reset="subtract", bias=0.0625)
        net.connect_static("x", "y", weights=weights, scale="channel")
        return hl.compile(net.spec()).run({"x": x}).outputs["y.z"]

    alone, both = fired(row), fired(np.vstack([row, 100.0 * row]))
    assert 5 < alone.sum() < 50
    assert np.array_equal(alone[:, 0], both[:, 0])


def test_dead_neurons_are_told_and_the_remedy_helps():
    weights = np.vstack([np.ones((1, 20)), np.full((2, 20), 1e-3)])
    found = hl.compile(dense(weights)).findings
    assert {(f.rule, f.used) for f in found} == {
        ("dead-neurons", "2 of 3 neurons have no weight left"),
        ("dead-weights", "40 of 60 weights are stored as 0"),
    }
    assert not hl.compile(dense(weights), scale="channel").findings


def test_a_scale_of_the_spec_goes_before_that_of_the_command():
    assert len(hl.compile(dense(scale="tensor"), scale="channel").network.links) == 1
    assert len(hl.compile(dense(), scale="channel").network.links) > 3
    bundle = hl.compile(dense(), scale="channel")
    assert bundle.spec.connections["c"].scale == "channel"  # a bundle says how it was made
    with pytest.raises(InputError, match="no such scale"):
        hl.compile(dense(), scale="row")


def test_what_a_connection_costs_is_counted_once(tmp_path):
    x = {"x": DRAWS.uniform(-1, 1, (20, 20))}
    counts = [
        hl.profile(hl.compile(dense(scale=scale)), inputs=x, steps=20).as_dict() for scale in ("tensor", "channel")
    ]
    assert counts[0]["operations"] == counts[1]["operations"] if "operations" in counts[0] else True
