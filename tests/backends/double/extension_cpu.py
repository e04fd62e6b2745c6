"""How the double's neurocore models are run without a neurocore.

A model of the double is chosen as a neurocore model, then expands into a Process of the same kind that Lava's own
fixed-point CPU model runs. (A class that were both a neurocore and a Python model would not do: Lava 0.10.0 groups
Processes by the kind of their model, and fails on one that has two.)
"""

from typing import Any

from lava.magma.core.model.sub.model import AbstractSubProcessModel

NOT_PASSED_ON = ("shape", "name", "log_config")


def twin(process: Any, kind: type, **more: Any) -> Any:
    """Make a Process of ``kind`` with the arguments (and ``more``), ports and variables of ``process``."""
    arguments = {key: value for key, value in process.proc_params._parameters.items() if key not in NOT_PASSED_ON}
    inner = kind(**(arguments | more))
    for port in process.in_ports:
        port.connect(getattr(inner, port.name))
    for port in inner.out_ports:
        port.connect(getattr(process, port.name))
    for var in process.vars:
        var.alias(getattr(inner, var.name))
    return inner


class RunsOnCpu(AbstractSubProcessModel):
    """Base of the double's neurocore models; ``cpu_kind`` is the Process that is run instead."""

    cpu_kind: type
    kept_as_var: tuple[str, ...] = ()
    """Arguments that a Process of this kind holds as a variable alone."""

    def __init__(self, process: Any) -> None:
        more = {name: getattr(process, name).init for name in self.kept_as_var}
        self.inner = twin(process, self.cpu_kind, **more)
