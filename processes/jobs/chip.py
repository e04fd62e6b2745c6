"""What every network on a board needs: adapters, a run configuration, and neurocore models where it counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any

from lava.magma.core.run_configs import Loihi1HwCfg, Loihi2HwCfg

from hmn_lava.backends.hosts import Host
from hmn_lava.errors import BackendError


def adapted(adapter: str, sender: Any, size: int, bits: int) -> Any:
    """The port behind an adapter between host and chip; ``bits`` of a message, 0 for spikes without a payload."""
    between = getattr(import_module("lava.proc.embedded_io.spike"), adapter)(shape=(size,), num_message_bits=bits)
    sender.connect(between.inp)
    return between.out


def board_configuration(host: Host, on_host: Mapping[type, type]) -> Any:
    """The run configuration of a board: Loihi2HwCfg or Loihi1HwCfg itself, since a subclass could not be measured.

    Without a tag: a tag would prefer a CPU model that has it to a neurocore model that has none. The models of what
    stays ``on_host`` are chosen by name.
    """
    return (Loihi1HwCfg if host.generation.startswith("N2") else Loihi2HwCfg)(exception_proc_model_map=dict(on_host))


def refuse_cpu_models(processes: Iterable[Any]) -> None:
    """Raise BackendError if Lava chose CPU models for Processes on the chip, which it does without a word."""
    neurocore = import_module("lava.magma.core.model.nc.model").AbstractNcProcessModel
    for process in processes:
        if not issubclass(process.model_class, neurocore):
            raise BackendError(
                f"the extension has no neurocore model of {type(process).__name__}: Lava would run "
                f"{process.model_class.__name__} on the CPU; nothing was run."
            )
