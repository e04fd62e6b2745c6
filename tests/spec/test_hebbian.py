"""A connection of type hebbian: as YAML, built, dumped, resolved, by its schema; and what is wrong with it."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hmn_lava.errors import InputError
from hmn_lava.spec import Network, Spec, json_schema, load_spec, resolve, spec_from_dict
from hmn_lava.spec.dump import dump_spec
from hmn_lava.tasks.subsystems import without_learning

TEXT = """
hmn_lava: 1
name: two
populations:
  x: {type: input, size: 3, signal: spike}
  y: {type: lif, size: 2, vth: 0.7}
connections:
  w1: {type: static, source: x, target: y, weights: 0.3}
  w2:
    type: hebbian
    source: x
    target: y
    weights: [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]
    bounds: [0, 1]
    delay: 2
    topology: dense
    rate: 0.05
    offset: -0.1
    tau_w: 20
    full: 0.5
    learning: true
"""


def two(**fields: Any) -> dict[str, Any]:
    given = {"type": "hebbian", "source": "x", "target": "y", "weights": 0.1, "rate": 0.05, **fields}
    return {
        "hmn_lava": 1,
        "name": "two",
        "populations": {
            "x": {"type": "input", "size": 3, "signal": "spike"},
            "y": {"type": "lif", "size": 2, "vth": 0.7},
            "each": {"type": "lif", "size": 2, "vth": [0.5, 0.7]},
            "volts": {"type": "lif", "size": 2, "output": "voltage"},
            "relay": {"type": "sigma_delta", "size": 2},
            "out": {"type": "hmn", "size": 2, "activation": "lif", "lif": {}},
        },
        "connections": {"w2": {key: value for key, value in given.items() if value is not ...}},
    }


def test_yaml_builder_and_dump_say_the_same(tmp_path: Path) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text(TEXT)
    read = load_spec(file)
    net = Network("two")
    x, y = net.input("x", 3, signal="spike"), net.lif("y", 2, vth=0.7)
    net.connect_static(x, y, name="w1", weights=0.3)
    weights = [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]
    handle = net.connect_hebbian(
        x, y, name="w2", weights=weights, bounds=(0, 1), delay=2, rate=0.05, offset=-0.1, tau_w=20, full=0.5
    )
    assert str(handle) == "w2" and net.spec() == read
    assert load_spec(dump_spec(read, tmp_path / "again")) == read
    assert net.connect_hebbian(y, y, weights=0.1, rate=0, delay=1).name == "y_to_y"


def test_the_resolved_rule_has_all_of_it() -> None:
    c = resolve(spec_from_dict(two(bounds=[-2, 2], offset=-0.1, tau_w=20, full=0.5, delay=2))).connections["w2"]
    rule = c.hebbian
    assert c.rule is None and rule is not None and c.learns
    found = (rule.w_min, rule.w_max, rule.rate, rule.offset, rule.tau_w, rule.full)
    assert found == (-2.0, 2.0, 0.05, -0.1, 20.0, 0.5)
    assert c.delay.tolist() == [2] * 6 and c.weights.tolist() == [0.1] * 6


def test_what_is_left_out() -> None:
    rule = resolve(spec_from_dict(two())).connections["w2"].hebbian
    assert rule is not None
    assert (rule.w_min, rule.w_max, rule.offset, rule.tau_w, rule.full) == (-1.0, 1.0, 0.0, None, 0.7)  # vth


@pytest.mark.parametrize("fields", [{"learning": False}, {"rate": 0}, {"learning": False, "tau_w": 3.0}])
def test_what_moves_no_weight_does_not_learn(fields: dict[str, Any]) -> None:
    assert not resolve(spec_from_dict(two(**fields))).connections["w2"].learns
    assert resolve(spec_from_dict(two(rate=0, tau_w=3.0))).connections["w2"].learns


def test_weights_of_a_distribution_are_clipped_to_the_bounds() -> None:
    weights = resolve(spec_from_dict(two(weights={"init": "normal", "std": 5.0}, bounds=[0, 1]))).connections["w2"]
    assert np.all((weights.weights >= 0) & (weights.weights <= 1)) and (weights.weights == 1).any()


def test_learning_is_switched_off_with_all_other() -> None:
    spec: Spec = without_learning(spec_from_dict(two()))
    assert not resolve(spec).connections["w2"].learns


def test_the_schema_knows_it() -> None:
    schema = json_schema()["$defs"]["HebbianConnection"]
    assert set(schema["required"]) == {"type", "source", "target", "weights", "rate"}
    assert set(schema["properties"]) - set(schema["required"]) == {
        "bounds", "delay", "topology", "offset", "tau_w", "full", "learning"
    }  # fmt: skip
    assert all("description" in schema["properties"][field] for field in ("rate", "offset", "tau_w", "full"))


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"rate": ...}, "rate", ["is missing", "add it"]),
        ({"rate": -0.1}, "rate", ["must be >= 0"]),
        ({"rate": "much"}, "rate", ["must be a number"]),
        ({"tau_w": 0}, "tau_w", ["must be > 0"]),
        ({"full": 0}, "full", ["must be > 0"]),
        ({"offset": float("inf")}, "offset", ["must be finite"]),
        ({"learning": 1}, "learning", []),
        ({"ofset": 1}, "ofset", ["unknown key", "did you mean 'offset'?"]),
        ({"modulators": []}, "modulators", ["unknown key"]),
        ({"weights": 2.0}, "weights", ["outside bounds [-1, 1]"]),
        ({"weights": [[0.1]]}, "weights", ["shape"]),
        ({"bounds": [1, 0]}, "bounds", ["low < high"]),
        ({"source": "z"}, "source", ["no such population"]),
        ({"target": "x"}, "target", ["takes its values from outside"]),
        ({"target": "relay"}, "target", ["has no voltage", "type lif"]),
        ({"target": "out"}, "target", ["has no voltage", "type: hmn"]),
        ({"target": "volts"}, "full", ["no threshold", "which voltage is full"]),
        ({"target": "each"}, "full", ["a threshold for each neuron", "one voltage"]),
        ({"source": "y"}, "delay", ["y -> y"]),
    ],
    ids=str,
)
def test_what_is_wrong_is_one_error(fields: dict[str, Any], field: str, words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        resolve(spec_from_dict(two(**fields)))
    text = str(caught.value)
    assert f"connections.w2.{field}" in text
    for word in words:
        assert word in text


def test_a_full_voltage_can_be_said_where_there_is_none() -> None:
    for target in ("volts", "each"):
        spec = spec_from_dict(deepcopy(two(target=target, full=0.25)))
        rule = resolve(spec).connections["w2"].hebbian
        assert rule is not None and rule.full == 0.25
