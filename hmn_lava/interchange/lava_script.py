"""The text of a Lava script. Whatever comes from a network is written by ``repr``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from hmn_lava.errors import InputError
from hmn_lava.interchange.lava_parts import Stock
from hmn_lava.native import NativeLif, NativeSynapses
from hmn_lava.network import IntegerNetwork
from hmn_lava.partition import Part, Partition

SCRIPT, ARRAYS, BUNDLE = "network.py", "network.npz", "bundle"

HMN: Mapping[str, tuple[str, str]] = {
    "neuron": ("neuron", "HMNNeuron"),
    "competition": ("competition", "Competition"),
    "synapse": ("connection", "HMNConnection"),
    "learning": ("learning_connection", "HMNLearningConnection"),
    "static": ("static", "StaticConnection"),
    "oscillator": ("oscillator", "Oscillator"),
    "modulation": ("modulation", "Neuromodulator"),
}
"""Module and class of each component in hmn_lava.processes; the others are Compartments."""
LAVA = {
    "LIF": "lava.proc.lif.process",
    "Dense": "lava.proc.dense.process",
    "DelayDense": "lava.proc.dense.process",
    "Sparse": "lava.proc.sparse.process",
    "DelaySparse": "lava.proc.sparse.process",
}

HEAD = '''"""A network compiled by hmn-lava, in Lava, with the integers of its bundle.

`python network.py [OUT.npz]` runs it on the input in network.npz and keeps spikes and voltages, a row for each step.
"""

import sys
from pathlib import Path

import numpy as np
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from lava.proc.monitor.process import Monitor
'''

RUN = '''

def run(p):
    """Run the network; what each population sends, and its voltages."""
    sinks, monitors = {}, {}
    for name in POPULATIONS:
        sinks[name] = Sink(shape=p[name].s_out.shape, buffer=STEPS)
        p[name].s_out.connect(sinks[name].a_in)
    for name in VOLTAGES:
        monitors[name] = Monitor()
        monitors[name].probe(p[name].v, STEPS)
    first, done = p[POPULATIONS[0]], 0
    for stop in sorted({*BIAS_FROM.values(), STEPS}):
        if done < stop <= STEPS:
            first.run(condition=RunSteps(num_steps=stop - done), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
            done = stop
        for name, begin in BIAS_FROM.items():
            if begin == done:
                p[name].bias_mant.set(arrays[name + ".bias"])
    found = {name + ".z": sink.data.get().T.astype(int) for name, sink in sinks.items()}
    for name, monitor in monitors.items():
        found[name + ".v"] = monitor.get_data()[p[name].name]["v"].astype(int)
    first.stop()
    return found


if __name__ == "__main__":
    found = run(build())
    for name, values in found.items():
        if name.endswith(".z"):
            print(name, "sends", np.count_nonzero(values), "messages in", STEPS, "steps")
    if len(sys.argv) > 1:
        np.savez(sys.argv[1], **found)
'''


class Script:
    """``text()`` with the ``arrays`` that it reads, and the class of each part's Process."""

    def __init__(self, network: IntegerNetwork, cut: Partition, made: Mapping[str, Stock | str], steps: int) -> None:
        self.network, self.cut, self.steps = network, cut, steps * network.frame
        self.arrays: dict[str, NDArray[Any]] = {}
        self.classes: dict[str, str] = {}
        self.late: dict[str, int] = {}
        self.imports: dict[str, set[str]] = {}
        self.bundled = False
        self.lines = [f"    p[{name!r}] = Source(data=arrays[{name!r}])" for name in network.inputs]
        for name, part in cut.parts.items():
            self.lines.append(f"    p[{name!r}] = {self._process(name, part, made[name])}")
        self.lines += [f"    {_port(*wire.source)}.connect({_port(*wire.target)})" for wire in cut.wires]

    def text(self) -> str:
        """The script."""
        head = [HEAD.rstrip("\n")]
        imports = sorted(self.imports.items())
        head += [f"from {module} import {', '.join(sorted(names))}" for module, names in imports if names]
        head += ['\narrays = np.load(Path(__file__).with_name("network.npz"), allow_pickle=False)']
        if self.bundled:
            head += ['parts = partition(load(Path(__file__).with_name("bundle")).network).parts']
        neurons = [name for name, part in self.cut.parts.items() if part.component == "neuron"]
        voltages = [n for n in neurons if any(v.name == "v" for v in self.network.groups[n].program.states)]
        head += [f"STEPS = {self.steps}", f"POPULATIONS = {neurons!r}", f"VOLTAGES = {voltages!r}"]
        head += [f"BIAS_FROM = {self.late!r}  # steps after which a bias acts: when a first input can be there"]
        body = [
            "\n\ndef build():",
            '    """The Processes by name, connected."""',
            "    p = {}",
            *self.lines,
            "    return p",
        ]
        return "\n".join([*head, *body]) + "\n" + RUN

    def _process(self, name: str, part: Part, made: Stock | str) -> str:
        if isinstance(made, str):
            module, kind = HMN.get(part.component, ("compartments", "Compartments"))
            self.bundled = True
            self._import("hmn_lava.bundle", "load")
            self._import("hmn_lava.partition", "partition")
            self._import(f"hmn_lava.processes.{module}.process", kind)
            self.classes[name] = kind
            return f"{kind}(part=parts[{name!r}])"
        if isinstance(made.process, NativeLif):
            return self._lif(name, made.process, made.hold)
        return self._synapses(name, made.process)

    def _lif(self, name: str, lif: NativeLif, hold: int) -> str:
        given = f"shape=({lif.size},), du={lif.du}, dv={lif.dv}, vth={lif.vth}"
        if lif.bias_mant.any():
            self.arrays[f"{name}.bias"] = lif.bias_mant.astype("int32")
            given += f", bias_exp={lif.bias_exp}"
            if hold:
                self.late[name] = hold
            else:
                given += f", bias_mant=arrays[{f'{name}.bias'!r}]"
        return self._lavas(name, "LIF", f"{given}, name={name!r}")

    def _synapses(self, name: str, synapses: NativeSynapses) -> str:
        late = synapses.delays is not None
        kind = ("Delay" if late else "") + ("Dense" if synapses.dense else "Sparse")
        self.arrays[f"{name}.weights"] = synapses.weights.astype("int32")
        given = f"arrays[{f'{name}.weights'!r}]"
        given = f"weights={given if synapses.dense else f'csr_matrix({given})'}, weight_exp={synapses.weight_exp}"
        if synapses.delays is not None:
            self.arrays[f"{name}.delays"] = synapses.delays.astype("int64")
            delays = f"arrays[{f'{name}.delays'!r}]"
            given += f", delays={delays if synapses.dense else f'csr_matrix({delays})'}"
        if not synapses.dense:
            self._import("scipy.sparse", "csr_matrix")
        return self._lavas(name, kind, f"{given}, num_message_bits={synapses.message_bits}")

    def _lavas(self, name: str, kind: str, given: str) -> str:
        self.classes[name] = kind
        self._import(LAVA[kind], kind)
        return f"{kind}({given})"

    def _import(self, module: str, name: str) -> None:
        self.imports.setdefault(module, set()).add(name)


def _port(owner: str, port: str) -> str:
    if not port.isidentifier():
        raise InputError("is no name of a port", where=owner, field="port", value=port, remedy="compile the spec again")
    return f"p[{owner!r}].{port}"
