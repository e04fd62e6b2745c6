"""Lowering to ``plasticity: neurocore``: the whole HMN rule as groups of microcoded compartments.

Each plastic synapse becomes a compartment with its own weight, traces and gates; what belongs to a neuron (context,
attention's normaliser) or to a connection (third factor, oscillator) becomes a group of its own. The schedule says when
each message leaves.
"""

from __future__ import annotations

from hmn_lava.compiler.lowering import Lowering
from hmn_lava.compiler.neurocore.assembly import Assembly
from hmn_lava.compiler.neurocore.connections import lower_plastic, lower_static
from hmn_lava.compiler.neurocore.populations import lower_input, lower_neurons
from hmn_lava.compiler.quantise import Formats
from hmn_lava.compiler.schedule import Schedule
from hmn_lava.hardware_profiles import Lif as LifLimits
from hmn_lava.network import IntegerNetwork
from hmn_lava.spec.model import Model

__all__ = ["lower"]


def lower(model: Model, formats: Formats, schedule: Schedule, chip: LifLimits) -> tuple[IntegerNetwork, Lowering]:
    """The integer network of a model, and the record of every parameter's lowering.

    ``chip`` holds the widths of the profile's LIF.
    """
    net = Assembly(model, formats, schedule, chip)
    for population in model.populations.values():
        if population.type == "input":
            lower_input(net, population)
        else:
            lower_neurons(net, population)
    for connection in model.connections.values():
        if connection.rule is None:
            lower_static(net, connection)
        else:
            lower_plastic(net, connection, connection.rule)
    return net.network(), net.record
