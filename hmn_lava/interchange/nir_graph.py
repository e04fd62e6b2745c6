"""A NIR graph as plain data: nodes with checked fields, nested graphs laid flat, edges between names.

A graph comes from a file, or from the ``nir`` package's objects; both are the same nested mapping. What is not in
``FIELDS`` is refused, so that all that follows reads numbers of the right kind.
Source: ``nir.ir`` and ``nir.serialization`` of the NIR package.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.errors import Finding, InputError
from hmn_lava.spec.fields import LARGEST

Floats = NDArray[np.float64]

FIELDS: dict[str, tuple[str, ...]] = {
    "Input": ("shape",),
    "Output": ("shape",),
    "Affine": ("weight", "bias"),
    "Linear": ("weight",),
    "Scale": ("scale",),
    "Conv1d": ("weight", "stride", "padding", "dilation", "groups", "bias"),
    "Conv2d": ("weight", "stride", "padding", "dilation", "groups", "bias"),
    "SumPool2d": ("kernel_size", "stride", "padding"),
    "AvgPool2d": ("kernel_size", "stride", "padding"),
    "Flatten": ("start_dim", "end_dim"),
    "Delay": ("delay",),
    "Threshold": ("threshold",),
    "I": ("r",),
    "IF": ("r", "v_threshold"),
    "LI": ("tau", "r", "v_leak"),
    "LIF": ("tau", "r", "v_leak", "v_threshold"),
    "CubaLI": ("tau_syn", "tau_mem", "r", "v_leak"),
    "CubaLIF": ("tau_syn", "tau_mem", "r", "v_leak", "v_threshold"),
}
"""The node types that can be imported, and the fields that each must have."""
OPTIONAL: dict[str, tuple[str, ...]] = {
    "Conv1d": ("input_shape",),
    "Conv2d": ("input_shape",),
    "Flatten": ("input_type",),
    "IF": ("v_reset",),
    "LIF": ("v_reset",),
    "CubaLI": ("w_in",),
    "CubaLIF": ("v_reset", "w_in"),
}
WHOLE = ("shape", "stride", "padding", "dilation", "groups", "kernel_size", "start_dim", "end_dim", "input_shape")
"""Fields of whole numbers; ``padding`` may be a word."""
MOST_NODES = 10_000
DEEPEST = 8
"""Graphs within graphs."""


@dataclass(frozen=True)
class Node:
    """A node: its name in the flat graph, its type, and its fields as float64 arrays, or text."""

    name: str
    type: str
    fields: Mapping[str, Any]

    def __getitem__(self, key: str) -> Floats:
        values: Floats = self.fields[key]
        return values

    def get(self, key: str, default: float) -> Floats:
        """A field, or what it is where the graph leaves it out."""
        values: Floats = self.fields.get(key, np.float64(default))
        return np.asarray(values)


@dataclass
class Graph:
    """Nodes by name, those of nested ``graphs`` as ``graph.node``; ``edges`` once each; the outermost metadata."""

    file: str
    nodes: dict[str, Node] = field(default_factory=dict)
    edges: dict[tuple[str, str], None] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    graphs: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def wrong(self, place: str, problem: str, value: Any = None, remedy: str = "export the graph again") -> InputError:
        """The error for a node or a field of it."""
        return InputError(problem, where=self.file, field=place, value=value, remedy=remedy)

    def tell(self, rule: str, place: str, used: Any, limit: Any, remedy: str, severity: Any = "warning") -> None:
        """Report what is not as the graph says."""
        self.findings.append(Finding(rule, place, used, limit, severity, remedy))


def tree_of(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """The nested mapping of arrays named by their paths."""
    tree: dict[str, Any] = {}
    for path, value in arrays.items():
        *groups, name = path.split("/")
        inside = tree
        for group in groups:
            inside = inside.setdefault(group, {})
        inside[name] = value
    return tree


def read_graph(tree: Mapping[str, Any], file: str) -> Graph:
    """The flat graph of a nested mapping, as ``NIRGraph.to_dict`` gives it; raises InputError for what is not one."""
    graph = Graph(file)
    if text_of(tree.get("type")) != "NIRGraph":
        raise graph.wrong("type", "is no NIR graph", text_of(tree.get("type")), "give a file that nir.write wrote")
    metadata = tree.get("metadata")
    graph.metadata = dict(metadata) if isinstance(metadata, Mapping) else {}
    _Reader(graph).graph(tree, "", DEEPEST)
    return graph


class _Reader:
    """Fills a graph from nested mappings."""

    def __init__(self, graph: Graph) -> None:
        self.to = graph

    def graph(self, tree: Mapping[str, Any], prefix: str, levels: int) -> tuple[list[str], list[str]]:
        """Add a graph's nodes and edges; the names of its Input and of its Output nodes."""
        place = f"{prefix}nodes"
        nodes = tree.get("nodes")
        if not isinstance(nodes, Mapping) or not nodes:
            raise self.to.wrong(place, "has no nodes")
        if levels == 0:
            raise self.to.wrong(place, f"is nested more than {DEEPEST} deep")
        ports: dict[str, tuple[list[str], list[str]]] = {}
        for key, value in nodes.items():
            name = f"{prefix}{key}"
            if not isinstance(value, Mapping):
                raise self.to.wrong(name, "is no node")
            kind = text_of(value.get("type"))
            if kind == "NIRGraph":
                self.to.graphs.append(name)
                ports[key] = self.graph(value, f"{name}.", levels - 1)
            else:
                self.node(name, kind, value)
                ports[key] = ([name], [name])
        self.edges(tree.get("edges"), prefix, ports)
        return tuple(  # type: ignore[return-value]
            [f"{prefix}{k}" for k, v in nodes.items() if text_of(v.get("type")) == kind] for kind in ("Input", "Output")
        )

    def node(self, name: str, kind: str | None, value: Mapping[str, Any]) -> None:
        if kind not in FIELDS:
            remedy = f"use nodes of the types {', '.join(FIELDS)}, NIRGraph"
            raise self.to.wrong(name, f"is of type {str(kind)[:60]}, which cannot be imported", None, remedy)
        if name in self.to.nodes:
            raise self.to.wrong(name, "is there twice", None, "give each node a name of its own")
        if len(self.to.nodes) >= MOST_NODES:
            raise self.to.wrong(name, f"the graph has more than {MOST_NODES} nodes", None, "use a smaller graph")
        known = (*FIELDS[kind], *OPTIONAL.get(kind, ()))
        fields = {key: self.field(f"{name}.{key}", value[key], key) for key in known if value.get(key) is not None}
        for key in FIELDS[kind]:
            if key not in fields:
                raise self.to.wrong(f"{name}.{key}", f"is missing in a node of type {kind}")
        if kind in ("LIF", "IF", "CubaLIF") and "v_reset" not in fields:
            fields["v_reset"] = np.zeros_like(fields["v_threshold"])
        ignored = sorted(map(str, value.keys() - {*known, "type", "metadata", "input_type", "output_type"}))
        if ignored:
            self.to.tell("ignored-field", name, ", ".join(ignored)[:80], "fields of NIR", "They are left out.")
        self.to.nodes[name] = Node(name, kind, fields)

    def field(self, place: str, value: Any, key: str) -> Any:
        """A field's numbers as float64, or padding's word."""
        text = text_of(value)
        if text is not None:
            if key == "padding" and text in ("same", "valid"):
                return text
            raise self.to.wrong(place, "is no number", text)
        try:
            array = np.asarray(value)
        except (ValueError, TypeError, RuntimeError):
            raise self.to.wrong(place, "is no array of numbers") from None
        if array.dtype.kind not in "biuf":
            raise self.to.wrong(place, "is no array of numbers", str(array.dtype)[:60])
        numbers = array.astype(np.float64)
        if numbers.size == 0:
            raise self.to.wrong(place, "is empty", array.shape)
        if not np.isfinite(numbers).all():
            raise self.to.wrong(place, "holds NaN or infinity", None, "replace every value that is not finite")
        most = float(np.abs(numbers).max())
        if most > LARGEST:
            raise self.to.wrong(place, f"holds a number beyond {LARGEST:g}", most, "scale it down")
        if key in WHOLE and (numbers != np.floor(numbers)).any():
            raise self.to.wrong(place, "must hold whole numbers", float(numbers.reshape(-1)[0]))
        return numbers

    def edges(self, value: Any, prefix: str, ports: Mapping[str, tuple[list[str], list[str]]]) -> None:
        place = f"{prefix}edges"
        try:
            pairs = [(text_of(a), text_of(b)) for a, b in ([] if value is None else value)]
        except (TypeError, ValueError):
            raise self.to.wrong(place, "is no list of pairs of node names") from None
        for pair in pairs:
            for name in pair:
                if name not in ports:
                    remedy = "name nodes of the same graph"
                    raise self.to.wrong(place, "names a node that is not there", str(name)[:60], remedy)
            before, after = ports[str(pair[0])][1], ports[str(pair[1])][0]
            for name, side, inside in ((pair[0], "outputs", before), (pair[1], "inputs", after)):
                if len(inside) != 1:
                    problem = f"names a graph with {len(inside)} {side}"
                    raise self.to.wrong(place, problem, str(name)[:60], "use nested graphs with one Input and Output")
            self.to.edges[before[0], after[0]] = None


def text_of(value: Any) -> str | None:
    """Text, of whatever kind it is; None for what is no text."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, bytes):
        return value.decode("utf8", "replace")
    return str(value) if isinstance(value, str) else None
