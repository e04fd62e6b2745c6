"""A report of the digits example in both lowerings."""

from pathlib import Path

import numpy as np
import pytest

import hmn_lava as hl

STEPS = 24


@pytest.fixture(scope="session", params=["neurocore", "engine"])
def bundle(request):
    return hl.compile(
        Path(__file__).parents[2] / "examples" / "digits.yaml", plasticity=request.param, allow_lossy=True
    )


@pytest.fixture(scope="session")
def inputs(bundle):
    rng = np.random.default_rng(0)
    return {name: rng.integers(0, 2, (STEPS, source.size)) * 1.0 for name, source in bundle.network.inputs.items()}


@pytest.fixture(scope="session")
def report(bundle, inputs):
    return hl.profile(bundle, inputs, STEPS)
