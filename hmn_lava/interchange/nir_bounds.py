"""After the connections: which of them close a loop, and how large a graded message can be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod
from typing import Any

import numpy as np

from hmn_lava.interchange.nir_build import Build

UNBOUNDED = 8.0
"""z_max of a voltage that nothing bounds: an integrator's, or one in a loop of graded messages."""


def close_loops(build: Build) -> list[str]:
    """Let connections that close a loop take a step more, as frameworks have it; returns all populations in order."""
    inputs = [name for name, record in build.populations.items() if record["type"] == "input"]
    ends = {
        name: (record["source"], record["target"])
        for name, record in build.connections.items()
        if name not in build.resets  # those have their delay
    }
    order, closing = loops((*inputs, *build.populations), ends)
    for link in closing:
        record = build.connections[link]
        record["delay"] = record.get("delay", 0.0) + 1.0
        used, remedy = " -> ".join(ends[link]), "It closes a loop, and takes a step."
        build.graph.tell("feedback", link, used, "1 step", remedy, "info")
    return order


def loops(populations: Iterable[str], ends: Mapping[str, tuple[str, str]]) -> tuple[list[str], list[str]]:
    """Populations, each behind those that it reads, and the connections that close a loop, which that leaves out.

    Depth first, from the populations in their order; ``ends``: source and target of each connection.
    """
    populations = list(populations)
    order: list[str] = []
    closing: list[str] = []
    state = dict.fromkeys(populations, 0)  # 0 new, 1 on the way, 2 done
    leaving: dict[str, list[str]] = {name: [] for name in state}
    for link, (source, _) in ends.items():
        leaving[source].append(link)
    for root in populations:
        if state[root]:
            continue
        state[root], way = 1, [(root, iter(leaving[root]))]
        while way:
            here, links = way[-1]
            onward = next(links, None)
            if onward is None:
                state[here] = 2
                order.append(here)
                way.pop()
                continue
            target = ends[onward][1]
            if state[target] == 1:
                closing.append(onward)
            elif state[target] == 0:
                state[target] = 1
                way.append((target, iter(leaving[target])))
    return order[::-1], closing


def bound_messages(build: Build, order: list[str], voltage_max: float | None) -> None:
    """Set z_max of relays and voltages to what they can reach, from the inputs' range on.

    A sum of weighted messages is bounded by that of their magnitudes; a current by that over du, a voltage over dv.
    """
    reach: dict[str, float] = {}
    arriving: dict[str, list[dict[str, Any]]] = {name: [] for name in order}
    for record in build.connections.values():
        arriving[record["target"]].append(record)
    for name in order:
        record = build.populations[name]
        graded = record.get("output") == "voltage" or record["type"] == "sigma_delta"
        if record["type"] == "input":
            reach[name] = max(map(abs, record.get("range", (0.0, 1.0))))
        elif not graded:
            reach[name] = 1.0
        elif "z_max" in record:
            reach[name] = record["z_max"]
        else:
            reach[name] = record["z_max"] = _bound(build, name, arriving[name], reach, voltage_max)


def _bound(
    build: Build, name: str, arriving: list[dict[str, Any]], reach: dict[str, float], most: float | None
) -> float:
    record = build.populations[name]
    if most is not None and record["type"] == "lif":
        return most
    size = record["size"]
    total = np.zeros(size)
    known = all(link["source"] in reach for link in arriving)
    for link in arriving:
        total = total + _row_sums(link, size) * reach.get(link["source"], 0.0)
    if record["type"] == "lif":
        du, dv = (np.broadcast_to(record[key], (size,)) for key in ("du", "dv"))
        known = known and bool((du > 0.0).all() and (dv > 0.0).all())
        if known:
            total = (total / du + np.abs(record.get("bias", 0.0))) / dv
    else:
        total = total + np.abs(record.get("bias", 0.0))
    if not known:
        remedy = f"Nothing bounds this voltage: it is sent saturated at ±{UNBOUNDED:g}; give voltage_max."
        build.graph.tell("unbounded-voltage", name, "no bound", UNBOUNDED, remedy)
        return UNBOUNDED
    return float(total.max()) or 1.0


def _row_sums(link: dict[str, Any], size: int) -> Any:
    """Sums of the magnitudes of the weights onto each neuron, or a bound of them."""
    if link["type"] == "pool":
        return abs(link["weight"]) * prod(link["kernel"])
    weights = np.abs(link["weights"])
    if link["type"] == "conv":
        return float(weights.reshape(weights.shape[0], -1).sum(axis=1).max())
    return weights if weights.ndim < 2 else weights.sum(axis=1)
