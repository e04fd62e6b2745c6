"""Pictures that commands draw on request, as .png files. Needs matplotlib."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hmn_lava.errors import BackendError, InputError
from hmn_lava.files import write_output


def check_picture(path: Path, option: str = "--picture") -> None:
    """Before a long run. Raises InputError for a file that is no .png, BackendError where matplotlib is missing."""
    if path.suffix.lower() != ".png":
        raise InputError("a picture is a .png file", field=option, value=str(path), remedy="name it FILE.png")
    if find_spec("matplotlib") is None:
        raise BackendError(
            f"{option} needs matplotlib, which is not installed\n  remedy: pip install 'hmn-lava[report]'"
        )


def new_figure(width: float, height: float) -> Any:
    """A figure of that size in inches, which needs no display."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_picture(figure: Any, path: Path, dpi: int = 120) -> None:
    """Write a figure, whole or not at all. Raises InputError where it cannot be written."""
    write_output(path, lambda stream: figure.savefig(stream, format="png", dpi=dpi))
