"""Parts with wires between them are the network that a spec describes, with every factor of the same step."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from closed_loop import ATTENTION, STEPS, run_attended, run_parts, run_reference


@pytest.mark.parametrize("phase", ["none", "shared", "per_synapse"])
@pytest.mark.parametrize("competition", ["none", "winner_take_all"])
def test_reals_are_those_of_the_reference(competition: str, phase: str):
    found, expected = run_parts(competition, phase, integers=False), run_reference(competition, phase)
    wait = 2 if competition == "winner_take_all" else 0  # z leaves with the verdict
    late = 2 + wait  # sent in step t, x is read in step t + 1, and w learns when z of step t has come
    assert np.allclose(found["z"][1 + wait :], expected["z.z"][: STEPS - 1 - wait], atol=1e-12)
    for name in ("psi_fast", "psi_slow", "w"):
        shown = expected[f"c.{name}"].reshape(STEPS, -1)
        assert np.ptp(shown, axis=0).max() > 0.01
        assert np.allclose(found[name][late:], shown[: STEPS - late], atol=1e-10), name


@pytest.mark.parametrize("phase", ["none", "shared", "per_synapse"])
@pytest.mark.parametrize("competition", ["none", "winner_take_all"])
def test_integers_are_near_them(competition: str, phase: str):
    found, expected = run_parts(competition, phase, integers=True), run_parts(competition, phase, integers=False)
    assert np.abs(found["z"] - expected["z"]).max() < 1e-3
    assert np.abs(found["w"] - expected["w"]).max() < 1e-3
    assert np.abs(found["psi_slow"] - expected["psi_slow"]).max() < 2e-3


def test_attention_comes_from_the_compilers_context_and_normaliser():
    found, expected = run_attended(), run_reference("none", "none", ATTENTION)
    late = 2 + 3  # attention takes three steps
    shown = expected["c.w"].reshape(STEPS, -1)
    assert np.ptp(shown, axis=0).max() > 0.01
    assert np.abs(found[late:] - shown[: STEPS - late]).max() < 1e-3
