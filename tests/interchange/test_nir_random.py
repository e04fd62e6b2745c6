"""Random static networks come back from NIR as they were, and are the same networks without the metadata."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings

sys.path.insert(0, str(Path(__file__).parent.parent / "conformance"))

from specs import parse
from static_specs import static_spec_dicts

from hmn_lava.interchange import nir_metadata
from hmn_lava.interchange.nir_export import export_nir
from hmn_lava.interchange.nir_import import import_nir
from hmn_lava.reference import Reference
from hmn_lava.spec import Spec, resolve

pytest.importorskip("nir")

STEPS = 30
RANDOM = settings(
    max_examples=60, deadline=None, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)


@pytest.mark.heavy
@RANDOM
@given(data=static_spec_dicts())
def test_there_and_back(data: dict[str, Any]) -> None:
    for population in data["populations"].values():
        population.pop("restart", None)
        if population.get("output") == "voltage":
            population["z_max"] = 1e6  # NIR's voltages do not saturate
    spec = parse(data)
    made = export_nir(spec)
    assert import_nir(made.graph).spec == spec
    if any(finding.severity == "warning" for finding in made.findings):
        return
    del made.graph.metadata[nir_metadata.KEY]
    bare = import_nir(made.graph, voltage_max=1e6, input_range=(-1e3, 1e3)).spec
    model = resolve(spec)
    rng = np.random.default_rng(1)
    inputs = {
        p.name: rng.integers(0, 2, (STEPS, p.size)) * p.high for p in model.populations.values() if not p.activation
    }
    names = [f"{n}.z" for n, p in model.populations.items() if p.activation and n in bare.populations]
    first, second = (_run(s, inputs, names) for s in (spec, bare))
    for name in names:
        np.testing.assert_allclose(first[name], second[name], rtol=1e-5, atol=1e-5)


def _run(spec: Spec, inputs: dict[str, Any], names: list[str]) -> dict[str, Any]:
    model = resolve(spec)
    given = {name: values for name, values in inputs.items() if name in model.populations}
    return Reference(model).run(given, STEPS, names)
