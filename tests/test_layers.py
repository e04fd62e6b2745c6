"""The table and the picture of a network."""

from __future__ import annotations

import numpy as np
import pytest

import hmn_lava as hl
from hmn_lava.errors import InputError
from hmn_lava.layers import depths, draw, flow, layers


@pytest.fixture(scope="module")
def bundle() -> hl.Bundle:
    net = hl.Network("front")
    net.input("x", 18)
    net.sigma_delta("conv", 32)
    net.lif("pool", 8, du=1.0, dv=0.0)
    kernel = np.random.default_rng(0).normal(size=(2, 2, 2, 2)) * np.array([1.0, 8.0])[:, None, None, None]
    net.connect_conv("x", "conv", name="c", weights=kernel, input_shape=[2, 3, 3], padding=1, scale="channel")
    net.connect_pool("conv", "pool", name="p", kernel=2, input_shape=[2, 4, 4])
    net.connect_static("pool", "pool", name="loop", weights=-0.1, topology="one_to_one", delay=1)
    return hl.compile(hl.attach(net.spec(), "pool", classes=3, steps=8).spec)


def test_the_table(bundle):
    rows = {row.name: row for row in layers(bundle)}
    assert rows["x"].shape == (2, 3, 3)
    assert (rows["conv"].type, rows["conv"].shape) == ("sigma-delta", (2, 4, 4))
    assert (rows["pool"].type, rows["pool"].shape, rows["pool"].sources) == ("LIF", (2, 2, 2), ("conv", "pool"))
    # A kernel of 2 x 2 over 3 x 3 with a padding of 1: 9 inputs are met by 4 outputs each, 2 channels of both.
    assert rows["conv"].synapses == 9 * 4 * 2 * 2
    assert rows["pool"].synapses == 32 + 8
    assert (rows["head"].synapses, rows["head"].learning) == (9 + 24, 24)
    assert rows["head"].type == "HMN, sigmoid"
    assert len(rows["conv"].formats["c.w"].split(", ")) == 2
    assert rows["pool"].formats["pool.z"] == "u1.0"
    assert rows["x"].cores == 0
    assert rows["head"].cores >= 1
    depth = depths(bundle.model)
    assert [depth[name] for name in ("x", "conv", "pool", "head_features", "head")] == [0, 1, 2, 3, 4]


def test_the_picture(bundle, tmp_path):
    imread = pytest.importorskip("matplotlib.image").imread
    draw(bundle, tmp_path / "net.png")
    data = (tmp_path / "net.png").read_bytes()
    assert data.startswith(b"\x89PNG")
    assert len(data) > 5000
    pixels = imread(tmp_path / "net.png")[..., :3]
    for edge in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]):  # no arrow leaves the picture
        assert (edge == 1.0).all()
    with pytest.raises(InputError, match=r"a picture is a \.png file"):
        draw(bundle, tmp_path / "net.pdf")


def test_the_order_is_that_of_the_messages_not_of_the_names(tmp_path):
    """A bundle that was read has its populations by name, and delays free a step of any order."""
    net = hl.Network("deep")
    names = ["z", "b", "c", "a"]
    net.input("x", 2)
    for name in names:
        net.lif(name, 2)
    for source, target in zip(["x", *names], names, strict=False):
        net.connect_static(source, target, name=f"{source}_{target}", weights=0.5, delay=1)
    net.connect_static("a", "b", name="back", weights=0.5, delay=1)
    hl.compile(net.spec()).save(tmp_path / "bundle")
    found = hl.load(tmp_path / "bundle")
    assert [row.name for row in layers(found)] == flow(found.model) == ["x", *names]
    assert list(depths(found.model).values()) == [0, 1, 2, 3, 4]


@pytest.mark.heavy
def test_a_long_network_is_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    net = hl.Network("long")
    net.input("p0", 1)
    for n in range(1, 400):
        net.lif(f"p{n}", 1)
        net.connect_static(f"p{n - 1}", f"p{n}", name=f"c{n}", weights=0.5, delay=1)
    draw(hl.compile(net.spec()), tmp_path / "long.png")
    assert (tmp_path / "long.png").stat().st_size > 5000
