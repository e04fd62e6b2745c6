"""A compiled network layer by layer: what each population is, what leads to it, its formats, and where it lies."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmn_lava.spec.convolution import window_shapes
from hmn_lava.spec.materialise import Source
from hmn_lava.spec.model import Connection, Model, Population

if TYPE_CHECKING:
    from hmn_lava.bundle import Bundle

DPI = 120
MOST_PIXELS, MOST_MEMORY = 1 << 15, 1 << 26
"""Pixels of a side and of a picture: matplotlib draws none with 2**16 on a side."""
WIDE, HIGH = 2.6, 1.3
"""Inches from a population to the next column, and to the next in its column."""
PLASTIC, STATIC, INPUT = "tab:red", "tab:gray", "tab:blue"


@dataclass(frozen=True)
class LayerRow:
    """A population and all that leads to it.

    ``shape``: channels and sides where a window says them, else the number of neurons. ``sources`` and ``synapses`` are
    of all connections to it, ``learning`` counts the synapses that learn. ``formats`` by signal; ``cores``: how many
    hold a part of its neurons and of what belongs to its synapses.
    """

    name: str
    type: str
    shape: tuple[int, ...]
    sources: tuple[str, ...]
    synapses: int
    learning: int
    formats: dict[str, str]
    cores: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def layers(bundle: Bundle) -> list[LayerRow]:
    """The rows of all populations, inputs first, in the order in which messages go through them."""
    model = bundle.model
    known = window_shapes(bundle.spec.connections, Source(bundle.spec.folder, bundle.seed))
    return [_row(bundle, model.populations[name], known.get(name)) for name in _inputs_first(model, flow(model))]


def _row(bundle: Bundle, p: Population, shape: tuple[int, ...] | None) -> LayerRow:
    arriving = [c for c in bundle.model.connections.values() if c.post == p.name]
    learning = [c for c in arriving if c.learns]
    return LayerRow(
        p.name,
        kind(p),
        shape or (p.size,),
        tuple(dict.fromkeys(c.pre for c in arriving)),
        sum(c.n_syn for c in arriving),
        sum(c.n_syn for c in learning),
        _formats(bundle, p, arriving),
        _cores(bundle, p, arriving),
    )


def kind(p: Population) -> str:
    """What a population's neurons are, in a word or two."""
    if p.type == "input":
        return f"input, {p.signal}"
    if p.sigma_delta is not None:
        relay = not (p.sigma_delta.sum or p.sigma_delta.difference)
        return "relay" if relay else "sigma-delta" if p.sigma_delta.difference else "sum"
    if p.type == "lif" and p.lif is not None:
        return "integrator" if p.lif.output == "voltage" else "LIF"
    return f"HMN, {p.activation}" if p.type == "hmn" else p.type


def _formats(bundle: Bundle, p: Population, arriving: list[Connection]) -> dict[str, str]:
    signals = [f"{p.name}.{symbol}" for symbol in ("x", "a", "u", "v", "z")]
    found = {name: str(bundle.network.signals[name].format) for name in signals if name in bundle.network.signals}
    wanted = {f"connections.{c.name}.weights": f"{c.name}.w" for c in arriving}
    for row in bundle.lowering:
        if row["parameter"] in wanted:
            name = wanted[row["parameter"]]
            found[name] = f"{found[name]}, {row['format']}" if name in found else row["format"]
    return found


def _cores(bundle: Bundle, p: Population, arriving: list[Connection]) -> int:
    owners = {p.name, *(c.name for c in arriving if c.rule is not None or c.learns)}
    held = (part for part in bundle.placement.slices if part.group in owners or _owner(part.group) in owners)
    return len(Counter(part.core for part in held))


def _owner(group: str) -> str:
    return group.rpartition(".")[0]


def _inputs_first(model: Model, names: list[str]) -> list[str]:
    return sorted(names, key=lambda name: model.populations[name].type != "input")


def flow(model: Model) -> list[str]:
    """All populations, each behind those that it reads, but for loops, which begin where an input comes to them.

    ``model.order`` is that of a step, where a population may be before one that it reads with a delay.
    """
    targets: dict[str, list[str]] = {name: [] for name in model.order}
    for c in model.connections.values():
        targets[c.pre].append(c.post)
    left: list[str] = []  # the last one first: a search in depth leaves a population after all that it leads to
    seen: set[str] = set()
    for root in _inputs_first(model, list(model.order)):
        stack = [] if root in seen else [(root, iter(targets[root]))]
        seen.add(root)
        while stack:
            rest = stack[-1][1]
            after = next((target for target in rest if target not in seen), None)
            if after is None:
                left.append(stack.pop()[0])
            else:
                seen.add(after)
                stack.append((after, iter(targets[after])))
    return left[::-1]


