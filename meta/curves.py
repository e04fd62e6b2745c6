"""The curves of an outer loop: a CSV with a row for each meta-step, and a picture where matplotlib is installed."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from hmn_lava.files import write_whole
from hmn_lava.pictures import new_figure, save_picture


def write_curves(history: Sequence[Mapping[str, float]], names: Sequence[str], table: Path, picture: Path) -> None:
    """Write ``table``, and ``picture`` if that can be drawn. Raises OSError."""
    text = io.StringIO()
    columns = list(dict.fromkeys(column for row in history for column in row))
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    write_whole(table, lambda stream: stream.write(text.getvalue().encode()))
    if history and find_spec("matplotlib") is not None:
        _draw(history, names, picture)


def _draw(history: Sequence[Mapping[str, float]], names: Sequence[str], picture: Path) -> None:
    figure = new_figure(8, 3 * (len(names) + 1))
    axes = figure.subplots(len(names) + 1, 1, sharex=True)
    steps = [row["step"] for row in history]
    axes[0].plot(steps, [row["loss"] for row in history], ".-")
    axes[0].set_ylabel("loss")
    for ax, name in zip(axes[1:], names, strict=True):
        ax.plot(steps, [row[name] for row in history], ".-")
        ax.set_yscale("log")
        ax.set_ylabel(name)
    axes[-1].set_xlabel("meta-step")
    save_picture(figure, picture)
