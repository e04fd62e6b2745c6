"""The shape of what each node of a NIR graph gives, from its inputs on."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import prod

from hmn_lava.interchange.nir_graph import Graph, Node
from hmn_lava.interchange.nir_neurons import NEURONS
from hmn_lava.interchange.nir_signal import Shape, window_of

WINDOWS = ("Conv1d", "Conv2d", "SumPool2d", "AvgPool2d")


def find_shapes(graph: Graph, behind: Mapping[str, list[str]], inputs: list[Node]) -> dict[str, Shape]:
    """Shapes by node, of all that an input reaches, or that says its own; ``behind``: the nodes that read each.

    Raises InputError for a shape that is none, or that a node cannot read.
    """
    found = _Shapes(graph, behind)
    found.find(inputs)
    return found.shapes


@dataclass
class _Shapes:
    graph: Graph
    behind: Mapping[str, list[str]]
    shapes: dict[str, Shape] = field(default_factory=dict)

    def find(self, inputs: list[Node]) -> None:
        for node in inputs:
            shape = node["shape"].reshape(-1)
            if shape.size > 4 or shape.min() < 1 or prod(shape.tolist()) > 1 << 24:
                remedy = "export with the shape of one sample, without batch and time"
                raise self.graph.wrong(f"{node.name}.shape", "is no shape of a sample", shape[:5].tolist(), remedy)
            batch = shape.size == 4 and shape[0] == 1
            self.shapes[node.name] = tuple(int(n) for n in shape[int(batch) :])
        self._spread(node.name for node in inputs)
        for node in self.graph.nodes.values():  # what no input reaches says its shape itself
            if node.type in NEURONS and node.name not in self.shapes and (own := _own_shape(node)) is not None:
                self.shapes[node.name] = own
                self._spread([node.name])

    def _spread(self, names: Iterable[str]) -> None:
        waiting = deque(names)
        while waiting:
            here = waiting.popleft()
            for name in self.behind[here]:
                if name not in self.shapes:
                    self.shapes[name] = self._shape_behind(self.graph.nodes[name], self.shapes[here])
                    waiting.append(name)

    def _shape_behind(self, node: Node, shape: Shape) -> Shape:
        if node.type in ("Affine", "Linear"):
            weight = node["weight"]
            if weight.ndim != 2:
                remedy = "flatten what the node reads, and give it a matrix (out, in)"
                raise self.graph.wrong(f"{node.name}.weight", f"has {weight.ndim} axes, needs 2", weight.shape, remedy)
            return (weight.shape[0],)
        if node.type in WINDOWS:
            return window_of(self.graph, node, shape)[2]
        if node.type in NEURONS:
            own = _own_shape(node) or ()
            return own if prod(own) == prod(shape) and len(own) > len(shape) else shape
        if node.type == "Flatten":
            first, last = (self._axis(node, key, shape) for key in ("start_dim", "end_dim"))
            return (*shape[:first], prod(shape[first : last + 1]), *shape[last + 1 :]) if first <= last else shape
        return shape

    def _axis(self, node: Node, key: str, shape: Shape) -> int:
        axis, axes = int(node[key].reshape(-1)[0]), len(shape)
        if not -axes <= axis < axes:
            remedy = "count the axes of one sample, without batch and time"
            raise self.graph.wrong(f"{node.name}.{key}", f"is no axis of shape {shape}", axis, remedy)
        return axis % axes


def _own_shape(node: Node) -> Shape | None:
    """The shape of a neuron's parameters, where they have one for each neuron."""
    shapes = [values.shape for values in node.fields.values() if values.size > 1]
    return max(shapes, key=lambda shape: (prod(shape), len(shape))) if shapes else None
