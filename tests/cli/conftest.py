"""A small spec that has every kind of object, its bundle, and a way to run commands."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from hmn_lava.cli import main

SPEC = """
hmn_lava: 1
name: tiny
populations:
  pixels: {type: input, size: 6, range: [0, 1]}
  teach: {type: input, size: 1, range: [-1, 1]}
  hidden: {type: lif, size: 5, du: 0.5, dv: 0.1, vth: 1.0}
  out: {type: hmn, size: 3, activation: sigmoid}
connections:
  features: {type: static, source: pixels, target: hidden, weights: {npz: arrays.npz, key: features}}
  readout:
    type: hmn
    source: hidden
    target: out
    weights: {init: uniform, low: -0.1, high: 0.1}
    bounds: [-1.0, 1.0]
    delay: 1
    traces: {tau_fast: 5.0, tau_slow: 50.0}
    rates: {local: 0.0, global: 0.05}
    phase_gate: {oscillator: theta, phase: 0.0}
    probabilistic_gate: {beta: 50.0, threshold: 0.01}
  direct:
    type: hmn
    source: pixels
    target: out
    weights: 0.0
    topology: {density: 0.6}
    rates: {local: 0.01}
modulators:
  teacher: {type: input, source: teach}
oscillators:
  theta: {period: 16.0}
stimulus:
  pixels: {type: bernoulli, rate: 0.3}
  teach: {type: constant, value: 0.5}
"""


@dataclass(frozen=True)
class Done:
    """A command that has run."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on stdout."""
        document: dict[str, Any] = json.loads(self.out)
        return document


@pytest.fixture
def hmn_lava(capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Run a command."""

    def command(*arguments: object) -> Done:
        capsys.readouterr()
        code = main.run([str(argument) for argument in arguments])
        shown = capsys.readouterr()
        return Done(code, shown.out, shown.err)

    return command


@pytest.fixture
def content() -> dict[str, Any]:
    """The spec as plain values, to change."""
    return yaml.safe_load(SPEC)


def write_arrays(folder: Path) -> None:
    """The arrays beside the spec."""
    rng = np.random.default_rng(0)
    np.savez(
        folder / "arrays.npz", features=rng.normal(0.0, 0.4, (5, 6)), short=np.zeros(3), bad=np.full((5, 6), np.nan)
    )


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """The spec as a file, with its arrays."""
    write_arrays(tmp_path)
    (tmp_path / "tiny.yaml").write_text(SPEC)
    return tmp_path / "tiny.yaml"


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile the spec, once."""
    from hmn_lava import compile

    folder = tmp_path_factory.mktemp("compiled")
    write_arrays(folder)
    (folder / "tiny.yaml").write_text(SPEC)
    return compile(folder / "tiny.yaml").save(folder / "tiny.bundle")


@pytest.fixture
def bundle(compiled: Path, tmp_path: Path) -> Path:
    """A bundle of one's own, to break."""
    return Path(shutil.copytree(compiled, tmp_path / "tiny.bundle"))
