"""A convolution or pool of a spec as the fields of its node."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from hmn_lava.errors import InputError
from hmn_lava.interchange.nir_graph import Floats
from hmn_lava.interchange.nir_signal import per_channel
from hmn_lava.spec.convolution import ConvConnection, PoolConnection, kernel_of
from hmn_lava.spec.model import Connection

if TYPE_CHECKING:
    from hmn_lava.interchange.nir_tree import Tree


def window_node(
    tree: Tree, record: ConvConnection | PoolConnection, link: Connection, scale: Floats, bias: Any, chosen: Any
) -> dict[str, Any]:
    """The node's type and fields; a pool is a convolution where it has a bias, or another weight than NIR's pools.

    ``scale``: by which the import multiplies the weights; ``bias``: (n_post,), one value or None; ``chosen``: the
    synapses that have one of several delays, None for all. Raises InputError where channels are not alike.
    """
    place = f"connections.{link.name}"
    kernel = kernel_of(record, place, tree.source)
    shape, output = kernel.shape, kernel.output
    sides = len(shape) - 1
    factor = per_channel(1.0 / scale, output)
    if factor is None:
        problem = "goes to neurons whose gain differs in a channel, and no convolution of NIR has that"
        raise InputError(problem, where=tree.spec.file, field=place, remedy="use one for a channel")
    weight = kernel.weights[(0,) * kernel.weights.ndim] if isinstance(record, PoolConnection) else 0.0
    size = prod(kernel.weights.shape[2:])
    plain = isinstance(record, PoolConnection) and sides == 2 and bias is None and chosen is None
    kind = {1.0: "SumPool2d", 1.0 / size: "AvgPool2d"}.get(float(factor[0] * weight))
    if plain and kind is not None and (factor == factor[0]).all():
        window = {"kernel_size": kernel.weights.shape[2:], "stride": kernel.stride, "padding": kernel.padding}
        return {"type": kind, **{key: np.array(value) for key, value in window.items()}}
    if chosen is not None:  # channels of this delay
        here = np.zeros(link.n_post, bool)
        here[link.row[chosen]] = True
        factor = factor * here.reshape(output[0], -1).any(axis=1)
    values = kernel.weights * factor.reshape(-1, 1, *(1,) * sides)
    channels = np.zeros(output[0]) if bias is None else np.array(per_channel(bias, output))
    whole = [kernel.stride, kernel.padding, kernel.dilation]
    stride, padding, dilation = (w[0] if sides == 1 else tuple(w) for w in whole)
    return {
        "type": f"Conv{sides}d", "input_shape": shape[1] if sides == 1 else tuple(shape[1:]), "weight": values,
        "stride": stride, "padding": padding, "dilation": dilation, "groups": kernel.groups, "bias": channels,
    }  # fmt: skip
