"""One compartment for each pair of neurons that compete."""

from __future__ import annotations

from typing import Any

from hmn_lava.errors import InputError
from hmn_lava.partition import Part
from hmn_lava.parts.competition import competition_part
from hmn_lava.parts.given import given_part
from hmn_lava.parts.ranges import Range
from hmn_lava.processes.base.component import Component
from hmn_lava.reference.parts import FloatPart


class Competition(Component):
    """Who is beaten: ``beaten_j`` = number of neurons i with key_i > key_j, or key_i = key_j and i < j.

    It is 0 for one neuron, the winner. A chip's accumulator adds and takes no maximum, so that n neurons are compared
    in n² compartments.

    Ports, all of shape (n,): ``mine_in`` and ``other_in`` read the keys, in the format ``formats["mine_in"]``, both
    from the same ``key_out``; ``beaten_out`` sends whole numbers 0 to n - 1, one step after the keys were sent.

    Vars: ``first`` (n, n), the constant 1 where i < j (``fixed_pt`` alone). ``fixed_pt`` is exact: it equals
    ``floating_pt`` wherever keys differ by a unit of their format.

    Source: HMN paper, eq. (1), with ties and draws as this project's model decides (the Gumbel-max trick).

    >>> from hmn_lava.processes.neuron.process import HMNNeuron
    >>> neurons = HMNNeuron(shape=(4,), activation="sigmoid", competition="winner_take_all")
    >>> contest = Competition.of(neurons)
    >>> contest.beaten_out.shape, neurons.beaten_in.shape
    ((4,), (4,))
    """

    def __init__(
        self,
        *,
        shape: tuple[int] | int | None = None,
        key_range: Range = (-8.0, 8.0),
        name: str | None = None,
        part: Part | None = None,
        equations: FloatPart | None = None,
        **kwargs: Any,
    ) -> None:
        """A competition among ``shape`` neurons.

        :param shape: (n,).
        :param key_range: (low, high) of the keys, or what the neurons send (``neurons.sends["key_out"]``).
        :param part: the competition of a compiled network in place of all these.
        :raises InputError: for an argument that is wrong.
        """
        if part is None:
            part, equations = competition_part(shape, key_range, name=name or "competition")
        super().__init__(part=given_part(part, name or "competition"), equations=equations, name=name, **kwargs)

    @classmethod
    def of(cls, neurons: Component, **kwargs: Any) -> Competition:
        """The competition of these neurons, connected to them in both directions."""
        if "key_out" not in neurons.sends:
            remedy = 'give the neurons competition="winner_take_all" or "sample"'
            raise InputError(
                "does not compete", where="competition", field="neurons", value=neurons.name, remedy=remedy
            )
        found = cls(shape=neurons.s_out.shape, key_range=neurons.sends["key_out"], **kwargs)
        neurons.key_out.connect(found.mine_in)
        neurons.key_out.connect(found.other_in)
        found.beaten_out.connect(neurons.beaten_in)
        return found
