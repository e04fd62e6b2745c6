"""What feeds the inputs where nothing is given."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hmn_lava.errors import InputError
from hmn_lava.spec import spec_from_dict, stimulus_inputs


def inputs(small: dict[str, Any], stimulus: Any, steps: int = 5, folder: Path | None = None, seed: int = 0) -> Any:
    small["stimulus"] = stimulus
    return stimulus_inputs(spec_from_dict(small, folder), steps, seed)


def test_every_input_is_fed(small: dict[str, Any]) -> None:
    small["populations"]["one"]["range"] = [2, 3]
    found = inputs(small, {"x": {"type": "constant", "value": 0.5}})
    assert list(found) == ["x", "one"]
    assert found["x"].tolist() == [[0.5] * 4] * 5 and found["one"].tolist() == [[2.0]] * 5
    assert found["x"].dtype == np.float64


def test_bernoulli(small: dict[str, Any]) -> None:
    stimulus = {"x": {"type": "bernoulli", "rate": 0.2, "value": 0.5}}
    found = inputs(small, stimulus, 5000)["x"]
    assert set(np.unique(found)) == {0.0, 0.5}
    assert np.abs((found > 0).mean(axis=0) - 0.2).max() < 5 * np.sqrt(0.16 / 5000)
    assert np.array_equal(found, inputs(small, stimulus, 5000)["x"])
    assert not np.array_equal(found, inputs(small, stimulus, 5000, seed=1)["x"])
    assert np.array_equal(found[:10], inputs(small, stimulus, 10)["x"])  # a longer run begins as a shorter one


def test_a_file(small: dict[str, Any], tmp_path: Path) -> None:
    values = np.arange(24).reshape(6, 4) / 24
    np.savez(tmp_path / "f.npz", x=values)
    stimulus = {"x": {"type": "npz", "file": "f.npz", "key": "x"}}
    assert np.array_equal(inputs(small, stimulus, 5, tmp_path)["x"], values[:5])
    with pytest.raises(InputError, match=r"stimulus\.x: has 6 steps, 7 are asked for[\s\S]*6 steps at most"):
        inputs(small, stimulus, 7, tmp_path)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((6, 3)), r"has shape \(6, 3\), needs \(steps, 4\)[\s\S]*4 columns"),
        (np.zeros(24), r"needs \(steps, 4\)"),
        (np.full((6, 4), 2.0), r"outside \[0, 1\] \(got 2.0\)[\s\S]*widen range"),
        (np.full((6, 4), np.nan), r"holds NaN"),
    ],
)
def test_a_wrong_file(small: dict[str, Any], tmp_path: Path, array: Any, words: str) -> None:
    np.savez(tmp_path / "f.npz", x=array)
    with pytest.raises(InputError, match=rf"stimulus\.x: .*{words}"):
        inputs(small, {"x": {"type": "npz", "file": "f.npz", "key": "x"}}, 5, tmp_path)


def test_spikes_are_0_or_1(small: dict[str, Any], tmp_path: Path) -> None:
    np.savez(tmp_path / "f.npz", x=np.full((6, 4), 0.5))
    small["populations"]["x"]["signal"] = "spike"
    with pytest.raises(InputError, match=r"stimulus\.x: has a value outside 0 or 1"):
        inputs(small, {"x": {"type": "npz", "file": "f.npz", "key": "x"}}, 5, tmp_path)


@pytest.mark.parametrize("steps", [0, -1, True, 1.0, 2**40])
def test_steps(small: dict[str, Any], steps: Any) -> None:
    with pytest.raises(InputError, match="steps"):
        inputs(small, {}, steps)
