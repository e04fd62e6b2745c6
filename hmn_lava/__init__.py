"""hmn-lava: compile networks that learn by the Hybrid Modulated Neuron rule for Intel's Loihi.

See what the chip's integers will do.

::

    import hmn_lava as hl
    spec = hl.load_spec("digits.yaml")              # or built with hl.Network()
    bundle = hl.compile(spec, profile="loihi2", seed=0)
    result = bundle.run(inputs, steps=1000, probes=["readout.w"])
    hl.compare(bundle, "reference", "fast", inputs=inputs, steps=1000)
    hl.profile(bundle, inputs, steps=1000).per_update  # pJ, from low to high

Names are imported when they are first used, so that importing hmn_lava costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hmn_lava import learning as learning
    from hmn_lava.bundle import Bundle as Bundle
    from hmn_lava.bundle import load as load
    from hmn_lava.comparison import compare as compare
    from hmn_lava.compiler import compile as compile
    from hmn_lava.compiler.fidelity import side_by_side as side_by_side
    from hmn_lava.compiler.part import lower_part as lower_part
    from hmn_lava.energy import profile as profile
    from hmn_lava.errors import BackendError as BackendError
    from hmn_lava.errors import Finding as Finding
    from hmn_lava.errors import FitError as FitError
    from hmn_lava.errors import HmnError as HmnError
    from hmn_lava.errors import InputError as InputError
    from hmn_lava.errors import RunError as RunError
    from hmn_lava.hardware_profiles import load_profile as load_profile
    from hmn_lava.hybrid import Hybrid as Hybrid
    from hmn_lava.hybrid import attach as attach
    from hmn_lava.interchange.importing import import_network as import_network
    from hmn_lava.interchange.lava_export import export_lava as export_lava
    from hmn_lava.interchange.nir_export import export_nir as export_nir
    from hmn_lava.interchange.nir_import import import_nir as import_nir
    from hmn_lava.interchange.torch_import import import_torch as import_torch
    from hmn_lava.interchange.weights import load_weights as load_weights
    from hmn_lava.simulator.probes import Probe as Probe
    from hmn_lava.simulator.result import Result as Result
    from hmn_lava.spec import Network as Network
    from hmn_lava.spec import Spec as Spec
    from hmn_lava.spec import dump_spec as dump_spec
    from hmn_lava.spec import load_spec as load_spec
    from hmn_lava.spec import resolve as resolve
    from hmn_lava.sweeps import sweep as sweep

_HOMES = {
    "Bundle": "hmn_lava.bundle",
    "load": "hmn_lava.bundle",
    "compare": "hmn_lava.comparison",
    "compile": "hmn_lava.compiler",
    "side_by_side": "hmn_lava.compiler.fidelity",
    "lower_part": "hmn_lava.compiler.part",
    "profile": "hmn_lava.energy.profiling",
    "BackendError": "hmn_lava.errors",
    "Finding": "hmn_lava.errors",
    "FitError": "hmn_lava.errors",
    "HmnError": "hmn_lava.errors",
    "InputError": "hmn_lava.errors",
    "RunError": "hmn_lava.errors",
    "Hybrid": "hmn_lava.hybrid",
    "attach": "hmn_lava.hybrid",
    "load_profile": "hmn_lava.hardware_profiles",
    "import_network": "hmn_lava.interchange.importing",
    "export_lava": "hmn_lava.interchange.lava_export",
    "export_nir": "hmn_lava.interchange.nir_export",
    "import_nir": "hmn_lava.interchange.nir_import",
    "import_torch": "hmn_lava.interchange.torch_import",
    "load_weights": "hmn_lava.interchange.weights",
    "Probe": "hmn_lava.simulator.probes",
    "Result": "hmn_lava.simulator.result",
    "Network": "hmn_lava.spec",
    "Spec": "hmn_lava.spec",
    "dump_spec": "hmn_lava.spec",
    "load_spec": "hmn_lava.spec",
    "resolve": "hmn_lava.spec",
    "sweep": "hmn_lava.sweeps",
}

__all__ = sorted([*_HOMES, "learning"])


def __getattr__(name: str) -> Any:
    if name == "learning":
        return importlib.import_module("hmn_lava.learning")
    if name not in _HOMES:
        raise AttributeError(f"module 'hmn_lava' has no attribute '{name}'")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
