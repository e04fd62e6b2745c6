"""Training: epochs of batches, the learning rates that fall, what is recorded, and where a stopped run goes on."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from hmn_lava.errors import InputError, RunError
from hmn_lava.training.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from hmn_lava.training.data import Ints, Samples, Singles
from hmn_lava.training.network import Mpsl
from hmn_lava.training.settings import Settings

EXAMINED = 250
"""Samples that are tested at once."""

LOWER = "lower rate, local_rate, eta or kappa: --set rate=0.001"

Tell = Callable[[int, int], None]
"""Takes how many batches are done, and of how many."""


@dataclass
class Trained:
    """A network, and what was recorded: a row for the start and for each epoch (:func:`row_of`)."""

    network: Mpsl
    settings: Settings
    data: str
    history: list[dict[str, Any]] = field(default_factory=list)


def train(
    samples: Samples,
    settings: Settings,
    folder: Path | None = None,
    tell: Tell = lambda done, total: None,
    data: str | None = None,
) -> Trained:
    """Train a network; with a ``folder``, each epoch is kept there, and a run that was stopped goes on.

    The same settings and samples give the same network on the same machine with as many threads, stopped or not.
    ``data``: the name that the samples are found by, kept with the network. Raises InputError for a folder of other
    settings or data, RunError where the weights are no longer finite.
    """
    name = samples.name if data is None else data
    network = Mpsl(settings, samples.shape, samples.classes)
    groups = _groups(network, settings)
    optimizer = torch.optim.Adam(groups) if groups else None  # what learns may all be local
    draws = torch.Generator().manual_seed(settings.seed)
    labels = torch.from_numpy(samples.labels("train"))
    batches = math.ceil(len(labels) / settings.batch)
    found = Trained(network, settings, name, [row_of(network, 0)])
    kept = None if folder is None else read_checkpoint(folder)
    if kept is not None:
        _check_same(kept, found, folder)
        kept.restore(network, optimizer, draws, str(folder))
        found.history = list(kept.history)
    done = len(found.history) - 1
    tell(done * batches, settings.epochs * batches)
    with _same_every_time():
        for epoch in range(done, settings.epochs):
            order = torch.randperm(len(labels), generator=draws)
            loss = right = 0.0
            for number, which in enumerate(order.split(settings.batch)):
                shown = torch.from_numpy(samples.shown("train", which.numpy()))
                if settings.shift:
                    shown = shifted(shown, settings.shift, draws)
                scores = network(shown, labels[which])
                error = functional.cross_entropy(scores, labels[which])
                if not torch.isfinite(error):
                    raise RunError(f"the loss is {error.item()} in epoch {epoch + 1}\n  remedy: {LOWER}")
                if optimizer is not None:
                    _set_rates(optimizer, (epoch * batches + number) / (settings.epochs * batches))
                    optimizer.zero_grad()
                    error.backward()
                    optimizer.step()
                loss += error.item() * len(which)
                right += float((scores.argmax(1) == labels[which]).sum())
                tell(epoch * batches + number + 1, settings.epochs * batches)
            row = row_of(network, epoch + 1) | {"loss": loss / len(labels), "accuracy": right / len(labels)}
            if not _all_finite(network, row):
                raise RunError(f"weights are not finite after epoch {epoch + 1}\n  remedy: {LOWER}")
            found.history.append(row)
            if folder is not None:
                write_checkpoint(folder, Checkpoint.of(network, optimizer, draws, found.history, name))
    return found


def row_of(network: Mpsl, epoch: int) -> dict[str, Any]:
    """λ, η, β, κ of each layer, and the norms of W_1, W_2 and W_3 as they are merged, |λ_n W_n|."""
    parts, norms = network.parts, []
    with torch.no_grad():
        for part, signal in zip(parts, network.signals(), strict=True):
            pairs = zip(part.fusion.lambdas, part.three(signal), strict=True)
            norms.append([0.0 if each is None else float((scale * each).norm()) for scale, each in pairs])
    return {
        "epoch": epoch,
        "lambda": network.lambdas(),
        "eta": [part.hebbian.eta.item() for part in parts],
        "beta": [part.hebbian.beta.item() for part in parts],
        "kappa": [part.sbp.kappa.item() for part in parts],
        "norm": norms,
    }


def _all_finite(network: Mpsl, row: Mapping[str, Any]) -> bool:
    """Of all that is kept; a norm may be too large where no weight is."""
    return all(bool(torch.isfinite(each).all()) for each in (*network.state_dict().values(), torch.tensor(row["norm"])))


def shifted(shown: Tensor, most: int, draws: torch.Generator) -> Tensor:
    """Each sample moved by up to ``most`` pixels along both axes, with zeros from outside; frames of one together."""
    height, width = shown.shape[-2:]
    offsets = torch.randint(0, 2 * most + 1, (2, len(shown)), generator=draws)
    around = functional.pad(shown, (most, most, most, most))
    moved = [
        around[number, ..., down : down + height, right : right + width]
        for number, (down, right) in enumerate(offsets.T.tolist())
    ]
    return torch.stack(moved)


def answers(network: Mpsl, shown: Singles) -> Ints:
    """The class with the largest score of each sample, (n,); nothing is learned."""
    with torch.no_grad(), _same_every_time():
        parts = torch.from_numpy(shown).split(EXAMINED)
        return np.concatenate([network(part).argmax(1).numpy() for part in parts])


def test_accuracy(network: Mpsl, samples: Samples, change: Callable[[Singles], Singles] = lambda shown: shown) -> float:
    """The share of the test samples, changed, that the network is right about."""
    labels, right = samples.labels("test"), 0
    for first in range(0, len(labels), EXAMINED):
        which = np.arange(first, min(first + EXAMINED, len(labels)))
        right += int((answers(network, change(samples.shown("test", which))) == labels[which]).sum())
    return right / len(labels)


def _groups(network: Mpsl, settings: Settings) -> list[dict[str, Any]]:
    """Adam's parameters: weights and λ at ``rate``, β and κ at ``local_rate``; η, which W_2 adds up, at 1/τ_w of it."""
    parts, local = network.parts, settings.local_rate
    groups = [
        ([each for part in parts for each in (part.stbp, part.fusion.lambdas)], settings.rate),
        ([each for part in parts for each in (part.hebbian.beta, part.sbp.kappa)], local),
        ([part.hebbian.eta for part in parts], local / settings.tau_w),
    ]
    return [
        {"params": [each for each in parameters if each.requires_grad], "lr": rate, "start": rate}
        for parameters, rate in groups
        if any(each.requires_grad for each in parameters)
    ]


def _set_rates(optimizer: torch.optim.Optimizer, progress: float) -> None:
    """lr = start (1 + cos(π progress)) / 2."""
    for group in optimizer.param_groups:
        group["lr"] = group["start"] * 0.5 * (1.0 + math.cos(math.pi * progress))


def _check_same(kept: Checkpoint, wanted: Trained, folder: Path | None) -> None:
    """Raise InputError if a folder holds a run of other settings or data."""
    network = wanted.network
    ours = wanted.settings.model_dump(mode="json") | {"data": wanted.data}
    ours |= {"sample": network.sample, "classes": network.classes}
    theirs = kept.settings.model_dump(mode="json") | {"data": kept.data}
    theirs |= {"sample": kept.sample, "classes": kept.classes}
    for name, value in ours.items():
        if theirs[name] != value:
            remedy = "train into another folder, or with the settings of the run that is there"
            problem = f"holds a run with {theirs[name]!r:.60}"
            raise InputError(problem, where=str(folder), field=name, value=value, remedy=remedy)


@contextmanager
def _same_every_time() -> Iterator[None]:
    """Only algorithms whose result does not depend on chance."""
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
