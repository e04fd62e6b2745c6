"""Floating-point ProcessModels: the equations of a component, on the same ports and with the same delays."""

from __future__ import annotations

from typing import Any

from lava.magma.core.model.py.model import PyLoihiProcessModel

from hmn_lava.errors import InputError
from hmn_lava.processes.base.models import PortsOfProcess


class FloatModel(PyLoihiProcessModel, metaclass=PortsOfProcess):
    """Runs ``equations`` of the Process, a :class:`hmn_lava.reference.parts.FloatPart`; its states show in the Vars."""

    number = float

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        if proc_params["equations"] is None:
            raise InputError(
                "a part of a compiled network has no floating-point form",
                where=proc_params["name"],
                field="equations",
                remedy="run it in fixed_pt, run the whole bundle on the backend reference, or give equations",
            )

    def run_spk(self) -> None:
        """One step of the chip."""
        equations = self.proc_params["equations"]
        if self.time_step == 1:
            self._show(equations.states)
        equations.load({name: getattr(self, name) for name in equations.states})
        equations.step_once(self._receive, self._send)
        self._show(equations.states)

    def _show(self, states: dict[str, Any]) -> None:
        for name, value in states.items():
            variable = getattr(self, name)
            variable[...] = value.reshape(variable.shape)

    def _receive(self, port: str) -> Any:
        return getattr(self, port).recv()

    def _send(self, port: str, values: Any) -> None:
        getattr(self, port).send(values.astype(float))
