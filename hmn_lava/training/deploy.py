"""A trained network on the chip: one tensor a layer, or the last layer's Hebbian rule beside the rest that is frozen.

Where it stays plastic, the last layer has two connections from the same neurons:

    frozen   λ_1 W_1 + λ_3 W_3
    plastic  λ_2 W_2, which learns on: W ← W e^{-1/(τ_w B)} + λ_2 η/B S (ρ(U) + β)

since the chip takes one sample at a time where training took a mean over B of them. An input population ``teacher``
drives the neurons of the last layer, so that ρ(U) is 1 for the class of a label and 0 for the others; without a label
it is what the network itself makes of the sample.
"""

from __future__ import annotations

import math
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import hmn_lava as hl
from hmn_lava.accuracy import measure
from hmn_lava.errors import Finding, InputError
from hmn_lava.files import write_output
from hmn_lava.interchange.imported import Imported
from hmn_lava.spec import Spec
from hmn_lava.spec.neurons import RestartSpec
from hmn_lava.training.checkpoint import read_checkpoint
from hmn_lava.training.data import Samples, Singles, samples_at
from hmn_lava.training.export import import_merged, to_nir
from hmn_lava.training.fit import Tell, answers
from hmn_lava.training.network import Mpsl
from hmn_lava.training.settings import Settings

CALIBRATED = 200
"""Training samples by which the largest voltage of the read-out is found."""
ROOM = 1.25
"""How much larger than found the read-out's voltage may become before it saturates."""
TEACHER, PLASTIC = "teacher", "plastic"
"""Names of what a plastic last layer has besides: the input of labels, and the synapses that learn."""
DRIVE = 4.0
"""How much stronger a label drives a neuron than all that it hears, so that ρ(U) is 1 or 0 from the first step on."""


@dataclass(frozen=True)
class Run:
    """A trained network with the samples that it was trained on."""

    network: Mpsl
    settings: Settings
    data: str
    samples: Samples


@dataclass(frozen=True)
class Deployed:
    """The spec, and what has to be said of it. Names of its input and of its last layer."""

    spec: Spec
    findings: tuple[Finding, ...]
    input: str
    output: str


@dataclass(frozen=True)
class Kept:
    """Accuracies of one network on the same test samples, and how often floats and integers give the same answer."""

    trained: float
    reference: float
    integers: float
    agreement: float
    samples: int

    def as_dict(self) -> dict[str, float]:
        return dict(self.__dict__)


def load_run(folder: Path, data: str | None = None) -> Run:
    """The network of a training run, and its samples, which ``data`` says if they have moved.

    Raises InputError for a folder without a run, and samples that are not of its shape.
    """
    kept = read_checkpoint(folder)
    if kept is None:
        remedy = "give the folder that hmn-lava mpsl train wrote"
        raise InputError("holds no training run", where=str(folder), remedy=remedy)
    samples = samples_at(data or kept.data, kept.settings.steps, kept.settings.seed)
    if samples.shape != kept.sample or samples.classes != kept.classes:
        problem = f"has samples of {samples.shape}, not of {kept.sample} as the run had"
        raise InputError(problem, where=str(folder), field="data", value=kept.data, remedy="give the run's own data")
    return Run(kept.network(str(folder)), kept.settings, kept.data, samples)


def deploy(run: Run, *, plastic: bool = False, gain: float = 1.0, graph: Path | None = None) -> Deployed:
    """The merged network as a spec, through NIR; ``graph`` also keeps the NIR graph, in a file.

    The spec restarts its neurons every T steps. ``gain``: how much faster than in training the plastic layer learns
    and forgets. Raises InputError for a file that cannot be written, and for a rule that the chip cannot have.
    """
    network, samples = run.network, run.samples
    if graph is not None:
        _write(to_nir(network), graph)
    largest, name = _largest(network, samples), f"mpsl_{re.sub(r'[^A-Za-z0-9_]', '_', Path(run.data).stem)}"[:64]
    if plastic:
        spec, found = _plastic(run, name, largest, gain)
    else:
        found = import_merged(network, spikes=samples.spikes, voltage_max=largest, name=name)
        spec = found.spec.model_copy(update={"restart": RestartSpec(every=run.settings.steps, at=0)})
    return Deployed(spec, found.findings, found.input, found.output)


def integers(run: Run, deployed: Deployed, samples: int, tell: Tell = lambda done, total: None) -> Kept:
    """What PyTorch, the float reference of the spec and the chip's integers say of the first test samples.

    With its rule off, which would learn from the test. The answer is the largest voltage of the last step.
    """
    labels = run.samples.labels("test")[:samples]
    shown = run.samples.shown("test", np.arange(len(labels)))
    bundle = hl.compile(held(deployed), seed=run.settings.seed)
    done = 0

    def tick(more: int) -> None:
        nonlocal done
        done += more
        tell(done, len(labels))

    found = measure(
        bundle, inputs_of(run, deployed, shown), labels, output=deployed.output, decode="last", progress=tick
    )  # fmt: skip
    trained = float(np.mean(answers(run.network, shown) == labels))
    return Kept(trained, found.float_accuracy, found.accuracy, found.agreement, len(labels))


