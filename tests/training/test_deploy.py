"""What is deployed is what was trained: float reference, NIR graph, integers, and the rule that goes on learning."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: make test-training")
pytest.importorskip("nir")

import torch

import hmn_lava as hl
from hmn_lava.decoding import decoder, first_step
from hmn_lava.errors import InputError
from hmn_lava.training import deploy as deploy_module
from hmn_lava.training.data import ImageSamples
from hmn_lava.training.deploy import PLASTIC, TEACHER, Run, deploy, integers, load_run, steps_of
from hmn_lava.training.fit import answers, train
from hmn_lava.training.network import Mpsl
from hmn_lava.training.online import adapt

DRAWS = np.random.default_rng(0)


def untrained(sample: tuple[int, int, int], frames: bool, **fields: Any) -> Run:
    """A network whose three tensors are all random, large enough for it to spike, and samples drawn at random."""
    from hmn_lava.training.settings import settings_of

    chosen = settings_of({"shift": 0, **fields})
    network = Mpsl(chosen, sample, 3)
    draws = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for part in network.parts:
            part.stbp *= 3.0
            for each in (part.hebbian.weights, part.sbp.weights):
                each += 0.3 * (torch.rand(each.shape, generator=draws) - 0.5)
            part.fusion.lambdas += torch.rand(3, generator=draws)
    shape = (6, chosen.steps, *sample) if frames else (6, *sample)
    shown = DRAWS.random(shape, np.float32)

    class Drawn(ImageSamples):
        shape = sample

        def shown(self, part: Any, which: Any) -> Any:
            return (shown > 0.6).astype(np.float32)[which] if frames else shown[which]

    labels = np.arange(6) % 3
    samples = Drawn("drawn", {"train": shown, "test": shown}, {"train": labels, "test": labels}, 3, frames)
    return Run(network, chosen, "drawn", samples)


def reference(run: Run, deployed: Any, shown: Any) -> Any:
    """Read-out voltages of the float reference at the end of each sample, (samples, classes)."""
    bundle = hl.compile(deployed.spec)
    _, signal = decoder("last", deployed.spec, deployed.output)
    steps = run.settings.steps
    last = steps - 1 + first_step(bundle, signal)
    found = []
    for sample in steps_of(shown, steps):
        inputs = {deployed.input: np.pad(sample, ((0, last + 1 - steps), (0, 0)))}
        found.append(bundle.session("reference").run(inputs, probes=[signal]).real(signal)[last])
    return np.array(found)


@pytest.fixture(scope="module")
def run(samples, small):
    """A network that was trained until it is right."""
    settings = small(epochs=6)
    trained = train(samples, settings)
    return Run(trained.network, settings, "bars", samples)


CASES = {
    "conv": ((2, 5, 4), False, {"layers": "3c3s2,4", "steps": 3}),
    "even kernel": ((1, 6, 5), False, {"layers": "3c2,4", "steps": 2}),
    "odd pools": ((1, 7, 9), False, {"layers": "3c3,p2,4c3,p2,5", "steps": 3}),
    "pool first": ((1, 7, 5), False, {"layers": "p2,6", "steps": 2}),
    "pool last": ((2, 7, 5), False, {"layers": "3c3,p3", "steps": 3}),
    "no decay": ((1, 4, 4), False, {"layers": "8,6", "steps": 4, "decay": 1.0}),
    "no memory": ((1, 4, 4), False, {"layers": "8,6", "steps": 4, "decay": 0.0}),
    "one step": ((1, 5, 5), False, {"layers": "3c3,6", "steps": 1}),
    "frames": ((2, 5, 5), True, {"layers": "3c3s2,6", "steps": 5, "threshold": 0.25}),
    "pooled frames": ((2, 7, 7), True, {"layers": "3c3,p2,6", "steps": 4, "decay": 0.25}),
}


@pytest.mark.parametrize("case", CASES)
def test_the_float_reference_computes_the_same(case):
    sample, frames, fields = CASES[case]
    run = untrained(sample, frames, **fields)
    shown = run.samples.shown("test", range(6))
    deployed = deploy(run)
    with torch.no_grad():
        scores = run.network(torch.from_numpy(shown)).numpy()
    assert np.abs(scores).max() > 0.1 and len({each.tobytes() for each in scores}) > 1
    voltages = reference(run, deployed, shown)
    np.testing.assert_allclose(voltages, run.settings.steps * scores, rtol=1e-4, atol=1e-4)
    assert voltages.argmax(1).tolist() == answers(run.network, shown).tolist()


def test_a_graph_that_is_written_is_imported_again_as_the_same(run, tmp_path):
    import nir

    from hmn_lava.interchange.nir_import import import_nir

    deployed = deploy(run, graph=tmp_path / "graph.nir")
    graph = nir.read(tmp_path / "graph.nir")
    largest = deployed.spec.populations[deployed.output].z_max
    again = import_nir(
        graph, dt=1.0, reset="subtract", integrator="step", voltage_max=largest, input_range=(0.0, 1.0),
        name=deployed.spec.name,
    )  # fmt: skip
    own = deployed.spec.model_copy(update={"restart": None})
    assert again.spec == own
    shown = run.samples.shown("test", range(2))
    voltages = [reference(run, replace(deployed, spec=spec), shown) for spec in (own, again.spec)]
    assert np.array_equal(*voltages) and voltages[0].any()


def test_a_graph_that_cannot_be_written(run, tmp_path):
    with pytest.raises(InputError):
        deploy(run, graph=tmp_path / "none" / "graph.nir")


def test_integers_keep_the_answers(run):
    told: list[tuple[int, int]] = []
    found = integers(run, deploy(run), 24, lambda *done: told.append(done))
    right = float(np.mean(answers(run.network, run.samples.shown("test", range(24))) == run.samples.labels("test")))
    assert found.trained == right > 0.9 and found.samples == 24 and told[-1] == (24, 24)
    assert found.reference == found.trained
    assert found.agreement >= 23 / 24 and abs(found.integers - found.reference) <= 1 / 24
    assert found.as_dict()["agreement"] == found.agreement


def test_the_read_out_has_room(run):
    """What it may hold is above what the training samples need; so the integers do not saturate."""
    deployed = deploy(run)
    voltages = reference(run, deployed, run.samples.shown("train", range(8)))
    assert np.abs(voltages).max() < deployed.spec.populations[deployed.output].z_max


# ---- the rule that goes on


SILENT, EVERY = 6, 32
"""Steps after the lessons, until all is through; and the chip lets weights decay every so many steps, or more often."""


def lessons(run: Run, count: int) -> tuple[Any, Any]:
    """Inputs of a plastic network for the first training samples with their labels, and S of the last layer, by step.

    S is PyTorch's: (count * T, neurons).
    """
    steps = run.settings.steps
    shown = run.samples.shown("train", range(count))
    known = run.samples.labels("train")[:count]
    target = np.where(np.eye(run.network.classes, dtype=bool)[known], 1.0, -1.0)
    heard: list[Any] = []
    with torch.no_grad():
        run.network.run(run.network.merged(), torch.from_numpy(shown), lambda pre, voltages: heard.extend(pre[-1:]))
    spikes = np.stack([each.flatten(1).numpy() for each in heard], 1).reshape(count * steps, -1)
    inputs = {"shown": steps_of(shown, steps).reshape(count * steps, -1), TEACHER: np.repeat(target, steps, 0)}
    silent = SILENT + -(count * steps + SILENT) % EVERY
    inputs = {name: np.pad(array, ((0, silent), (0, 0))) for name, array in inputs.items()}
    return inputs, np.pad(spikes, ((0, silent), (0, 0)))


def eager(run: Run) -> Run:
    """The same network, whose last layer learns much from a sample."""
    network = copy.deepcopy(run.network)
    hebbian = network.parts[-1].hebbian
    with torch.no_grad():
        hebbian.weights = hebbian.present()
        hebbian.coincidence.zero_(), hebbian.activity.zero_()
        hebbian.eta.fill_(0.4), hebbian.beta.fill_(-0.3)
    return replace(run, network=network)


def by_hand(run: Run, spikes: Any, target: Any, gain: float) -> Any:
    """The weights after each step: W <- W e^{-gain / (tau_w B)} + gain lambda_2 eta / B S (rho + beta)."""
    last, s = run.network.parts[-1], run.settings
    with torch.no_grad():
        scale, eta, beta = last.fusion.lambdas[1].item(), last.hebbian.eta.item(), last.hebbian.beta.item()
        weights = scale * last.hebbian.present().numpy().astype(np.float64)
    for heard, wanted in zip(spikes, target, strict=True):
        change = gain * scale * eta / s.batch * heard * ((wanted[:, None] > 0) + beta)
        weights = weights * math.exp(-gain / (s.tau_w * s.batch)) + change
    return weights


def taught(bundle: Any, backend: str, inputs: Any, name: str) -> Any:
    """Plastic weights at the end."""
    signal = f"{PLASTIC}.w"
    session = bundle.session(backend)
    return session.run({name: inputs["shown"], TEACHER: inputs[TEACHER]}, probes=[signal]).real(signal)[-1]


@pytest.mark.parametrize("gain", [1.0, 2.0])
def test_the_rule_on_the_chip_is_that_of_training(run, gain):
    """The float reference by hand, but for when it decays; of the integers, the mean over seeds.

    Each weight within 5 standard errors, an eighth of its unit, and a late decay; all changes within a quarter.
    """
    count, seeds, run = 12, 12, eager(run)
    deployed = deploy(run, plastic=True, gain=gain)
    inputs, spikes = lessons(run, count)
    expected = by_hand(run, spikes, inputs[TEACHER], gain)
    bundle = hl.compile(deployed.spec, plasticity="engine")
    floats = taught(bundle, "reference", inputs, deployed.input).reshape(expected.shape)
    first = by_hand(run, spikes[:0], inputs[TEACHER][:0], gain)
    moved = np.abs(expected - first).max()
    assert moved > 0.05
    lost = 1.0 - math.exp(-SILENT * gain / (run.settings.tau_w * run.settings.batch))
    np.testing.assert_allclose(floats, expected, rtol=lost, atol=1e-6)  # a layer hears a sample later
    found = np.array(
        [
            taught(hl.compile(deployed.spec, plasticity="engine", seed=seed), "fast", inputs, deployed.input)
            for seed in range(seeds)
        ]
    ).reshape(seeds, *expected.shape)
    unit = bundle.network.signals[f"{PLASTIC}.w"].format.unit
    change, wanted = found - np.round(first / unit) * unit, floats - first  # they begin as the grid has them
    assert (
        np.abs(change.mean(0) - wanted) <= 5 * change.std(0, ddof=1) / seeds**0.5 + lost * np.abs(floats) + unit / 8
    ).all()
    slope = (change * wanted).sum() / (seeds * (wanted**2).sum())
    assert abs(slope - 1.0) < 0.25


def test_the_rest_of_a_plastic_network_is_frozen(run):
    deployed = deploy(run, plastic=True)
    kinds = {name: record.type for name, record in deployed.spec.connections.items()}
    assert [name for name, kind in kinds.items() if kind == "hebbian"] == [PLASTIC]
    bundle = hl.compile(deployed.spec, plasticity="engine")
    assert [name for name, each in bundle.model.connections.items() if each.learns] == [PLASTIC]
    merged = run.network.merged()[-1].numpy()
    plastic, frozen = (
        deployed.spec.connections[name].weights.array
        for name in (PLASTIC, next(n for n, c in deployed.spec.connections.items() if c.target == deployed.output))
    )
    np.testing.assert_allclose(plastic + frozen, merged, atol=1e-6)
    assert np.abs(plastic).max() > 0.01


def test_a_plastic_network_that_does_not_learn_answers_the_same(run):
    from hmn_lava.training.deploy import held

    deployed = deploy(run, plastic=True)
    still = replace(deployed, spec=held(deployed))
    shown = run.samples.shown("test", range(8))
    expected = run.settings.steps * run.network(torch.from_numpy(shown)).detach().numpy()
    np.testing.assert_allclose(reference(run, still, shown), expected, rtol=1e-4, atol=1e-4)


def test_rules_that_the_chip_cannot_have(samples, small):
    settings = small(epochs=1)
    trained = train(samples, settings)
    with torch.no_grad():
        trained.network.parts[-1].hebbian.eta.neg_()
    with pytest.raises(InputError, match="is negative: it unlearns") as caught:
        deploy(Run(trained.network, settings, "bars", samples), plastic=True)
    assert caught.value.field == "lambda_2 eta" and caught.value.remedy
    settings = small(epochs=1, mechanisms=["stbp", "sbp"])
    without = Run(train(samples, settings).network, settings, "bars", samples)
    with pytest.raises(InputError, match="has no Hebbian rule") as caught:
        deploy(without, plastic=True)
    assert caught.value.field == "mechanisms"
    assert (
        deploy(without).spec.connections.keys()
        == deploy(Run(trained.network, settings, "b", samples)).spec.connections.keys()
    )


def test_a_rule_that_would_hear_means_of_spikes():
    with pytest.raises(InputError, match="end with a pool") as caught:
        deploy(untrained((1, 7, 7), False, layers="3c3,p2", steps=2), plastic=True)
    assert caught.value.field == "layers" and caught.value.remedy


@pytest.mark.parametrize("fusion", [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
def test_what_weighs_nothing_is_deployed_too(samples, small, fusion):
    settings = small(epochs=1, fusion=fusion)
    run = Run(train(samples, settings).network, settings, "bars", samples)
    deployed = deploy(run, plastic=True)
    assert hl.compile(deployed.spec, plasticity="engine").model.connections[PLASTIC].hebbian.rate == pytest.approx(
        fusion[1] * run.network.parts[-1].hebbian.eta.item() / 20, rel=1e-6
    )


def test_adapt(run):
    adapted = adapt(run, "crop", 0.2, lessons=60, samples=24, gain=2.0)
    assert (adapted.lessons, adapted.samples) == (60, 24)
    assert 0.25 < adapted.before <= 1.0 and 0.25 < adapted.after <= 1.0
    learned = adapted.spec.connections[PLASTIC]
    before = deploy(run, plastic=True, gain=2.0).spec.connections[PLASTIC]
    assert not learned.learning and learned.weights != before.weights
    again = adapt(run, "crop", 0.2, lessons=60, samples=24, gain=2.0)
    assert (again.before, again.after) == (adapted.before, adapted.after)
    with pytest.raises(InputError, match="no such perturbation"):
        adapt(run, "blur", 0.2, lessons=5, samples=5)


# ---- from a folder


def test_a_run_is_loaded_with_its_samples(tmp_path, samples, small, monkeypatch):
    trained = train(samples, small(), tmp_path, data="bars")
    monkeypatch.setattr(deploy_module, "samples_at", lambda name, steps, seed: samples)
    found = load_run(tmp_path)
    assert (found.settings, found.data, found.samples) == (small(), "bars", samples)
    assert all(torch.equal(one, two) for one, two in zip(found.network.merged(), trained.network.merged(), strict=True))
    monkeypatch.setattr(deploy_module, "samples_at", lambda name, steps, seed: replace(samples, classes=5))
    with pytest.raises(InputError, match="has samples of"):
        load_run(tmp_path)
    with pytest.raises(InputError, match="holds no training run"):
        load_run(tmp_path / "none")
