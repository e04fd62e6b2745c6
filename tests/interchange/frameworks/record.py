"""Export small networks from snnTorch, Norse, Sinabs and SpikingJelly, and record what each does with an input.

``python record.py DIR`` in an environment that has the frameworks (``make test-frameworks`` makes one) writes, for each
network, DIR/NAME.nir.gz and DIR/NAME.npz: ``x`` (steps, *shape) and ``z`` (steps, neurons), the framework's own output.
The plain tests compare the import with the recordings that are committed beside this file.
"""

from __future__ import annotations

import gzip
import io
import sys
import warnings
from pathlib import Path

import nir
import numpy as np
import torch

STEPS = 60


def dense(module: torch.nn.Module, gain: float) -> torch.nn.Module:
    """Weights and biases that make the neurons behind them fire now and then."""
    with torch.no_grad():
        for name, values in module.named_parameters():
            if name.endswith("weight"):
                values.mul_(gain)
            elif name.endswith("bias"):
                values.add_(0.02 * gain)
    return module


def poisson(*shape: int, rate: float = 0.3) -> torch.Tensor:
    """Spikes, (steps, 1, *shape)."""
    return (torch.rand(STEPS, 1, *shape) < rate).float()


def stepped(x, call):
    """The outputs of a function that is called with each step, (steps, neurons)."""
    with torch.no_grad():
        return np.stack([call(step).reshape(-1).numpy() for step in x])


def snntorch_networks():
    import snntorch as snn
    from snntorch.export_nir import export_to_nir

    def record(network, x):
        def call(step):
            out = network(step)
            return out[0] if isinstance(out, tuple) else out

        graph = export_to_nir(network, x[0], ignore_dims=[0])
        for layer in network:
            if hasattr(layer, "reset_mem"):
                layer.reset_mem()
        return graph, x, stepped(x, call)

    for reset in ("subtract", "zero"):
        yield f"snntorch_leaky_{reset}", *record(
            torch.nn.Sequential(
                dense(torch.nn.Linear(20, 30), 2.0),
                snn.Leaky(beta=0.9 * torch.ones(30), threshold=torch.ones(30), init_hidden=True, reset_mechanism=reset),
                dense(torch.nn.Linear(30, 10, bias=False), 3.0),
                snn.Leaky(
                    beta=torch.linspace(0.5, 0.95, 10), threshold=torch.linspace(0.5, 1.5, 10), init_hidden=True,
                    reset_mechanism=reset, output=True,
                ),
            ),
            poisson(20),
        )  # fmt: skip
    yield (
        "snntorch_synaptic",
        *record(
            torch.nn.Sequential(
                dense(torch.nn.Linear(20, 30), 1.0),
                snn.Synaptic(
                    alpha=0.7 * torch.ones(30), beta=0.85 * torch.ones(30), threshold=torch.ones(30), init_hidden=True
                ),
                dense(torch.nn.Linear(30, 10), 2.0),
                snn.Leaky(beta=0.8 * torch.ones(10), threshold=torch.ones(10), init_hidden=True, output=True),
            ),
            poisson(20),
        ),
    )
    yield (
        "snntorch_recurrent",
        *record(
            torch.nn.Sequential(
                dense(torch.nn.Linear(20, 16), 2.0),
                snn.RLeaky(beta=0.9, linear_features=16, init_hidden=True),
                dense(torch.nn.Linear(16, 10), 2.0),
                snn.Leaky(beta=0.8 * torch.ones(10), threshold=torch.ones(10), init_hidden=True, output=True),
            ),
            poisson(20),
        ),
    )


def norse_networks():
    import norse.torch as norse
    from norse.torch.utils.export_nir import to_nir

    def record(network, x):
        state = None

        def call(step):
            nonlocal state
            out, state = network(step, state)
            return out.to_dense() if out.is_sparse else out

        graph = to_nir(network, x[0])
        for node in graph.nodes.values():
            if isinstance(node, nir.Conv2d):  # Norse leaves it out, and nir cannot write that
                node.input_shape = tuple(x.shape[-2:])
        return graph, x, stepped(x, call)

    box = norse.LIFBoxParameters(
        tau_mem_inv=torch.full((24,), 150.0), v_leak=torch.full((24,), 0.1), v_th=torch.full((24,), 0.6),
    )  # fmt: skip
    li = norse.LIBoxParameters(tau_mem_inv=torch.full((10,), 80.0), v_leak=torch.zeros(10))
    yield "norse_box", *record(
        norse.SequentialState(
            dense(torch.nn.Linear(20, 24), 4.0), norse.LIFBoxCell(box), dense(torch.nn.Linear(24, 10), 2.0),
            norse.LIBoxCell(li),
        ),
        poisson(20),
    )  # fmt: skip
    cuba = norse.LIFParameters(
        tau_syn_inv=torch.full((24,), 200.0), tau_mem_inv=torch.full((24,), 100.0), v_leak=torch.zeros(24),
        v_th=torch.full((24,), 0.5), v_reset=torch.zeros(24),
    )  # fmt: skip
    yield (
        "norse_cuba",
        *record(norse.SequentialState(dense(torch.nn.Linear(20, 24), 3.0), norse.LIFCell(cuba)), poisson(20)),
    )
    iaf = norse.IAFParameters(v_th=torch.ones(8, 5, 5), v_reset=torch.zeros(8, 5, 5))
    yield "norse_conv", *record(
        norse.SequentialState(
            dense(torch.nn.Conv2d(2, 8, 3, stride=2, padding=1), 1.5), norse.IAFCell(iaf),
        ),
        poisson(2, 9, 9),
    )  # fmt: skip


