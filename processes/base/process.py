"""The Process of a part of an HMN network: its ports and Vars."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var

from hmn_lava.partition import Part
from hmn_lava.processes.base.variables import formats, initial_values, messages_shape


class HMNProcess(AbstractProcess):
    """A component of an HMN network.

    In fixed point (``fixed_pt``) it runs the component's neurocore program or learning rule, the same that every other
    executor runs; in floating point (``floating_pt``) the equations of the model. Ports carry the integers of the
    program's formats, or real numbers.

    Ports are those of ``part``, called as in Lava where Lava has such a port (``a_in``, ``s_in``, ``s_out``, ``a_out``,
    ``s_in_bap``, ``s_out_y1``, ...). Vars are the part's states, its constants (setting one changes the running
    component), the weights of synapses as ``weights``, and ``messages``: the messages in flight, a ring buffer for each
    port. With ``time`` (the Process's time step plus ``start``) they are all that the next step depends on.

    ``formats`` tells the format (:class:`hmn_lava.fixed.Fixed`) of the integers at each port and in each Var of a
    program.
    """

    _runtime = None  # Lava's __del__ asks for it, also where a constructor has refused its arguments

    def __init__(
        self,
        *,
        part: Part,
        equations: Any = None,
        observe: Collection[str] = (),
        start: int = 0,
        messages: np.ndarray[Any, Any] | None = None,
        states: Mapping[str, np.ndarray[Any, Any]] | None = None,
        checkpoint: tuple[str, int] | None = None,
        name: str | None = None,
        log_config: Any = None,
        translator: str | None = None,
        folder: str | None = None,
    ) -> None:
        """A Process of ``part``.

        :param equations: the same component in floating point (see :mod:`hmn_lava.reference.parts`); None: none.
        :param observe: observables of the program that become Vars.
        :param start: steps of the chip that were run before.
        :param messages: messages in flight from those steps; None: none.
        :param states: states from those steps; None: the initial ones.
        :param checkpoint: a file and the time step after which all Vars are written to it.
        :param log_config: Lava's.
        :param translator: on a board, the microcode translator's name, if there are several.
        :param folder: on a board, where it writes; None: a temporary one.
        """
        super().__init__(
            part=part,
            equations=equations,
            observe=tuple(observe),
            start=start,
            checkpoint=checkpoint,
            name=name or part.name,
            log_config=log_config,
            translator=translator,
            folder=folder,
        )
        self.formats = formats(part)
        for port in (*part.inputs, *part.supplied):
            setattr(self, port.name, InPort(shape=(port.size,)))
        for out in part.outputs:
            setattr(self, out.name, OutPort(shape=(out.size,)))
        for variable, value in initial_values(part, observe, states).items():
            setattr(self, variable, Var(shape=value.shape, init=value))
        in_flight = np.zeros(messages_shape(part), np.int64) if messages is None else messages
        if in_flight.size:
            self.messages = Var(shape=in_flight.shape, init=in_flight)
