"""A picture of a report: energy by term, the map of cores, and what happened when. Needs matplotlib."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from hmn_lava.energy.report import Report
from hmn_lava.energy.terms import TERMS
from hmn_lava.errors import BackendError, InputError
from hmn_lava.files import write_whole

BARS = 40
"""Points of the time line, at most; a point is the mean over some steps."""


def check_picture(path: Path) -> None:
    """Before a long run. Raises InputError for a file that is no .png, BackendError where matplotlib is missing."""
    if path.suffix.lower() != ".png":
        raise InputError("a picture is a .png file", field="--picture", value=str(path), remedy="name it FILE.png")
    if find_spec("matplotlib") is None:
        raise BackendError(
            "a picture needs matplotlib, which is not installed\n  remedy: pip install 'hmn-lava[report]'"
        )


def draw(reports: Sequence[Report], file: str | os.PathLike[str]) -> None:
    """Draw the first report, with the energies of all of them side by side, into a .png file.

    Raises as :func:`check_picture`, and OSError where the file cannot be written.
    """
    path = Path(file)
    check_picture(path)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    first = reports[0]
    figure = Figure(figsize=(11, 8), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplot_mosaic([["terms", "cores"], ["time", "time"]])
    _terms(axes["terms"], reports)
    _cores(axes["cores"], first)
    _time(axes["time"], first)
    figure.suptitle(f"{first.name}: {first.plasticity} on {first.profile}, {first.steps} steps ({first.origin})")
    write_whole(path, lambda stream: figure.savefig(stream, format="png", dpi=150))


def _terms(axes: Any, reports: Sequence[Report]) -> None:
    """Stacked bars: energy by term, for each update where there are updates, with low and high of the whole."""
    colours = {term: f"C{n}" for n, term in enumerate(TERMS)}
    labelled: set[str] = set()
    for n, report in enumerate(reports):
        share, bottom = 1.0 / (report.updates or report.steps), 0.0
        for term, energy in report.by_term().items():
            height = energy.typical * share
            label = None if term in labelled else term
            axes.bar(n, height, bottom=bottom, color=colours[term], label=label, width=0.6)
            labelled.add(term)
            bottom += height
        whole = report.energy().times(share)
        ends = [[max(0.0, whole.typical - whole.low)], [max(0.0, whole.high - whole.typical)]]
        axes.errorbar(n, whole.typical, yerr=ends, color="black", capsize=4, linewidth=1)
    axes.set_xticks(range(len(reports)), [f"{r.plasticity}\n{r.profile}" for r in reports])
    axes.set_ylabel("pJ per weight update" if reports[0].updates else "pJ per step")
    axes.set_yscale("symlog", linthresh=1.0)
    axes.legend(fontsize="small", ncols=2)
    axes.set_title("energy by term, typical; the line goes from low to high")


def _cores(axes: Any, report: Report) -> None:
    """Energy of each core, in the order of the placement."""
    values = report.tally.by_core
    wide = math.ceil(math.sqrt(values.size))
    grid = np.full(wide * math.ceil(values.size / wide), np.nan)
    grid[: values.size] = values / 1e3
    image = axes.imshow(grid.reshape(-1, wide), cmap="viridis")
    axes.figure.colorbar(image, ax=axes, label="nJ, typical, without static")
    axes.set_title(f"{report.cores} cores, row by row")
    axes.set_xticks([])
    axes.set_yticks([])


def _time(axes: Any, report: Report) -> None:
    """Messages of each population and energy over the steps."""
    size = max(1, -(-report.steps // BARS))
    starts = np.arange(0, report.steps, size)

    def means(values: Any) -> Any:
        return np.add.reduceat(values, starts) / np.diff(np.append(starts, report.steps))

    for name, series in report.tally.activity.items():
        axes.plot(starts, means(series), label=name, drawstyle="steps-post")
    axes.set_xlabel("step of the model")
    axes.set_ylabel("messages a step")
    other = axes.twinx()
    other.plot(starts, means(report.tally.energy) / 1e3, color="black", linestyle=":", drawstyle="steps-post")
    other.set_ylabel("nJ a step, typical, without static (dotted)")
    axes.legend(fontsize="small", loc="upper left")
    axes.set_title("activity")
