"""A picture of an ablation: the effect of each subsystem with its interval, and the synergy of each pair."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from hmn_lava.estimate import Estimate
from hmn_lava.pictures import check_picture, new_figure, save_picture
from hmn_lava.tasks.ablation import Ablation, Cut

HELPS, HURTS, UNCLEAR = "tab:green", "tab:red", "tab:gray"


def draw(ablation: Ablation, file: str | os.PathLike[str]) -> None:
    """Draw the score's effects, and its synergies where pairs were run, into a .png file.

    Raises as :func:`hmn_lava.pictures.check_picture`, and InputError where the file cannot be written.
    """
    path = Path(file)
    check_picture(path)
    singles = [cut for cut in ablation.cuts if len(cut.without) == 1 and cut.effects]
    pairs = [cut for cut in ablation.cuts if len(cut.without) == 2 and cut.synergies]
    figure = new_figure(11.0 if pairs else 6.0, 0.45 * len(singles) + 1.6)
    axes = figure.subplots(1, 2 if pairs else 1, squeeze=False)[0]
    _effects(axes[0], singles, ablation.score)
    if pairs:
        _synergies(figure, axes[1], pairs, ablation.score)
    figure.suptitle(f"{ablation.task}, {ablation.plasticity}, {ablation.backend}, {ablation.seeds} seeds")
    save_picture(figure, path, dpi=100)


def _effects(axes: Any, singles: list[Cut], score: str) -> None:
    for place, cut in enumerate(reversed(singles)):
        effect = cut.effects[score]
        low, high = (effect.mean if end is None else end for end in (effect.low, effect.high))
        axes.plot([low, high], [place, place], color=_colour(effect), lw=2)
        axes.plot(effect.mean, place, "o", color=_colour(effect))
    axes.axvline(0.0, color="black", lw=0.8)
    axes.set_yticks(range(len(singles)), [cut.without[0] for cut in reversed(singles)])
    axes.set_xlabel(f"{score}: whole rule minus without it, 95 % interval")


def _colour(effect: Estimate) -> str:
    return {1: HELPS, -1: HURTS, 0: UNCLEAR}[effect.sign]


def _synergies(figure: Any, axes: Any, pairs: list[Cut], score: str) -> None:
    names = list(dict.fromkeys(name for cut in pairs for name in cut.without))
    table = np.full((len(names), len(names)), np.nan)
    largest = max(abs(cut.synergies[score].mean) for cut in pairs) or 1.0
    for cut in pairs:
        first, second = (names.index(name) for name in cut.without)
        synergy = cut.synergies[score]
        table[second, first] = synergy.mean
        text = f"{synergy.mean:+.3f}{'*' if synergy.sign else ''}"
        ink = "white" if abs(synergy.mean) > 0.7 * largest else "black"
        axes.text(first, second, text, ha="center", va="center", fontsize=8, color=ink)
    shown = axes.imshow(table, cmap="PiYG", vmin=-largest, vmax=largest)
    axes.set_xticks(range(len(names)), names, rotation=30, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.set_xlim(-0.5, len(names) - 1.5)
    axes.set_ylim(len(names) - 0.5, 0.5)
    axes.set_title("synergy of two (* interval without 0)", fontsize=10)
    figure.colorbar(shown, ax=axes, label=score)
