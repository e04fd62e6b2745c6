"""A picture of a report: energy by term, the map of cores, and what happened when. Needs matplotlib."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hmn_lava.energy.report import Report
from hmn_lava.energy.terms import TERMS
from hmn_lava.pictures import check_picture, new_figure, save_picture

BARS = 40
"""Points of the time line, at most; a point is the mean over some steps."""


def draw(reports: Sequence[Report], file: str | os.PathLike[str]) -> None:
    """Draw the first report, with the energies of all of them side by side, into a .png file.

    Raises as :func:`hmn_lava.pictures.check_picture`, and InputError where the file cannot be written.
    """
    path = Path(file)
    check_picture(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of fonts without a letter of some name, and of little room
        figure = _figure(reports)
        save_picture(figure, path, dpi=150)


def _figure(reports: Sequence[Report]) -> Any:
    first = reports[0]
    figure = new_figure(13, 8)
    axes = figure.subplot_mosaic([["all", "moving", "cores"], ["time", "time", "time"]])
    _terms(axes["all"], reports, TERMS, "all energy")
    _terms(axes["moving"], reports, tuple(t for t in TERMS if t not in ("static", "embedded")), "the network alone")
    figure.legend(*axes["all"].get_legend_handles_labels(), loc="outside right upper", fontsize="small")
    _cores(axes["cores"], first)
    _time(axes["time"], first)
    lines, labels = axes["time"].get_legend_handles_labels()
    figure.legend(lines, labels, loc="outside lower center", ncols=min(8, max(1, len(labels))), fontsize="small")
    title = f"{first.name}: {first.plasticity} on {first.profile}, {first.steps} steps ({first.origin})"
    figure.suptitle(title, parse_math=False)
    return figure


def _terms(axes: Any, reports: Sequence[Report], terms: Sequence[str], title: str) -> None:
    """Stacked bars of typical energies by term, for each update where there are any; the ranges as text.

    The bars of a chip that cannot run the network are hatched.
    """
    colours = {term: f"C{n}" for n, term in enumerate(TERMS)}
    labelled: set[str] = set()
    tops = []
    for n, report in enumerate(reports):
        share, bottom = 1.0 / (report.updates or report.steps), 0.0
        whole = report.energy(lambda key: key.term in terms).times(share)
        for term, energy in report.by_term().items():
            if term in terms:
                height = energy.typical * share
                label = None if term in labelled else term
                axes.bar(n, height, 0.6, bottom, color=colours[term], label=label, hatch=None if report.runs else "//")
                labelled.add(term)
                bottom += height
        tops.append(bottom)
        axes.annotate(f"{whole.low:.2g} to\n{whole.high:.2g}", (n, bottom), ha="center", va="bottom", fontsize="small")
    axes.set_ylim(0, 1.2 * max(tops) or 1.0)
    names = [f"{r.plasticity}\n{r.profile}" + ("" if r.runs else "\n(cannot run there)") for r in reports]
    axes.set_xticks(range(len(reports)), names, fontsize="small")
    axes.set_ylabel("pJ per weight update" if reports[0].updates else "pJ per step")
    axes.set_title(f"{title}: typical (low to high)", fontsize="medium")


def _cores(axes: Any, report: Report) -> None:
    """Energy of each core where it lies: the seats of a tile side by side, tiles and chips in their mesh.

    A frame is a chip, as far as its tiles are used.
    """
    from matplotlib.patches import Rectangle

    chip_column, chip_row, column, row, seat = report.places[:, 1:].T
    side = int(np.ceil(np.sqrt(seat.max(initial=0) + 1)))
    columns, rows = column.max(initial=0) + 1, row.max(initial=0) + 1
    x = (chip_column * columns + column) * side + seat % side
    y = (chip_row * rows + row) * side + seat // side
    width, height = columns * side, rows * side
    grid = np.full(((chip_row.max(initial=0) + 1) * height, (chip_column.max(initial=0) + 1) * width), np.nan)
    grid[y, x] = report.tally.by_core[: report.cores] / 1e3
    image = axes.imshow(grid, cmap="viridis")
    axes.figure.colorbar(image, ax=axes, label="nJ, typical, without static", location="bottom")
    for across, down in {*zip(chip_column.tolist(), chip_row.tolist(), strict=True)}:
        axes.add_patch(Rectangle((across * width - 0.5, down * height - 0.5), width, height, fill=False, clip_on=False))
    axes.set_title(f"{report.cores} cores on {report.coefficients.chips} chip(s)", fontsize="medium")
    axes.set_xticks([])
    axes.set_yticks([])


def _time(axes: Any, report: Report) -> None:
    """Messages of each population and energy over the steps; without a run, over those that repeat themselves."""
    steps = report.tally.kept
    starts = np.arange(0, steps, max(1, -(-steps // BARS)))
    ends = np.append(starts, steps)

    def means(values: Any) -> Any:
        found = np.add.reduceat(values, starts) / np.diff(ends)
        return np.append(found, found[-1])  # the last one has a width, too

    for name, series in report.tally.activity.items():
        axes.plot(ends, means(series), label=name, drawstyle="steps-post")
    axes.set_xlabel("step of the model")
    axes.set_ylabel("messages a step")
    other = axes.twinx()
    other.plot(ends, means(report.tally.energy) / 1e3, color="black", linestyle=":", drawstyle="steps-post")
    other.set_ylabel("nJ a step, typical, without static (dotted)")
    axes.set_title("activity" if report.origin == "run" else "activity, one period", fontsize="medium")
