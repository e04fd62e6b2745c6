"""Whether the Processes that a user connected agree on what their integers mean."""

from __future__ import annotations

from hmn_lava.errors import InputError
from hmn_lava.parts.ports import Wire, check_wires
from hmn_lava.processes.base.process import HMNProcess


def check_formats(*processes: HMNProcess) -> None:
    """Raise InputError if an out-port of ``processes`` sends integers of another scale than a connected port reads.

    All connections to ports of HMN Processes are looked at; call it when they are made, before ``run``. In
    ``floating_pt`` ports carry real numbers, and nothing can differ.

    >>> from hmn_lava.processes.connection.process import HMNConnection
    >>> from hmn_lava.processes.neuron.process import HMNNeuron
    >>> neurons = HMNNeuron(shape=(2,), activation="sigmoid")
    >>> synapses = HMNConnection(weights=[[0.5, 0.0]], x_range=neurons.sends["s_out"])
    >>> neurons.s_out.connect(synapses.s_in)
    >>> check_formats(neurons, synapses)
    """
    check_wires(wire for process in processes for wire in _wires(process))


def _wires(process: HMNProcess) -> list[Wire]:
    """All connections from ``process`` to ports of HMN Processes."""
    if not isinstance(process, HMNProcess):
        remedy = "give Processes of hmn_lava.processes"
        raise InputError("is no HMN Process", where="check_formats", field="processes", value=process, remedy=remedy)
    found = []
    for out in process.out_ports:
        for port in out.get_dst_ports():
            target = port.process
            if isinstance(target, HMNProcess):
                ends = process.formats.get(out.name), target.formats.get(port.name)
                found.append(Wire(f"{process.name}.{out.name}", ends[0], f"{target.name}.{port.name}", ends[1]))
    return found
