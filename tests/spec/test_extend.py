"""Specs that extend others: in YAML by name, in Python by include."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import hmn_lava as hl
from hmn_lava.errors import InputError

BASE = """
hmn_lava: 1
name: base
populations:
  x: {type: input, size: 2}
  h: {type: lif, size: 3}
connections:
  c: {type: static, source: x, target: h, weights: {npz: w.npz, key: w}}
formats: {c.w: 6}
stimulus: {x: {type: npz, file: w.npz, key: s}}
"""

NEW = """
hmn_lava: 1
name: new
extends: EXTENDS
populations:
  out: {type: hmn, size: 2, activation: relu}
connections:
  o: {type: static, source: h, target: out, weights: 0.5}
"""

WEIGHTS = np.array([[0.5, -1.0], [0.25, 0.0], [1.0, 0.125]])


@pytest.fixture
def place(tmp_path: Path) -> Path:
    front = tmp_path / "front"
    front.mkdir()
    (front / "spec.yaml").write_text(BASE)
    np.savez(front / "w.npz", w=WEIGHTS, s=np.ones((4, 2)))
    return tmp_path


def written(place: Path, extends: str = "front", text: str = NEW) -> Path:
    file = place / "new.yaml"
    file.write_text(text.replace("EXTENDS", extends))
    return file


@pytest.mark.parametrize("extends", ["front", "front/spec.yaml"])
def test_the_records_of_both_and_the_files_of_the_base(place, extends):
    spec = hl.load_spec(written(place, extends))
    assert (spec.name, list(spec.populations)) == ("new", ["x", "h", "out"])
    assert spec.formats == {"c.w": 6}
    assert np.array_equal(hl.resolve(spec).connections["c"].weights.reshape(3, 2), WEIGHTS)
    assert spec.stimulus["x"].file == "front/w.npz"


def test_what_is_written_again_stands_alone(place, tmp_path):
    spec = hl.load_spec(written(place))
    again = hl.load_spec(hl.dump_spec(spec, tmp_path / "copy"))
    assert again.extends is None
    assert np.array_equal(hl.resolve(again).connections["c"].weights.reshape(3, 2), WEIGHTS)


@pytest.mark.parametrize(
    ("extends", "words"),
    [
        ("nothing", "file not found"),
        ("../front", "leaves the spec's folder"),
        ("/etc/hosts", "is not a relative path"),
        ("[front]", "must be text"),
        ("new.yaml", "more than 8 specs"),
    ],
)
def test_what_cannot_be_extended(place, extends, words):
    with pytest.raises(InputError, match=words) as caught:
        hl.load_spec(written(place, extends))
    assert caught.value.field == "extends"


def test_an_error_in_the_base_names_the_base(place):
    (place / "front" / "spec.yaml").write_text(BASE.replace("size: 3", "size: 0"))
    with pytest.raises(InputError, match="front"):
        hl.load_spec(written(place))


def test_nothing_is_replaced(place):
    with pytest.raises(InputError, match="is there already") as caught:
        hl.load_spec(written(place, text=NEW.replace("out:", "h:", 1)))
    assert caught.value.field == "populations.h"


def test_include_in_python(place):
    base = hl.load_spec(place / "front")
    net = hl.Network("new", folder=place)
    net.include(base)
    net.hmn("out", 2, activation="relu")
    net.connect_static("h", "out", name="o", weights=0.5)
    assert net.spec() == hl.load_spec(written(place))
    with pytest.raises(InputError, match="is there already"):
        net.include(base)
    with pytest.raises(InputError, match="outside of the spec's folder"):
        hl.Network("elsewhere", folder=place / "front" / "deeper").include(base)


def test_a_rhythm_for_all_follows_the_delays():
    net = hl.Network("rhythm")
    net.input("x", 1)
    net.lif("a", 1)
    net.lif("b", 1, restart={"every": 3})
    net.sigma_delta("c", 1)
    net.sigma_delta("relay", 1, sum=False, difference=False)
    net.hmn("d", 1, activation="relu")
    net.connect_static("x", "a", weights=1.0, delay=1)
    net.connect_static("a", "b", weights=1.0, delay=2)
    net.connect_static("b", "c", weights=1.0, delay=1)
    net.connect_static("a", "c", name="short", weights=1.0, delay=2)
    net.connect_static("c", "relay", weights=1.0)
    net.connect_static("relay", "d", weights=1.0)
    net.restart(10, at=9)
    found = {name: p.restart for name, p in hl.resolve(net.spec()).populations.items()}
    # The first way to c takes 4 steps, the short one 3; 9 + 1, 9 + 3 modulo 10. Relays and HMN neurons keep nothing.
    assert found == {"x": None, "a": (10, 0), "b": (3, 0), "c": (10, 2), "relay": None, "d": None}
