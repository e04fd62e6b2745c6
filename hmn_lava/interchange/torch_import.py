"""Networks of PyTorch: a module of the usual layers with the neurons of a framework, by the framework's own NIR export.

torch and the framework are imported when they are used, and not before.
"""

from __future__ import annotations

from typing import Any

from hmn_lava.errors import BackendError, InputError
from hmn_lava.interchange.imported import Imported
from hmn_lava.interchange.nir_import import import_nir

FRAMEWORKS = {"snntorch": "snntorch", "norse": "norse", "sinabs": "sinabs", "spikingjelly": "spikingjelly"}
"""Conventions, by the package that the neurons are from."""
STEP = {"snntorch": 1e-4, "spikingjelly": 1e-4, "sinabs": 1.0, "norse": 1e-3}
"""The time step of each framework's export, in the unit of its time constants."""
UNSAID = {"padding_mode": "zeros", "ceil_mode": False, "count_include_pad": True, "divisor_override": None}
"""Options of torch's layers that the exports drop without a word, and the value at which that changes nothing."""


def import_torch(module: Any, sample: Any, **options: Any) -> Imported:
    """Import a ``torch.nn.Module``; ``sample`` is an input of one step, (1, *shape), a batch of one.

    The neurons' package (snnTorch, Norse, Sinabs or SpikingJelly) makes the NIR graph, and its convention and time step
    are used; ``options`` are those of :func:`hmn_lava.interchange.nir_import.import_nir`, and count before these.

    Raises BackendError where the package's export is not installed, InputError for a module without such neurons, or
    one that its export refuses.
    """
    if not hasattr(module, "modules") or not callable(module.modules):
        problem = f"is no torch.nn.Module, but {type(module).__name__}"
        raise InputError(problem, field="module", remedy="give a module of layers and neurons")
    packages = {type(part).__module__.partition(".")[0] for part in module.modules()}
    found = sorted(packages & FRAMEWORKS.keys())
    if len(found) != 1:
        has = f"has neurons of {', '.join(found)}" if found else "has no neurons of a known package"
        raise InputError(has, field="module", remedy=f"use neurons of one of: {', '.join(FRAMEWORKS)}")
    name = found[0]
    for part in module.modules():
        for option, usual in UNSAID.items():
            value = getattr(part, option, usual)
            if value != usual:
                problem = f"has a {type(part).__name__} with {option}={value!r}, which NIR has no word for"
                raise InputError(problem, field="module", remedy=f"use {option}={usual!r}")
    try:
        graph = _exported(name, module, sample)
    except ImportError as error:
        raise BackendError(f"{name} exports with a package that is not here: pip install {error.name}") from None
    except Exception as error:  # of any kind: what another package's export does not know
        told = " ".join(str(error).split())[:160]
        problem = f"{name} does not export it: {type(error).__name__}: {told}"
        raise InputError(problem, field="module", remedy="use layers that its NIR export knows") from None
    step = STEP[name] ** 2 if name == "norse" else STEP[name]  # Norse 1.1 writes tau = dt / tau_inverse
    return import_nir(graph, **{"dt": step, "convention": name, **options})


def _exported(name: str, module: Any, sample: Any) -> Any:
    if name == "snntorch":
        from snntorch.export_nir import export_to_nir

        return export_to_nir(module, sample, ignore_dims=[0])
    if name == "norse":
        from norse.torch.utils.export_nir import to_nir

        return to_nir(module, sample)
    if name == "sinabs":
        from sinabs.nir import to_nir as sinabs_to_nir

        return sinabs_to_nir(module, sample)
    from spikingjelly.activation_based.nir_exchange import export_to_nir as spikingjelly_to_nir

    return spikingjelly_to_nir(module, sample, dt=STEP[name])