def sinabs_networks():
    import sinabs.activation as act
    import sinabs.layers as sl
    from sinabs.nir import to_nir

    def record(network, x):
        with torch.no_grad():
            z = network(x.transpose(0, 1).flatten(0, 1)).reshape(STEPS, -1).numpy()
        graph = to_nir(network, x[0])
        if any(isinstance(node, nir.Conv2d) for node in graph.nodes.values()):
            graph.infer_types()  # Sinabs leaves the shapes out
        return graph, x, z

    one = {"spike_fn": act.SingleSpike, "batch_size": 1}
    yield "sinabs_cnn", *record(
        torch.nn.Sequential(
            dense(torch.nn.Conv2d(2, 6, 3, padding=1, bias=False), 2.0), sl.IAFSqueeze(**one), sl.SumPool2d(2),
            dense(torch.nn.Conv2d(6, 8, 3, bias=False), 2.0), sl.IAFSqueeze(**one), torch.nn.Flatten(),
            dense(torch.nn.Linear(8 * 3 * 3, 10, bias=False), 3.0), sl.IAFSqueeze(**one),
        ),
        poisson(2, 10, 10, rate=0.2),
    )  # fmt: skip
    yield "sinabs_lif", *record(
        torch.nn.Sequential(
            dense(torch.nn.Linear(20, 24), 12.0), sl.LIFSqueeze(tau_mem=8.0, **one),
            dense(torch.nn.Linear(24, 10), 10.0), sl.LIFSqueeze(tau_mem=5.0, **one),
        ),
        poisson(20),
    )  # fmt: skip


def spikingjelly_networks():
    from spikingjelly.activation_based import functional, layer, neuron
    from spikingjelly.activation_based.nir_exchange import export_to_nir

    def record(network, x):
        graph = export_to_nir(network, x[0], dt=1e-4)
        functional.reset_net(network)
        return graph, x, stepped(x, network)

    yield "spikingjelly_cnn", *record(
        torch.nn.Sequential(
            dense(layer.Conv2d(2, 6, 3, padding=1), 4.0), neuron.IFNode(), layer.AvgPool2d(2),
            dense(layer.Conv2d(6, 8, 3), 12.0), neuron.LIFNode(tau=2.0), layer.Flatten(),
            dense(layer.Linear(8 * 3 * 3, 10), 16.0), neuron.LIFNode(tau=3.0, v_threshold=0.5, v_reset=-0.1),
        ),
        poisson(2, 10, 10),
    )  # fmt: skip
    yield "spikingjelly_lif", *record(
        torch.nn.Sequential(
            dense(layer.Linear(20, 24), 5.0), neuron.LIFNode(tau=4.0, decay_input=False),
            dense(layer.Linear(24, 10), 5.0), neuron.LIFNode(tau=2.0),
        ),
        poisson(20),
    )  # fmt: skip


def main(folder: str) -> None:
    """Record all networks into a folder."""
    warnings.simplefilter("ignore")
    for networks in (snntorch_networks, norse_networks, sinabs_networks, spikingjelly_networks):
        torch.manual_seed(8)
        for name, graph, x, z in networks():
            file = io.BytesIO()
            nir.write(file, graph, compression=None)  # scalars cannot be compressed
            (Path(folder) / f"{name}.nir.gz").write_bytes(gzip.compress(file.getvalue(), mtime=0))
            np.savez_compressed(
                Path(folder) / f"{name}.npz", x=np.packbits(x[:, 0].numpy().astype(bool)), shape=x[:, 0].shape,
                z=z.astype(np.float32),
            )  # fmt: skip
            print(f"{name:24} {float((z > 0).mean()):.3f} of the outputs are above 0")


if __name__ == "__main__":
    main(sys.argv[1])
