"""The example of all that a spec can say, and a small spec to change."""

from pathlib import Path
from typing import Any

import pytest
import yaml

EXAMPLE = Path(__file__).with_name("example.yaml")


@pytest.fixture
def example_file() -> Path:
    return EXAMPLE


@pytest.fixture
def small() -> dict[str, Any]:
    """Two inputs, one hmn and one lif population, a static and a plastic connection."""
    return yaml.safe_load(
        """
        hmn_lava: 1
        name: small
        populations:
          x: {type: input, size: 4}
          one: {type: input, size: 1}
          h: {type: lif, size: 3}
          y: {type: hmn, size: 2, activation: sigmoid}
        connections:
          xh: {type: static, source: x, target: h, weights: 0.5}
          hy: {type: hmn, source: h, target: y, weights: 0.1, rates: {global: 0.05}}
        modulators:
          m: {type: input, source: one}
        """
    )
