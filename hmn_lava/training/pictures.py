"""Pictures: λ and what it weighs through training, and accuracies of variants with their intervals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hmn_lava.pictures import check_picture, new_figure, save_picture
from hmn_lava.training.experiments import Found
from hmn_lava.training.fit import Trained
from hmn_lava.training.robustness import CLEAN

COLOURS = {
    "stbp": "tab:blue",
    "hebbian": "tab:orange",
    "sbp": "tab:green",
    "MPSL": "black",
    "stbp+hebbian": "tab:red",
    "stbp+sbp": "tab:purple",
    "hebbian+sbp": "tab:brown",
}
NAMES = ("STBP", "Hebbian", "SBP")


def draw_lambdas(trained: Trained, path: Path) -> None:
    """Draw λ_1..3 of each layer by epoch and, below, the norms |λ_n W_n|. Raises as ``check_picture``."""
    check_picture(path)
    epochs = [row["epoch"] for row in trained.history]
    layers = len(trained.history[0]["lambda"])
    figure = new_figure(2.6 * layers + 1.0, 5.0)
    axes = figure.subplots(2, layers, squeeze=False, sharex=True, sharey="row")
    for line, (key, what) in enumerate((("lambda", "λ"), ("norm", "|λ W|"))):
        values = np.array([row[key] for row in trained.history])  # (epochs, layers, 3)
        for layer in range(layers):
            for number, (name, colour) in enumerate(zip(NAMES, COLOURS.values(), strict=False)):
                axes[line, layer].plot(epochs, values[:, layer, number], color=colour, label=name)
        axes[line, 0].set_ylabel(what)
    for layer in range(layers):
        axes[0, layer].set_title(f"layer {layer + 1}", fontsize=10)
        axes[1, layer].set_xlabel("epoch")
    axes[0, 0].legend(fontsize=8)
    figure.suptitle(f"{trained.settings.name} on {trained.data}, seed {trained.settings.seed}")
    save_picture(figure, path)


def draw_experiment(found: Found, path: Path) -> None:
    """Draw the clean accuracies as bars or, of robustness, a curve for each variant. Raises as ``check_picture``."""
    check_picture(path)
    perturbations = list(dict.fromkeys(row.perturbation for row in found.rows if row.perturbation != CLEAN))
    figure = new_figure(4.2 * max(1, len(perturbations)) + 0.5, 3.8)
    if perturbations:
        axes = figure.subplots(1, len(perturbations), squeeze=False, sharey=True)[0]
        for panel, name in zip(axes, perturbations, strict=True):
            _curves(panel, found, name)
        axes[0].set_ylabel("test accuracy, 95 % interval")
        axes[0].set_ylim(0.0, 1.0)
        axes[0].legend(fontsize=8)
    else:
        _bars(figure.subplots(), found)
    figure.suptitle(f"{found.experiment}: {found.data}, {found.seeds} seeds")
    save_picture(figure, path)


def _curves(panel: Any, found: Found, perturbation: str) -> None:
    for variant in dict.fromkeys(row.variant for row in found.rows):
        rows = [row for row in found.rows if row.variant == variant and row.perturbation in (CLEAN, perturbation)]
        levels, means = [row.level for row in rows], [row.accuracy.mean for row in rows]
        ends = [(e.mean, e.mean) if e.low is None else (e.low, e.high) for e in (row.accuracy for row in rows)]
        (line,) = panel.plot(levels, means, marker="o", ms=3, color=COLOURS.get(variant), label=variant)
        panel.fill_between(levels, *np.array(ends, float).T, color=line.get_color(), alpha=0.15, lw=0)
    panel.set_xlabel(f"{perturbation}, level")


def _bars(panel: Any, found: Found) -> None:
    for place, row in enumerate(reversed(found.rows)):
        estimate, colour = row.accuracy, COLOURS.get(row.variant, "tab:gray")
        low, high = (estimate.mean if end is None else end for end in (estimate.low, estimate.high))
        panel.plot([low, high], [place, place], color=colour, lw=2)
        panel.plot(row.per_seed, [place] * len(row.per_seed), ".", color=colour, ms=4)
        panel.plot(estimate.mean, place, "o", color=colour)
    panel.set_yticks(range(len(found.rows)), [row.variant for row in reversed(found.rows)])
    panel.set_xlabel("test accuracy, 95 % interval, and each seed")
