"""Which node of a graph has which bias: weights onto a population, or its leak."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hmn_lava.interchange.nir_graph import Floats
from hmn_lava.interchange.nir_signal import per_channel
from hmn_lava.spec.convolution import ConvConnection, PoolConnection, kernel_of
from hmn_lava.spec.model import Connection

if TYPE_CHECKING:
    from hmn_lava.interchange.nir_tree import Tree

MOST_DIAGONAL = 4096
"""Neurons up to which weights of one each become a matrix, so that they can have a bias."""


def place_biases(tree: Tree, given: dict[str, Connection]) -> dict[str, Floats]:
    """The biases of connections' nodes, (n_post,) or one value; what no weights can have goes to v_leak, or is told."""
    placed: dict[str, Floats] = {}
    drives = _drives(tree)
    for name in (name for name in tree.model.populations if name in tree.anew):
        own = tree.bias.get(name, np.zeros(1))
        found = tree.inverse.get(name)
        gain = np.ones(1) if found is None else found.form.bias_gain
        wanted = np.zeros(1)
        if own.any() and gain is not None and (gain != 0.0).all():
            wanted, own = own / gain, np.zeros(1)
        if name in drives:
            wanted = wanted + drives[name] / tree.scale(name)
        onto = {link: c for link, c in given.items() if c.post == name}
        if wanted.any():
            shares = _first(tree, onto, wanted)
            placed |= shares
            if not shares and gain is not None:
                own = wanted * gain
            elif not shares:
                _lost(tree, name, wanted)
        if own.any():
            _leak(tree, name, own)
    return placed


def _drives(tree: Tree) -> dict[str, Floats]:
    """What constant messages bring to the neurons of each population, (n,)."""
    found: dict[str, Floats] = {}
    for link in tree.links.values():
        if link.pre in tree.drives:
            total = found.setdefault(link.post, np.zeros(link.n_post))
            np.add.at(total, link.row, link.weights * tree.model.populations[link.pre].bias[link.col])
    return found


def _first(tree: Tree, onto: dict[str, Connection], wanted: Floats) -> dict[str, Floats]:
    """All of it for the first weights that can have it: a matrix any, a convolution one for each channel."""
    for name, link in onto.items():
        record = tree.spec.connections[name]
        if isinstance(record, PoolConnection):
            continue
        if isinstance(record, ConvConnection):
            holds = per_channel(wanted, kernel_of(record, f"connections.{name}", tree.source).output) is not None
        else:
            holds = getattr(record, "topology", "dense") != "one_to_one" or link.n_post <= MOST_DIAGONAL
        if holds:
            return {name: wanted}
    return {}


def _leak(tree: Tree, name: str, bias: Floats) -> None:
    """A bias as v_leak, which draws the voltage by its decay."""
    found = tree.inverse.get(name)
    node = tree.nodes.get(tree.names.get(name, ""), {})
    if found is None or "v_leak" not in node or tree.how.start == "leak":
        _lost(tree, name, bias)
        return
    alpha = tree.how.alpha(tree.dt, node["tau_mem" if found.type.startswith("Cuba") else "tau"])
    node["v_leak"] = node["v_leak"] + np.broadcast_to(bias * found.form.unit, alpha.size).reshape(alpha.shape) / alpha


def _lost(tree: Tree, name: str, bias: Floats) -> None:
    worst = float(np.abs(bias).max())
    tree.tell("lost-bias", name, worst, "not in NIR", "No node of the graph has a place for this bias.")
