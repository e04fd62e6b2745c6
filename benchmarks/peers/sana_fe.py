"""SANA-FE's estimate of a static network on its own description of Loihi 1, ``sanafe.load_loihi()``.

Written from its public documentation (sana-fe.readthedocs.io) and the interfaces of the installed package; its source,
under GPL-3, was not read. Its inputs are sources of spikes that cost nothing but their messages. They lie in the tile
of the neuron that they drive, so that no hop is theirs.
"""

from __future__ import annotations

import time
from collections import Counter
from importlib.metadata import version
from typing import Any

import numpy as np
import sanafe
from numpy.typing import NDArray

from benchmarks.child import Job, serve

SYNAPSES = {True: "loihi_dense_synapse", False: "loihi_sparse_synapse"}
ROWS, SEATS = 4, 4
"""Tiles of a column of its mesh, which are numbered column by column; cores of a tile."""

Place = tuple[int, int, int]
"""Tile column, tile row, and seat in the tile."""


class SanaFe:
    """The network of a job; all steps at once, from the beginning."""

    def __init__(self, job: Job) -> None:
        given = job.arrays
        self._steps, size = given["input"].shape
        self.about: dict[str, Any] = {"sanafe": version("sanafe"), "steps": self._steps}
        architecture = sanafe.load_loihi()
        places: dict[str, list[Place]] = {
            name: [(column, row, seat) for column, row, seat in given[f"{name}_places"].tolist()]
            for name in ("one", "two")
        }

        def core(place: Place) -> Any:
            column, row, seat = place
            return architecture.tiles[column * ROWS + row].cores[seat]

        synapses = SYNAPSES[bool(job.settings["density"] == 1.0)]
        net = sanafe.Network()
        lif = {"soma_hw_name": "loihi_lif", "default_dendrite_hw_name": "loihi_dendrites", "log_spikes": True}
        x = net.create_neuron_group("x", size)
        one = net.create_neuron_group("one", size, model_attributes=_threshold(0.5), **lif,
                                      default_synapse_hw_name=SYNAPSES[False])  # fmt: skip
        two = net.create_neuron_group("two", size, model_attributes=_threshold(job.settings["threshold"]), **lif,
                                      default_synapse_hw_name=synapses)  # fmt: skip
        taken, inputs = Counter(places["one"] + places["two"]), Counter[Place]()
        for number, (source, (column, row, _)) in enumerate(zip(x, places["one"], strict=True)):
            place = min(((column, row, seat) for seat in range(SEATS)), key=lambda seat: taken[seat])
            train = {"spikes": given["input"][:, number].tolist()}
            source.set_attributes(soma_hw_name=f"loihi_inputs[{inputs[place]}]", model_attributes=train)
            source.map_to_core(core(place))
            taken[place] += 1
            inputs[place] += 1
        for group, name in ((one, "one"), (two, "two")):
            for neuron, place in zip(group, places[name], strict=True):
                neuron.map_to_core(core(place))
        x.connect_neurons_sparse(one, {"weight": [1.0] * size}, [(n, n) for n in range(size)])
        pairs = list(zip(given["pre"].tolist(), given["post"].tolist(), strict=True))
        one.connect_neurons_sparse(two, {"weight": given["weights"].tolist()}, pairs)
        self._chip, self._size = sanafe.SpikingChip(architecture), size
        self._chip.load(net)
        self._result: dict[str, Any] = {}

    def run(self, steps: int) -> float:
        began = time.perf_counter()
        self._result = self._chip.sim(steps, spike_trace=True, perf_trace=True)
        return time.perf_counter() - began

    def state(self) -> dict[str, NDArray[Any]]:
        """Spikes, (steps, size); energies in pJ, time in ns, synaptic events and hops, of the whole run."""
        found = {name: np.zeros((self._steps, self._size), np.int64) for name in ("one", "two")}
        for step, fired in enumerate(self._result["spike_trace"]):
            for neuron in fired:
                found[neuron.group_name][step, neuron.neuron_offset] = 1
        energy = {f"energy_{name}": np.array(1e12 * value) for name, value in self._result["energy"].items()}
        return {
            **found,
            **energy,
            "time": np.array(1e9 * self._result["sim_time"]),
            "events": np.array(self._result["spikes"]),
            "hops": np.array(sum(self._result["perf_trace"]["hops"])),
        }

    def close(self) -> None:
        """Nothing is left."""


def _threshold(value: float) -> dict[str, float]:
    """A neuron without memory that spikes where the sum of what arrives in a step is above ``value``."""
    return {"threshold": value, "leak_decay": 0.0, "reset": 0.0}


if __name__ == "__main__":
    serve(SanaFe)
