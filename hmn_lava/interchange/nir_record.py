"""A NIR graph as the record ``nir`` of the spec that is made of it, and back."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np
from pydantic_core import PydanticCustomError

from hmn_lava.errors import InputError
from hmn_lava.interchange.nir_graph import Graph, read_graph
from hmn_lava.spec import Spec
from hmn_lava.spec.arrays import Array, NpzArray, Values
from hmn_lava.spec.materialise import Source
from hmn_lava.spec.nir import NirConvention
from hmn_lava.spec.problems import Problem


def record_of(graph: Graph, dt: float | None, how: NirConvention, connections: dict[str, Any]) -> dict[str, Any]:
    """The record's data. Weights that ``connections`` have as they are, are one array in memory with those."""
    taken: dict[tuple[int, ...], list[Values]] = {}
    for record in connections.values():
        if isinstance(record.get("weights"), np.ndarray):
            with suppress(PydanticCustomError):  # the spec will tell what is wrong with it
                record["weights"] = Values.of(record["weights"])
        if isinstance(record.get("weights"), Values):
            taken.setdefault(record["weights"].array.shape, []).append(record["weights"])

    def shared(value: Any) -> Any:
        equal = (other for other in taken.get(value.shape, ()) if np.array_equal(other.array, value))
        return next(equal, value)

    nodes: dict[str, Any] = {}
    for name, node in graph.nodes.items():
        numbers = {key: shared(value) for key, value in node.fields.items() if not isinstance(value, str)}
        words = {key: value for key, value in node.fields.items() if isinstance(value, str)}
        nodes[name] = {"type": node.type, "fields": numbers, **words}
    edges, graphs = list(graph.edges), list(graph.graphs)
    return {"dt": dt, "convention": how.model_dump(), "nodes": nodes, "edges": edges, "graphs": graphs}


def graph_of(spec: Spec, source: Source) -> Graph | None:
    """The graph of a spec's record; None where it has none. Raises InputError for one that is no graph."""
    if spec.nir is None or not spec.nir.nodes:
        return None
    nodes: dict[str, Mapping[str, Any]] = {}
    for name, node in spec.nir.nodes.items():
        fields = {key: _array(value, f"nir.nodes.{name}.fields.{key}", source) for key, value in node.fields.items()}
        nodes[name] = {"type": node.type, **fields, **({"padding": node.padding} if node.padding else {})}
    try:
        graph = read_graph({"type": "NIRGraph", "nodes": nodes, "edges": spec.nir.edges}, spec.file)
    except InputError as error:
        raise InputError(
            error.problem, where=spec.file, field=f"nir.{error.field}", value=error.value, remedy=error.remedy
        ) from None
    graph.graphs = list(spec.nir.graphs)
    return graph


def _array(value: Array, field: str, source: Source) -> Any:
    if isinstance(value, float):
        return np.float64(value)
    if not isinstance(value, (Values, NpzArray)):
        raise Problem(field, "is neither a number nor an array", "remove nir").error()
    return source.given(value, field)
