"""Random NIR graphs of every node type: chains, branches, recurrence and nesting, fields in every shape that fits."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import pytest

nir = pytest.importorskip("nir")

DT = 0.1


class Graphs:
    """Draws graphs from a seed."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def graph(self) -> Any:
        shape = self.one_of((4,), (2, 6), (2, 5, 6), (3, 4, 4))
        return self.inside(shape, int(self.rng.integers(2, 7)), 2)[0]

    def inside(self, shape: tuple[int, ...], length: int, levels: int) -> tuple[Any, tuple[int, ...]]:
        """A chain of ``length`` parts, with branches; its output's shape."""
        nodes: dict[str, Any] = {"in": nir.Input(np.array(shape))}
        edges: list[tuple[str, str]] = []
        head = "in"

        def add(node: Any, *heads: str) -> str:
            name = f"n{len(nodes)}"
            nodes[name] = node
            edges.extend((before, name) for before in heads)
            return name

        for _ in range(length):
            kind = self.rng.random()
            if kind < 0.5:
                node, made = self.linear(shape)
                mid = add(node, head)
                skips = made == shape and self.rng.random() < 0.3
                head, shape = (add(self.neurons(shape), head, mid) if skips else mid), made
            elif kind < 0.75:
                head = add(self.neurons(shape), head)
            elif kind < 0.85 and len(shape) == 1:
                head = add(self.neurons(shape), head)
                edges.append((add(nir.Linear(self.rng.normal(size=(*shape, *shape))), head), head))
            elif levels:
                graph, made = self.inside(shape, int(self.rng.integers(1, 4)), levels - 1)
                head, shape = add(graph, head), made
        edges.append((head, "out"))
        nodes["out"] = nir.Output(np.array(shape))
        return nir.NIRGraph(nodes, edges, type_check=False), shape

    def linear(self, shape: tuple[int, ...]) -> tuple[Any, tuple[int, ...]]:
        kinds = {
            1: ("Affine", "Linear", "Scale", "Delay"),
            2: ("Conv1d", "Scale", "Delay", "Flatten"),
            3: ("Conv2d", "SumPool2d", "AvgPool2d", "Scale", "Delay", "Flatten"),
        }
        kind, rng = self.one_of(*kinds[len(shape)]), self.rng
        if kind == "Scale":
            return nir.Scale(self.field(shape, -2.0, 2.0)), shape
        if kind == "Delay":
            return nir.Delay(np.rint(self.field(shape, 0.0, 5.0)) * DT), shape
        if kind == "Flatten":
            return nir.Flatten({"input": np.array(shape)}, 0, -1), (prod(shape),)
        if kind in ("Affine", "Linear"):
            size = int(rng.integers(1, 6))
            weight = self.precise(rng.normal(size=(size, *shape)))
            return (nir.Linear(weight) if kind == "Linear" else nir.Affine(weight, rng.normal(size=size))), (size,)
        sides = len(shape) - 1
        kernel = tuple(int(rng.integers(1, min(3, side) + 1)) for side in shape[1:])
        if kind.endswith("Pool2d"):
            made = tuple((n - k) // 2 + 1 for n, k in zip(shape[1:], kernel, strict=True))
            return getattr(nir, kind)(np.array(kernel), np.array([2, 2]), np.array([0, 0])), (shape[0], *made)
        groups, out = self.one_of(1, shape[0]), shape[0] * int(rng.integers(1, 3))
        weight = self.precise(rng.normal(size=(out, shape[0] // groups, *kernel)))
        padding = self.one_of(1, "valid")
        pad = 0 if padding == "valid" else 1
        made = tuple(n + 2 * pad - k + 1 for n, k in zip(shape[1:], kernel, strict=True))
        sized = self.one_of(None, shape[1] if sides == 1 else shape[1:])
        bias = rng.normal(size=out) * self.one_of(0.0, 1.0)
        return getattr(nir, kind)(sized, weight, 1, padding, 1, groups, bias), (out, *made)

    def neurons(self, shape: tuple[int, ...]) -> Any:
        kind = self.one_of("Threshold", "I", "IF", "LI", "LIF", "CubaLI", "CubaLIF")
        like = self.one_of(shape, shape, (1,))
        ranges = {
            "tau": (0.15, 2.0), "tau_syn": (0.15, 2.0), "tau_mem": (0.15, 2.0), "r": (0.5, 4.0), "v_leak": (-0.2, 0.1),
            "v_threshold": (0.3, 1.0), "v_reset": (-0.2, 0.1), "w_in": (0.5, 2.0), "threshold": (-0.5, 1.0),
        }  # fmt: skip
        keys = {
            "Threshold": ("threshold",), "I": ("r",), "IF": ("r", "v_threshold", "v_reset"),
            "LI": ("tau", "r", "v_leak"), "LIF": ("tau", "r", "v_leak", "v_threshold", "v_reset"),
            "CubaLI": ("tau_syn", "tau_mem", "r", "v_leak", "w_in"),
            "CubaLIF": ("tau_syn", "tau_mem", "r", "v_leak", "v_threshold", "v_reset", "w_in"),
        }[kind]  # fmt: skip
        return getattr(nir, kind)(**{key: self.precise(self.rng.uniform(*ranges[key], like)) for key in keys})

    def field(self, shape: tuple[int, ...], low: float, high: float) -> Any:
        return self.precise(self.rng.uniform(low, high, self.one_of(shape, shape, (1,))))

    def precise(self, values: Any) -> Any:
        return values.astype(self.one_of(np.float32, np.float64))

    def one_of(self, *choices: Any) -> Any:
        return choices[self.rng.integers(len(choices))]