def held(deployed: Deployed, weights: NDArray[np.float64] | None = None) -> Spec:
    """The spec with its rule off, if it has one, and with these plastic weights, or its own."""
    plastic = deployed.spec.connections.get(PLASTIC)
    if plastic is None:
        return deployed.spec
    changed = {"learning": False} | ({} if weights is None else {"weights": weights})
    record = type(plastic).model_validate({**plastic.model_dump(), **changed})
    return deployed.spec.model_copy(update={"connections": {**deployed.spec.connections, PLASTIC: record}})


def inputs_of(run: Run, deployed: Deployed, shown: Singles) -> dict[str, NDArray[np.float64]]:
    """Samples without labels, as input of each population: (samples, T, size)."""
    found = {deployed.input: steps_of(shown, run.settings.steps)}
    if TEACHER in deployed.spec.populations:
        found[TEACHER] = np.zeros((len(shown), run.settings.steps, run.network.classes))
    return found


def write_inputs(run: Run, deployed: Deployed, file: Path, count: int = 10) -> None:
    """Write test samples, one after the other, as arrays (steps, size) of an npz file. Raises InputError."""
    which = np.arange(min(count, len(run.samples.labels("test"))))
    arrays = inputs_of(run, deployed, run.samples.shown("test", which))
    flat = {name: array.reshape(-1, array.shape[2]) for name, array in arrays.items()}
    write_output(file, lambda stream: np.savez(stream, **flat))


def steps_of(shown: Singles, steps: int) -> NDArray[np.float64]:
    """Samples as input of a network: (samples, T, size)."""
    frames = np.repeat(shown[:, None], steps, 1) if shown.ndim == 4 else shown
    return frames.reshape(len(frames), steps, -1).astype(np.float64)


def _plastic(run: Run, name: str, largest: float, gain: float) -> tuple[Spec, Imported]:
    """The spec whose last layer learns on."""
    network, settings = run.network, run.settings
    last, signal = network.parts[-1], network.signals()[-1]
    if "hebbian" not in settings.mechanisms:
        remedy = "train with the mechanism hebbian, or export without --plastic"
        raise InputError("has no Hebbian rule", where=run.data, field="mechanisms", value=settings.name, remedy=remedy)
    if last.pool > 1:  # the chip's rule takes any message for a spike, and means of spikes are none
        remedy = "put a dense layer after the pool, or export without --plastic"
        raise InputError("end with a pool", where=run.data, field="layers", value=settings.layers, remedy=remedy)
    with torch.no_grad():
        scales = last.fusion.lambdas
        stbp, hebbian, sbp = last.three(signal)
        frozen = scales[0] * stbp + (0.0 if sbp is None else scales[2] * sbp)
        own = scales[1] * (torch.zeros_like(stbp) if hebbian is None else hebbian)
        rate = float(scales[1] * last.hebbian.eta) / settings.batch
    if rate < 0.0:
        remedy = "train with a positive eta, and --unguided, which keeps it as it began"
        raise InputError("is negative: it unlearns", field="lambda_2 eta", value=rate, remedy=remedy)
    weights = [*network.merged()[:-1], frozen]
    found = import_merged(network, weights, spikes=run.samples.spikes, voltage_max=largest, name=name)
    net = hl.Network(found.spec.name)
    net.include(found.spec.model_copy(update={"nir": None}))
    (into,) = (each for each in found.spec.connections.values() if each.target == found.output)
    # A power of two, which is where the chip's bits end.
    largest_weight = max(float(own.abs().max()), float(frozen.abs().max()), 2.0**-10)
    reach = 2.0 ** math.ceil(math.log2(2.0 * largest_weight))
    net.connect_hebbian(
        into.source,
        found.output,
        name=PLASTIC,
        weights=own.numpy().astype(np.float64),
        rate=gain * rate,
        offset=last.hebbian.beta.item(),
        tau_w=max(settings.tau_w * settings.batch / gain, 1.0),
        full=settings.threshold,
        bounds=(-reach, reach),
    )
    net.input(TEACHER, network.classes, range=(-1.0, 1.0))
    net.connect_static(TEACHER, found.output, topology="one_to_one", weights=DRIVE * largest)
    net.restart(settings.steps)
    return net.spec(), found


def _largest(network: Mpsl, samples: Samples) -> float:
    """The voltage at which the read-out saturates: the largest of some training samples, with room."""
    count = min(CALIBRATED, len(samples.labels("train")))
    with torch.no_grad():
        scores = network(torch.from_numpy(samples.shown("train", np.arange(count))))
    return max(ROOM * network.settings.steps * float(scores.abs().max()), 1e-3)


def _write(graph: Any, file: Path) -> None:
    """Write a NIR graph, whole or not at all."""
    import nir

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.nir"
        nir.write(path, graph)
        write_output(file, lambda stream: stream.write(path.read_bytes()))
