"""A tree as the objects of the ``nir`` package, nested again where it is still the graph that came in."""

from __future__ import annotations

from typing import Any

import numpy as np

from hmn_lava.interchange.nir_graph import WHOLE
from hmn_lava.interchange.nir_tree import Tree

SINGLE = float(np.finfo(np.float32).max)


def graph_object(tree: Tree, metadata: dict[str, Any]) -> Any:
    """The ``nir.NIRGraph``. The package checks the shapes of what is connected; what it says is told."""
    import nir

    reached, read = {second for _, second in tree.edges}, {first for first, _ in tree.edges}
    # The check would put an Input before what reads nothing, and an Output behind what nothing reads.
    check = all(
        (fields["type"] == "Input" or name in reached) and (fields["type"] == "Output" or name in read)
        for name, fields in tree.nodes.items()
    )
    nested = tree.kept.graph.graphs if tree.kept.whole and check else []
    try:
        return nir.NIRGraph(*_level(tree, nested, "", check), metadata=metadata, type_check=check)
    except (
        ValueError,
        KeyError,
        TypeError,
        IndexError,
    ) as error:  # flat, as the package checks what is nested when it reads it, whatever is said
        told = " ".join(str(error).split())[:200]
        remedy = "Read it with nir.read(file, type_check=False)."
        severity = "info" if tree.kept.whole else "warning"  # so the graph came in
        tree.tell("untyped", tree.spec.name, told, "shapes that fit", remedy, severity)
        return nir.NIRGraph(*_level(tree, [], "", False), metadata=metadata, type_check=False)


def _level(tree: Tree, graphs: list[str], prefix: str, check: bool) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The nodes and edges of the graph whose nodes' names begin with ``prefix``; ``graphs``: those inside it."""
    import nir

    own = [name for name in graphs if not any(name.startswith(f"{other}.") for other in graphs if other != name)]
    inside = {name: [other for other in graphs if other.startswith(f"{name}.")] for name in own}
    member = {}  # of this level, by flat name
    nodes: dict[str, Any] = {}
    for name, fields in tree.nodes.items():
        if not name.startswith(prefix):
            continue
        graph = next((graph for graph in own if name.startswith(f"{graph}.")), None)
        member[name] = (graph or name).removeprefix(prefix)
        if graph is None:
            nodes[member[name]] = _node(fields)
        elif member[name] not in nodes:
            nodes[member[name]] = nir.NIRGraph(*_level(tree, inside[graph], f"{graph}.", check), type_check=check)
    return nodes, [
        (member[first], member[second])
        for first, second in tree.edges
        if first in member and second in member and (member[first] != member[second] or first == second)
    ]


def _node(fields: dict[str, Any]) -> Any:
    import nir

    kind = fields["type"]
    values = {key: _whole(kind, value) if key in WHOLE else _narrow(value) for key, value in fields.items()}
    del values["type"]
    if kind in ("Input", "Output"):
        return getattr(nir, kind)(**{f"{kind.lower()}_type": {kind.lower(): np.asarray(values["shape"])}})
    if kind == "Flatten":
        values["input_type"] = {"input": np.asarray(values["input_type"], np.int64)}
    return getattr(nir, kind)(**values)


def _whole(kind: str, value: Any) -> Any:
    """Whole numbers in the form that the package's nodes have them."""
    if isinstance(value, str):
        return value
    numbers = np.asarray(value).astype(np.int64)
    if not kind.startswith("Conv"):
        return numbers if numbers.ndim else int(numbers)
    return int(numbers.reshape(-1)[0]) if numbers.size == 1 else tuple(numbers.tolist())


def _narrow(value: Any) -> Any:
    """Numbers in single precision where it holds them all."""
    if not isinstance(value, np.ndarray) or value.dtype != np.float64:
        return value
    narrow = value.astype(np.float32) if np.abs(value).max(initial=0.0) < SINGLE else value
    return (narrow if (narrow == value).all() else value.copy())[()]  # a number where it has no axes
