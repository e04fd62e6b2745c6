"""A whole spec in a graph's metadata: as JSON, with its larger arrays beside it.

It counts where the graph is still the one that the spec gives; a graph that another tool has changed is read as it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from hmn_lava.errors import InputError
from hmn_lava.interchange.imported import Imported, Row
from hmn_lava.interchange.nir_graph import Graph, text_of
from hmn_lava.interchange.nir_tree import Tree
from hmn_lava.spec import Spec, resolve, spec_from_dict, spec_to_dict

KEY = "hmn_lava"
ARRAYS = "hmn_lava_arrays"
FILE = "metadata"
"""What stands for the npz file in the JSON text."""


def embed(spec: Spec, tree: Tree) -> dict[str, Any]:
    """The metadata of a spec's graph."""
    data, arrays = spec_to_dict(spec, FILE, empty=False)
    metadata: dict[str, Any] = {KEY: json.dumps(data), "dt": tree.dt}
    if arrays:
        metadata[ARRAYS] = arrays
    return metadata


def embedded(graph: Graph) -> Imported | None:
    """The spec in a graph's metadata, if there is one, and it gives this graph. Raises InputError for a broken one.

    What the graph says otherwise is told; then it is read as any other graph, without what learns.
    """
    text = text_of(graph.metadata.get(KEY))
    if text is None:
        return None
    try:
        data = json.loads(text)
        arrays = graph.metadata.get(ARRAYS, {})
        spec = spec_from_dict(_filled(data, arrays if isinstance(arrays, Mapping) else {}, 32))
        tree = Tree(spec, resolve(spec), own_dt(graph)).build()
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        told = " ".join(str(error).split())[:100]
        remedy = "export the network again, or remove the metadata"
        raise graph.wrong(f"metadata.{KEY}", f"is no spec: {told}", None, remedy) from None
    except InputError as error:
        place = f"metadata.{KEY}.{error.field}"
        raise graph.wrong(place, error.problem, error.value, error.remedy) from None
    differing = sorted(_differing(graph, tree))
    if differing:
        remedy = "The graph was changed since hmn-lava wrote it: it counts, and what learns is left out."
        graph.tell("edited-graph", ", ".join(differing)[:100], len(differing), "0 nodes", remedy)
        return None
    return _imported(spec, tree)


def _imported(spec: Spec, tree: Tree) -> Imported:
    rows = []
    for name, record in spec.populations.items():
        onto = ", ".join(link for link, c in spec.connections.items() if c.target == name)
        rows.append(Row(name, "population", tree.shapes[name], record.type, onto))
    inputs = [name for name, record in spec.populations.items() if record.type == "input"]
    sending = {c.source for c in spec.connections.values()}
    last = [*tree.kept.outputs.values(), *(n for n in spec.populations if n not in sending), *spec.populations]
    return Imported(spec, tuple(rows), tuple(tree.findings), inputs[0] if inputs else "", last[0])


def _differing(graph: Graph, tree: Tree) -> set[str]:
    """Nodes of either that the other has not, or has with other numbers; ``edges`` where these differ."""
    differing = set(graph.nodes) ^ set(tree.nodes)
    for name in set(graph.nodes) & set(tree.nodes):
        node, fields = graph.nodes[name], tree.nodes[name]
        numbers = {key: value for key, value in fields.items() if key != "type"}
        if node.type != fields["type"] or not all(_equal(node.fields.get(k), v) for k, v in numbers.items()):
            differing.add(name)
    return differing | ({"edges"} if set(graph.edges) != set(tree.edges) else set())


def _equal(first: Any, second: Any) -> bool:
    """Of a word, or of numbers in whatever shape."""
    if isinstance(first, str) or isinstance(second, str) or first is None:
        return isinstance(first, str) and isinstance(second, str) and first == second
    return np.array_equal(np.asarray(first).reshape(-1), np.asarray(second).reshape(-1))


def _filled(value: Any, arrays: Mapping[str, Any], levels: int) -> Any:
    """The spec's data with its arrays in place."""
    if levels == 0:
        raise ValueError("it is nested too deeply")
    if isinstance(value, dict):
        if value.get("npz") == FILE:
            return np.asarray(arrays[value["key"]])
        return {key: _filled(item, arrays, levels - 1) for key, item in value.items()}
    return value


def own_dt(graph: Graph) -> float | None:
    """The time step of a graph's metadata, where it says one."""
    try:
        found = float(np.asarray(graph.metadata.get("dt")).reshape(-1)[0])
    except (TypeError, ValueError, IndexError):
        return None
    return found if 0.0 < found < np.inf else None