def depths(model: Model) -> dict[str, int]:
    """How many populations lie before each one on the longest way without a loop back."""
    order = flow(model)
    place = {name: number for number, name in enumerate(order)}
    found = dict.fromkeys(order, 0)
    for name in order:
        before = [found[c.pre] for c in model.connections.values() if c.post == name and place[c.pre] < place[name]]
        found[name] = 1 + max(before) if before else 0
    return found


def draw(bundle: Bundle, file: str | os.PathLike[str]) -> None:
    """Draw the network into a .png file: populations from left to right, what learns in red, its modulators dotted.

    Raises as :func:`hmn_lava.pictures.check_picture`, and InputError where the file cannot be written.
    """
    from hmn_lava.pictures import check_picture, new_figure, save_picture

    path = Path(file)
    check_picture(path)
    rows, depth = layers(bundle), depths(bundle.model)
    columns = [[row for row in rows if depth[row.name] == d] for d in range(max(depth.values()) + 1)]
    tallest = max(len(column) for column in columns)
    at = {
        row.name: (float(x), (tallest - 1) / 2 + (len(column) - 1) / 2 - y)
        for x, column in enumerate(columns)
        for y, row in enumerate(column)
    }
    connections = bundle.model.connections.values()
    ways = [(c.pre, c.post) for c in connections]
    ways += [
        (bundle.model.modulators[name].source, c.post) for c in connections if c.rule for name in c.rule.modulators
    ]
    heights = [_height(at[before], at[after]) for before, after in ways]
    low, high = min([-0.7, *heights]), max([tallest - 0.3, *heights])
    width, height = WIDE * len(columns) + 0.6, HIGH * (high - low) + 0.8
    figure = new_figure(width, height)
    axes = figure.subplots()
    for c in connections:
        _arrow(axes, at[c.pre], at[c.post], PLASTIC if c.learns else STATIC)
        for name in () if c.rule is None else c.rule.modulators:
            _arrow(axes, at[bundle.model.modulators[name].source], at[c.post], PLASTIC, "dotted")
    for row in rows:
        shape = " x ".join(map(str, row.shape))
        edge = INPUT if row.type.startswith("input") else PLASTIC if row.learning else STATIC
        box = {"boxstyle": "round,pad=0.4", "facecolor": "white", "edgecolor": edge}
        axes.text(*at[row.name], f"{row.name}\n{row.type}\n{shape}", ha="center", va="center", fontsize=8, bbox=box)
    axes.set_xlim(-0.6, len(columns) - 0.4)
    axes.set_ylim(low, high)
    axes.set_axis_off()
    axes.set_title(f"{bundle.network.name}: what learns is red, what modulates it dotted", fontsize=9)
    fits = min(MOST_PIXELS / max(width, height), (MOST_MEMORY / (width * height)) ** 0.5)
    save_picture(figure, path, dpi=min(DPI, int(fits)))


def _bend(start: tuple[float, float], end: tuple[float, float]) -> float:
    """A way back, or over a population between, is bent away from it so that it can be seen."""
    return 0.0 if end[0] == start[0] + 1 else -0.35 if start[1] > end[1] else 0.35


def _height(start: tuple[float, float], end: tuple[float, float]) -> float:
    """Where the middle of an arrow lies, with room."""
    away = -_bend(start, end) * (end[0] - start[0]) * WIDE / HIGH / 2
    return (start[1] + end[1]) / 2 + away + (0.0 if away == 0.0 else 0.2 if away > 0.0 else -0.2)


def _arrow(axes: Any, start: tuple[float, float], end: tuple[float, float], color: str, line: str = "solid") -> None:
    (x0, y0), (x1, y1) = start, end
    bend = _bend(start, end)
    shrink = 38
    if start == end:
        x1, bend, shrink = x1 + 0.25, 1.2, 10
    style = {"arrowstyle": "-|>", "color": color, "lw": 1.2, "linestyle": line}
    style |= {"connectionstyle": f"arc3,rad={bend}", "shrinkA": shrink, "shrinkB": shrink}
    axes.annotate("", (x1, y1), (x0, y0), arrowprops=style)
