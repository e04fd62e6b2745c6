"""Training: the same network each time, whether it was stopped or not, and what is recorded of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: make test-training")

import torch

from hmn_lava.errors import InputError, RunError
from hmn_lava.training import checkpoint, fit
from hmn_lava.training.checkpoint import read_checkpoint
from hmn_lava.training.data import ImageSamples
from hmn_lava.training.fit import answers, shifted, train
from hmn_lava.training.settings import MECHANISMS

BATCHES = 4  # of 80 samples, 20 each


def same(first: Any, second: Any) -> bool:
    """Bit for bit."""
    assert first.keys() == second.keys()
    return all(torch.equal(value, second[name]) for name, value in first.items())


def weights(trained: Any) -> Any:
    return trained.network.state_dict()


class StoppedError(Exception):
    pass


def stop_at(batch: int) -> Any:
    def tell(done: int, total: int) -> None:
        if done == batch:
            raise StoppedError

    return tell


def test_a_seed_says_everything(samples, small):
    first = train(samples, small(seed=5))
    torch.manual_seed(99)
    np.random.seed(99)
    again = train(samples, small(seed=5))
    assert same(weights(first), weights(again)) and first.history == again.history
    assert not same(weights(first), weights(train(samples, small(seed=6))))
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize("batch", [0, 3, 4, 6, 11, 12])
def test_a_run_that_was_stopped_goes_on(tmp_path, samples, small, batch):
    settings = small(epochs=3, shift=1)
    whole = train(samples, settings, tmp_path / "whole")
    with pytest.raises(StoppedError):
        train(samples, settings, tmp_path / "parts", stop_at(batch))
    kept = read_checkpoint(tmp_path / "parts")  # an epoch is kept after its last batch was told of
    assert kept is None if batch <= BATCHES else len(kept.history) == (batch - 1) // BATCHES + 1
    told: list[tuple[int, int]] = []
    rest = train(samples, settings, tmp_path / "parts", lambda *done: told.append(done))
    assert told[0] == (max(batch - 1, 0) // BATCHES * BATCHES, 3 * BATCHES) and told[-1] == (12, 12)
    assert same(weights(whole), weights(rest)) and whole.history == rest.history
    tensors = [read_checkpoint(tmp_path / name).tensors for name in ("whole", "parts")]
    assert any(name.startswith("optimizer.") for name in tensors[0]) and "draws" in tensors[0]
    assert same(*tensors)


def test_a_run_that_is_done_is_not_trained_again(tmp_path, samples, small):
    done = train(samples, small(), tmp_path)
    files = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    told: list[tuple[int, int]] = []
    again = train(samples, small(), tmp_path, lambda *done: told.append(done))
    assert told == [(8, 8)]
    assert same(weights(done), weights(again)) and done.history == again.history
    assert files == {file.name: file.read_bytes() for file in tmp_path.iterdir()} and len(files) == 2


@pytest.mark.parametrize("failing", ["network-", "run.json"])
def test_a_run_that_is_killed_while_it_writes(tmp_path, samples, small, monkeypatch, failing):
    whole = train(samples, small(epochs=3), tmp_path / "whole")
    write, count = checkpoint.write_output, 0

    def killed(path: Any, fill: Any) -> None:
        nonlocal count
        count += path.name.startswith(failing)
        if path.name.startswith(failing) and count == 2:
            raise StoppedError
        write(path, fill)

    monkeypatch.setattr(checkpoint, "write_output", killed)
    with pytest.raises(StoppedError):
        train(samples, small(epochs=3), tmp_path / "killed")
    assert len(read_checkpoint(tmp_path / "killed").history) == 2  # that of the first epoch
    rest = train(samples, small(epochs=3), tmp_path / "killed")
    assert same(weights(whole), weights(rest)) and whole.history == rest.history
    names = [sorted(file.name for file in (tmp_path / name).iterdir()) for name in ("whole", "killed")]
    assert names[0] == names[1]  # nothing is left over


def test_a_folder_of_another_run_is_refused(tmp_path, samples, small):
    train(samples, small(), tmp_path, data="bars")
    other = {part: images[:, :6] for part, images in samples.images.items()}
    attempts = [
        ("rate", samples, small(rate=0.03), "bars"),
        ("fusion", samples, small(fusion=[1, 1, 1]), "bars"),
        ("data", samples, small(), "stripes"),
        ("sample", replace(samples, images=other), small(), "bars"),
        ("classes", replace(samples, classes=5), small(), "bars"),
    ]
    before = (tmp_path / "run.json").read_bytes()
    for field, shown, settings, data in attempts:
        with pytest.raises(InputError, match="holds a run with") as caught:
            train(shown, settings, tmp_path, data=data)
        assert caught.value.field == field and caught.value.where == str(tmp_path) and caught.value.remedy
    assert (tmp_path / "run.json").read_bytes() == before


def test_a_folder_that_cannot_be_made(tmp_path, samples, small):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be made"):
        train(samples, small(epochs=1), tmp_path / "file" / "run")


def test_a_loss_that_is_not_finite(tmp_path, samples, small, monkeypatch):
    calls, entropy = 0, fit.functional.cross_entropy

    def diverges(scores: Any, labels: Any) -> Any:
        nonlocal calls
        calls += 1
        return entropy(scores, labels) * (float("nan") if calls == BATCHES + 2 else 1.0)

    monkeypatch.setattr(fit.functional, "cross_entropy", diverges)
    with pytest.raises(RunError, match="loss is nan in epoch 2"):
        train(samples, small(), tmp_path)
    monkeypatch.undo()
    assert len(read_checkpoint(tmp_path).history) == 2
    assert same(weights(train(samples, small(), tmp_path)), weights(train(samples, small())))


def test_weights_that_are_not_finite_are_not_kept(tmp_path, samples, small):
    """One batch an epoch: the loss itself still is finite."""
    with pytest.raises(RunError, match="not finite after epoch 1"):
        train(samples, small(batch=80, rate=1e9, layers="8"), tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert not torch.are_deterministic_algorithms_enabled()


def test_history(tmp_path, samples, small):
    trained = train(samples, small(), tmp_path)
    assert [row["epoch"] for row in trained.history] == [0, 1, 2]
    for row in trained.history:
        assert all(len(row[name]) == 3 for name in ("eta", "beta", "kappa", "lambda", "norm"))
        assert all(len(three) == 3 for name in ("lambda", "norm") for three in row[name])
        assert ("accuracy" in row) == ("loss" in row) == (row["epoch"] > 0)
    first, last = trained.history[0], trained.history[-1]
    assert first["lambda"] == [[1.0, 1.0, 1.0]] * 3
    assert all(norm[0] > 0.0 and norm[1:] == [0.0, 0.0] for norm in first["norm"])
    assert all(min(norm) > 0.0 for norm in last["norm"])
    for layer, part in enumerate(trained.network.parts):
        three = part.three(trained.network.signals()[layer])
        by_hand = [abs(scale) * each.norm().item() for scale, each in zip(last["lambda"][layer], three, strict=True)]
        assert last["norm"][layer] == pytest.approx(by_hand, rel=1e-5)
    assert json.loads((tmp_path / "run.json").read_text())["history"] == trained.history


@pytest.mark.parametrize(("fusion", "guided"), [("learned", True), ([1.0, 0.5, 0.25], False)])
def test_what_is_learned_moves_and_what_is_fixed_stays(samples, small, fusion, guided):
    first, *_, last = train(samples, small(fusion=fusion, guided=guided, local_rate=1e-3)).history
    for name, learned in (("lambda", fusion == "learned"), ("eta", guided), ("beta", guided), ("kappa", guided)):
        moved = np.array(first[name]) != np.array(last[name])
        assert moved.all() if learned else not moved.any(), name


@pytest.mark.parametrize("mechanisms", [MECHANISMS, ("stbp",), ("hebbian",), ("sbp",), ("stbp", "sbp")])
def test_what_is_off_does_not_learn(samples, small, mechanisms):
    first, *_, last = train(samples, small(mechanisms=mechanisms, epochs=1)).history
    for layer in range(3):
        for number, name in enumerate(MECHANISMS):
            before, after = first["norm"][layer][number], last["norm"][layer][number]
            if name in mechanisms:
                assert after > 0.0 and after != before
            elif name != "stbp":
                assert after == 0.0
    if mechanisms == ("stbp",):
        assert last["eta"] == first["eta"] and last["kappa"] == first["kappa"]


def test_w_1_stays_where_stbp_is_off(samples, small):
    trained = train(samples, small(mechanisms=["hebbian"], epochs=1))
    began = train(samples, small(mechanisms=["hebbian"], epochs=1, rate=1e-30, local_rate=0.0))
    for one, other in zip(trained.network.parts, began.network.parts, strict=True):
        assert torch.equal(one.stbp, other.stbp)


@pytest.mark.parametrize("mechanisms", [MECHANISMS, ("stbp",)])
def test_it_learns(samples, small, mechanisms):
    trained = train(samples, small(epochs=8, mechanisms=mechanisms))
    accuracies, losses = ([row[name] for row in trained.history[1:]] for name in ("accuracy", "loss"))
    assert accuracies[-1] > 0.9 and losses[-1] < 0.5 * losses[0]
    assert fit.test_accuracy(trained.network, samples) > 0.8  # chance: 0.25


def test_shuffled_labels_are_not_learned_for_the_test(samples, small):
    """What is above chance comes from the images, not from labels that leak into scores."""
    draws = np.random.default_rng(0)
    known = {**samples.known, "train": draws.permutation(samples.known["train"])}
    trained = train(replace(samples, known=known), small(epochs=1, batch=1, eta=1.0, mechanisms=["hebbian"]))
    assert trained.history[-1]["accuracy"] < 0.5


def test_accuracy_of_changed_samples(samples, small, monkeypatch):
    monkeypatch.setattr(fit, "EXAMINED", 5)  # the last part has fewer
    network = train(samples, small(epochs=1)).network
    before = {name: value.clone() for name, value in network.state_dict().items()}
    shown, labels = samples.shown("test", np.arange(24)), samples.labels("test")
    for change in (lambda shown: shown, lambda shown: 1 - shown):
        expected = float(np.mean(answers(network, change(shown)) == labels))
        assert fit.test_accuracy(network, samples, change) == pytest.approx(expected)
    assert same(before, network.state_dict())


def test_frames_are_learned_from(small):
    """Samples that differ from step to step: the classes are alike in the first one."""
    labels = np.arange(40) % 2

    class Frames(ImageSamples):
        def shown(self, part: Any, which: Any) -> Any:
            frames = np.zeros((len(which), 2, 1, 3, 3), np.float32)
            frames[:, 0, :, :, 0] = 1.0
            frames[np.arange(len(which)), 1, :, :, 2 * self.labels(part)[np.asarray(which)]] = 1.0
            return frames

    images = np.zeros((40, 3, 3), np.float32)
    samples = Frames("frames", {"train": images, "test": images}, {"train": labels, "test": labels}, 2, True)
    trained = train(samples, small(layers="32", epochs=15, steps=2, batch=10))
    assert trained.history[-1]["accuracy"] > 0.9


@pytest.mark.parametrize("shape", [(40, 1, 3, 5), (40, 2, 1, 3, 5)])
def test_shifted(shape):
    shown = torch.arange(1.0, np.prod(shape) + 1.0).view(shape)
    moved = shifted(shown, 2, torch.Generator().manual_seed(0))
    assert moved.shape == shown.shape
    found = set()
    for before, after in zip(shown.numpy(), moved.numpy(), strict=True):
        fitting = []
        for down in range(-2, 3):
            for right in range(-2, 3):
                expected = np.zeros_like(before)
                rows, columns = (slice(max(0, -n), size - max(0, n)) for n, size in ((down, 3), (right, 5)))
                there = (slice(max(0, n), size - max(0, -n)) for n, size in ((down, 3), (right, 5)))
                expected[(..., *there)] = before[..., rows, columns]
                if np.array_equal(expected, after):
                    fitting.append((down, right))
        assert len(fitting) == 1  # all frames of a sample together
        found |= set(fitting)
    assert len(found) > 15 and {down for down, _ in found} == {right for _, right in found} == {-2, -1, 0, 1, 2}
    assert torch.equal(shifted(shown, 0, torch.Generator()), shown)


def test_local_mechanisms_learn_without_a_global_error(samples, small, tmp_path):
    """Nothing is left for the optimizer; the run is kept and gone on with as any other."""
    settings = small(mechanisms=["hebbian"], fusion=(1.0, 1.0, 1.0), guided=False)
    whole = train(samples, settings)
    assert whole.network.parts[0].hebbian.weights.abs().max().item() > 0.0
    assert not any(each.requires_grad for each in whole.network.parameters())

    with pytest.raises(StoppedError):
        train(samples, settings, tmp_path / "run", stop_at(BATCHES + 1))
    again = train(samples, settings, tmp_path / "run")
    assert same(weights(again), weights(whole))
