"""The merged network as a NIR graph, and through the interchange layer as a spec that can be compiled.

LIF: U ← ρ_m U + I, as NIR's LIF of tau = dt / (1 - ρ_m) and r = 1 / (1 - ρ_m) by Euler's step, with a reset by
subtraction; the read-out, which adds up, is an I.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from hmn_lava.errors import BackendError
from hmn_lava.interchange.imported import Imported
from hmn_lava.interchange.nir_import import import_nir
from hmn_lava.training.network import Mpsl
from hmn_lava.training.synapses import Conv

DT = 1.0
"""A time step, in the unit of the graph's time constants."""


def to_nir(network: Mpsl, weights: Sequence[Tensor] | None = None) -> Any:
    """The ``nir.NIRGraph`` of a network, of one tensor a layer: ``weights``, or the merged ones.

    Nodes: input, pool1, conv1 or dense1, lif1, ..., readout, output. Raises BackendError where nir is not installed.
    """
    try:
        import nir
    except ImportError:
        raise BackendError("the export needs nir\n  remedy: pip install 'hmn-lava[training]'") from None
    nodes: dict[str, Any] = {"input": nir.Input({"input": np.array(network.sample)})}
    shape: tuple[int, ...] = network.sample
    merged = network.merged() if weights is None else weights
    for number, (part, tensor) in enumerate(zip(network.parts, merged, strict=True), 1):
        last = number == len(merged)
        if part.pool > 1:
            side = np.array([part.pool, part.pool])
            nodes[f"pool{number}"] = nir.AvgPool2d(kernel_size=side, stride=side, padding=np.array([0, 0]))
            shape = (shape[0], shape[1] // part.pool, shape[2] // part.pool)
        values = tensor.detach().numpy()
        if isinstance(part.synapses, Conv):
            nodes[f"conv{number}"] = nir.Conv2d(
                input_shape=(shape[1], shape[2]),
                weight=values,
                stride=part.synapses.stride,
                padding=part.synapses.padding,
                dilation=1,
                groups=1,
                bias=np.zeros(len(values), np.float32),
            )
        else:
            if len(shape) > 1:
                nodes[f"flatten{number}"] = nir.Flatten({"input": np.array(shape)}, start_dim=0, end_dim=-1)
            nodes[f"dense{number}"] = nir.Linear(values)
        shape = part.synapses.post
        if last:
            nodes["readout"] = nir.I(r=np.ones(shape, np.float32))
        else:
            nodes[f"lif{number}"] = _lif(nir, network, shape)
    nodes["output"] = nir.Output({"output": np.array(shape)})
    names = list(nodes)
    return nir.NIRGraph(nodes, list(pairwise(names)))


def _lif(nir: Any, network: Mpsl, shape: tuple[int, ...]) -> Any:
    def full(value: float) -> NDArray[np.float64]:
        return np.full(shape, value)

    threshold, decay = network.settings.threshold, network.settings.decay
    zero, end = full(0.0), full(threshold)
    if decay == 1.0:
        return nir.IF(r=full(1.0), v_threshold=end, v_reset=zero)
    lost = 1.0 - decay
    return nir.LIF(tau=full(DT / lost), r=full(1.0 / lost), v_leak=zero, v_threshold=end, v_reset=zero)


def import_merged(
    network: Mpsl,
    weights: Sequence[Tensor] | None = None,
    *,
    spikes: bool,
    voltage_max: float,
    name: str,
) -> Imported:
    """The spec of a network, through NIR.

    ``spikes``: whether its input is 0 and 1 alone. ``voltage_max``: at which the read-out's voltage saturates.
    """
    return import_nir(
        to_nir(network, weights),
        dt=DT,
        reset="subtract",
        integrator="step",
        voltage_max=voltage_max,
        input_range="spike" if spikes else (0.0, 1.0),
        name=name,
    )
