"""A ``.net`` file in lava-dl's netx, run in Lava: what every layer sends, and the states of its neurons."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from lava.lib.dl import netx
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import RunConfig
from lava.proc import io

STATES = ("u", "v", "sigma", "act", "real", "imag")


class Fixed(RunConfig):
    """The models in fixed point."""

    def __init__(self) -> None:
        super().__init__(custom_sync_domains=None)

    def select(self, process: Any, models: Any) -> Any:
        return next(model for model in models if "fixed_pt" in model.tags)


def flat(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Lava's (width, height, channels) as one row, channels first."""
    return np.asarray(values).reshape(shape).transpose().reshape(-1)


def lava_shape(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """(steps, neurons), channels first, as Lava has it: its shape, then steps."""
    steps = len(values)
    return np.moveaxis(values.reshape(steps, *reversed(shape)), 0, -1).transpose(
        *reversed(range(len(shape))), len(shape)
    )


def run(file: Path, x: np.ndarray, steps: int, states: bool = True, **options: Any) -> list[dict[str, np.ndarray]]:
    """For each layer what it sends, ``z``, and its states, (steps, neurons) each; ``x`` (steps, neurons) drives it.

    Where the first layer is of spiking neurons with a bias, that is the first row of ``x``.
    """
    net = netx.hdf5.Network(net_config=str(file), **options)
    first = net.in_layer
    if type(first).__name__ == "Input" and hasattr(first.neuron, "bias_mant"):
        first.neuron.bias_mant.init = lava_shape(x[:1], first.shape)[..., 0].astype(np.int32)
    else:
        port = first.neuron.a_in if type(first).__name__ == "Input" else net.inp
        source = io.source.RingBuffer(data=lava_shape(x, port.shape).astype(np.int32))
        source.s_out.connect(port)
    sinks = []
    for layer in net.layers:
        sink = io.sink.RingBuffer(shape=layer.out.shape, buffer=steps)
        layer.out.connect(sink.a_in)
        sinks.append(sink)
    found: list[dict[str, list[np.ndarray]]] = [{} for _ in net.layers]
    try:
        for _ in range(steps if states else 1):
            net.run(condition=RunSteps(num_steps=1 if states else steps), run_cfg=Fixed())
            for layer, values in zip(net.layers, found, strict=True):
                for name in STATES if states else ():
                    if hasattr(layer.neuron, name):
                        values.setdefault(name, []).append(flat(getattr(layer.neuron, name).get(), layer.out.shape))
        sent = [sink.data.get() for sink in sinks]
    finally:
        net.stop()
    return [
        {
            "z": np.array([flat(z[..., t], layer.out.shape) for t in range(steps)]),
            **{k: np.array(v) for k, v in values.items()},
        }
        for layer, z, values in zip(net.layers, sent, found, strict=True)
    ]
