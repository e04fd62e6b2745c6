"""The YAML form: the complete example, YAML 1.2 scalars, where a spec comes from."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmn_lava.errors import InputError
from hmn_lava.spec import load_spec, resolve, spec_from_dict
from hmn_lava.spec.load import parse_yaml


def test_the_example_says_what_it_says(example_file: Path) -> None:
    spec = load_spec(example_file)
    assert spec.name == "digits" and spec.folder == example_file.parent and spec.file == str(example_file)
    readout = spec.connections["readout"]
    assert readout.type == "hmn"
    assert (readout.rates.local, readout.rates.global_) == (0.0, 0.05)
    assert readout.modulators == ("teacher",)
    assert readout.traces.mode == "replacing" and readout.phase_gate is not None
    assert readout.phase_gate.oscillator == "theta"
    out, spiking, rate = (spec.populations[name] for name in ("out", "spiking", "rate"))
    assert out.type == spiking.type == rate.type == "hmn"
    assert (out.competition.type, out.competition.temperature) == ("sample", 0.1)
    assert spiking.competition.type == "winner_take_all" and spiking.lif is not None
    assert rate.z_max == 4.0
    rpe = spec.modulators["rpe"]
    assert rpe.type == "reward" and rpe.on == "delivery"  # `on` is text in YAML 1.2
    assert spec.meta_learning is not None and spec.meta_learning.bounds == {"eta_local": (0.0, 1.0)}
    assert spec.formats == {"readout.w": 16, "readout.psi_fast": 16}


def test_defaults_are_those_of_the_reference(small: dict[str, Any]) -> None:
    spec = spec_from_dict(small)
    rule = spec.connections["hy"]
    assert rule.type == "hmn"
    assert (rule.bounds, rule.delay, rule.topology, rule.learning) == ((-1.0, 1.0), 0.0, "dense", True)
    assert (rule.traces.tau_fast, rule.traces.tau_slow, rule.traces.mode) == (5.0, 50.0, "replacing")
    assert rule.modulators is rule.attention is rule.phase_gate is rule.probabilistic_gate is None


def test_a_folder_stands_for_its_spec(tmp_path: Path, example_file: Path) -> None:
    (tmp_path / "spec.yaml").write_text(example_file.read_text())
    assert load_spec(tmp_path) == load_spec(example_file)


def test_equality_is_about_what_is_said(small: dict[str, Any], tmp_path: Path) -> None:
    assert spec_from_dict(small) == spec_from_dict(small, tmp_path)
    changed = {**small, "name": "other"}
    assert spec_from_dict(small) != spec_from_dict(changed)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E+2", 100.0),
        (".5", 0.5),
        ("-.5e1", -5.0),
        ("010", 10),
        ("0x1f", 31),
        ("0o17", 15),
        ("on", "on"),
        ("no", "no"),
        ("1:30", "1:30"),
        ("2020-01-01", "2020-01-01"),
        ("~", None),
        ("", None),
        ("True", True),
        ("'1'", "1"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    found = parse_yaml(f"key: {text}", "file")["key"]
    assert found == value and type(found) is type(value)


def test_anchors_may_share_values(small: dict[str, Any]) -> None:
    text = """
        hmn_lava: 1
        name: shared
        populations: {a: {type: input, size: 2}, b: {type: lif, size: 2}, c: {type: lif, size: 2}}
        connections:
          ab: {type: static, source: a, target: b, weights: &w [[1, 2], [3, 4]]}
          ac: {type: static, source: a, target: c, weights: *w}
        """
    model = resolve(spec_from_dict(parse_yaml(text, "file")))
    assert model.connections["ac"].weights.tolist() == [1, 2, 3, 4]


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda data: data.decode("latin-1")))
def test_no_text_makes_a_traceback(text: str) -> None:
    try:
        data = parse_yaml(text, "file")
    except InputError:
        return
    with pytest.raises(InputError):
        spec_from_dict(data)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_places = [
    (),
    ("hmn_lava",),
    ("name",),
    ("populations",),
    ("populations", "x"),
    ("populations", "x", "size"),
    ("populations", "x", "range"),
    ("populations", "y", "bias"),
    ("populations", "y", "competition"),
    ("connections", "hy", "weights"),
    ("connections", "hy", "topology"),
    ("connections", "hy", "delay"),
    ("connections", "hy", "bounds"),
    ("connections", "hy", "rates"),
    ("connections", "hy", "modulators"),
    ("connections", "hy", "attention"),
    ("modulators", "m", "key"),
    ("meta_learning",),
    ("formats",),
    ("stimulus",),
]


@given(st.sampled_from(_places), _json)
def test_no_value_makes_a_traceback(place: tuple[str, ...], value: Any) -> None:
    data: Any = {
        "hmn_lava": 1,
        "name": "small",
        "populations": {"x": {"type": "input", "size": 4}, "y": {"type": "hmn", "size": 2, "activation": "relu"}},
        "connections": {"hy": {"type": "hmn", "source": "x", "target": "y", "weights": 0.1, "rates": {"global": 0.05}}},
        "modulators": {"m": {"type": "novelty", "source": "x"}},
    }
    if not place:
        data = value
    else:
        inner = data
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = value
    try:
        resolve(spec_from_dict(data))
    except InputError as error:
        text = str(error)
        assert len(text.splitlines()) <= 20 and ("remedy" in text or "problems" in text)
