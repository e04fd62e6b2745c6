"""The neurocore ProcessModel of a microcoded component. It is there only where Intel's extension lava-loihi is.

The allocation follows what public code shows of the extension's interface (``allocate(net)``, ``allocate_ucode``), and
has never been run against it: see docs/boards.md. Importing this file without the extension raises ImportError, which
the ``ncmodels.py`` of a component takes for an answer.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path
from typing import Any

from lava.magma.core.model.nc.model import NcProcessModel
from lava.magma.core.model.nc.ports import NcInPort, NcOutPort
from lava.magma.core.model.nc.type import LavaNcType
from lava.magma.core.model.nc.var import NcVar

from hmn_lava.backends.translator import constants, find_translator, translate
from hmn_lava.microcode.ir import WORD
from hmn_lava.network import Group
from hmn_lava.partition import Part
from hmn_lava.processes.base.models import IN, OUT


class PortsOnChip(type(NcProcessModel)):  # type: ignore[misc]
    """As :class:`hmn_lava.processes.base.models.PortsOfProcess`: ports and Vars depend on the program."""

    def __getattr__(cls, name: str) -> LavaNcType:
        if name.startswith("_"):
            raise AttributeError(name)
        kind = NcInPort if IN.match(name) else NcOutPort if OUT.match(name) else NcVar
        return LavaNcType(kind, int, precision=WORD)


class NeurocoreModel(NcProcessModel, metaclass=PortsOnChip):
    """Allocates compartments that run the component's program, which a translator makes of our microcode.

    Constants that all compartments share go to the program, those of each to its state. Raises BackendError where no
    translator is installed.
    """

    def allocate(self, net: Any) -> None:
        """Allocate the program, the compartments with their states, and the axons that leave them."""
        part: Part = self.proc_params["part"]
        translator = find_translator(self.proc_params.get("translator"))
        folder = self.proc_params.get("folder")
        if folder is None:  # the board's loader reads it later
            folder = tempfile.mkdtemp(prefix="hmn-lava-ucode-")
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
        for group in part.network.groups.values():
            shared = {name: int(c.values[0]) for name, c in group.constants.items() if c.values.size == 1}
            net.neurons_cfg.allocate_ucode(
                shape=(1,),
                ucode=str(translate(translator, group.program, Path(folder))),
                **constants(translator, group.program, shared),
            )
            net.neurons.allocate_ucode(shape=(group.size,), **_words(group))
        for port in part.outputs:
            net.ax_out.allocate(shape=(port.size,), num_message_bits=WORD)


def _words(group: Group) -> dict[str, Any]:
    """State words of each compartment: its states, and the constants that are its own."""
    topology = group.topology
    words: dict[str, Any] = {name: values.tolist() for name, values in group.initial.items()}
    for name, constant in group.constants.items():
        if constant.values.size > 1:
            values = constant.values
            if topology is not None and constant.along in ("pre", "post"):
                values = values[topology.col if constant.along == "pre" else topology.row]
            words[name] = values.tolist()
    return words
