"""One part alone, for a network of the user's own: lowered from a spec, with messages and times that others dictate.

What a component is made of is lowered as in any network (:mod:`hmn_lava.compiler.neurocore`). Only what the rest of the
network decides there is given here: when the neuron and the synapses work, and the formats of messages from elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from hmn_lava.compiler.neurocore.assembly import Assembly
from hmn_lava.compiler.neurocore.connections import lower_plastic, lower_static
from hmn_lava.compiler.neurocore.populations import lower_input, lower_neurons
from hmn_lava.compiler.quantise import Formats, quantise
from hmn_lava.compiler.schedule import Schedule
from hmn_lava.components.port import Port
from hmn_lava.errors import FitError, InputError
from hmn_lava.hardware_profiles import Lif as LifLimits
from hmn_lava.hardware_profiles import load_profile
from hmn_lava.microcode.builder import ProgramError
from hmn_lava.network import IntegerNetwork
from hmn_lava.spec import Spec, resolve
from hmn_lava.spec.model import Model
from hmn_lava.topology import compact


def lower_part(
    spec: Spec,
    *,
    seed: int = 0,
    adapt: Callable[[Model], Model] | None = None,
    emit: int = 0,
    modulate: int = 1,
    update: int = 2,
    activity: Mapping[str, Port] | None = None,
    accumulator: Mapping[str, Port] | None = None,
    messages: Mapping[tuple[str, str], Port] | None = None,
) -> IntegerNetwork:
    """The integer network of ``spec``, in which no step is waited for.

    Inputs leave in step 0, and neurons work in the step in which their input is there. ``emit``: when their z leaves;
    ``modulate``: when third factors are computed; ``update``: when weights change. ``adapt`` may change the model.
    ``activity`` and ``accumulator`` replace formats of populations, and ``messages`` those of (group, output). Raises
    InputError for a spec that is wrong or needs more than a word, FitError where a parameter is lost.
    """
    chip = load_profile("loihi2").lif
    model = resolve(spec, seed)
    model = model if adapt is None else adapt(model)
    late = {c.name: compact(c.delay) for c in model.connections.values()}
    timing = Schedule(
        arrive=dict.fromkeys(model.populations, 0),
        emit={name: 0 if p.type == "input" else emit for name, p in model.populations.items()},
        delay=late,
        message_delay=late,
        modulate=dict.fromkeys(late, modulate),
        update=dict.fromkeys(late, update),
        weight_lag={},
    )
    formats = quantise(model, chip)
    formats = replace(
        formats,
        activity={**formats.activity, **(activity or {})},
        accumulator={**formats.accumulator, **(accumulator or {})},
    )
    try:
        net = _Part(model, formats, timing, chip, messages or {})
        net.lower()
    except ProgramError as error:
        remedy = "narrow the ranges, or use a format with fewer fractional bits"
        raise InputError(f"does not fit the chip's words: {error}", remedy=remedy) from None
    if lost := net.record.lost():
        raise FitError("a parameter is lost in the chip's integers:", lost)
    return net.network()


class _Part(Assembly):
    """An assembly in which the formats of some messages are given."""

    def __init__(
        self,
        model: Model,
        formats: Formats,
        schedule: Schedule,
        chip: LifLimits,
        given: Mapping[tuple[str, str], Port],
    ) -> None:
        super().__init__(model, formats, schedule, chip)
        self._given = given

    def port(self, group: str, output: str, count: int = 1) -> Port:
        return self._given.get((group, output)) or super().port(group, output, count)

    def lower(self) -> None:
        """All populations and connections."""
        for population in self.model.populations.values():
            if population.type == "input":
                lower_input(self, population)
            else:
                lower_neurons(self, population)
        for connection in self.model.connections.values():
            if connection.rule is None:
                lower_static(self, connection)
            else:
                lower_plastic(self, connection, connection.rule)
