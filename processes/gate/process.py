"""The probabilistic gate: an update passes by chance."""

from __future__ import annotations

from typing import Any

from hmn_lava.partition import Part
from hmn_lava.parts.given import given_part
from hmn_lava.parts.probabilistic_gate import probabilistic_gate_part
from hmn_lava.parts.ranges import Range
from hmn_lava.processes.base.process import HMNProcess
from hmn_lava.reference.parts import FloatPart


class ProbabilisticGate(HMNProcess):
    """The probabilistic gate: an update passes by chance, a large one more likely.

    dw_out = dw with probability p = σ(β_p (|dw| - θ_p)), else 0

    * dw: the update of each synapse; β_p: ``beta``; θ_p: ``threshold``

    Ports: ``dw_in`` (n,), ``dw_out`` (n,), one step later, in the same format. An update beyond ``dw_range`` saturates.

    Vars: the constants ``beta_p`` and ``threshold`` in fixed point, which may be set while it runs; the key words
    ``gate_k<n>`` of the draws, and ``offset``, the steps by which it is late.

    Formats: ``dw_range`` with 22 bits, unless it is a format. Each synapse draws 16 bits in each step, from the stream
    that is called as the Process; so p is resolved to 2⁻¹⁶. The probability is within 2 10⁻⁵ + β_p 2⁻¹⁹ (θ_p + |dw|) of
    the equation, and ``floating_pt`` draws the same numbers: both let the same updates through, but where a draw falls
    between the two probabilities.

    Raises InputError for parameters that are out of range.

    Source: HMN paper, eq. (5). The program's piece is that of compiled synapses.

    >>> gate = ProbabilisticGate(shape=(4,), beta=20.0, threshold=0.1, dw_range=(-1.0, 1.0), seed=3)
    >>> gate.dw_in.shape, str(gate.formats["dw_out"])
    ((4,), 's22.20')
    """

    def __init__(
        self,
        *,
        shape: Any = (1,),
        beta: float = 1.0,
        threshold: float = 0.0,
        dw_range: Range = (-1.0, 1.0),
        seed: int = 0,
        name: str | None = None,
        part: Part | None = None,
        equations: FloatPart | None = None,
        **kwargs: Any,
    ) -> None:
        """A gate for ``shape`` synapses.

        :param beta: slope, at least 0.
        :param threshold: size of an update that passes half of the time, at least 0.
        :param dw_range: what an update may be: (low, high), a format, or a port of another part.
        :param seed: of the draws; with ``name`` it derives their stream.
        :param part: a compiled part in place of all these.
        """
        if part is None:
            part, equations = probabilistic_gate_part(
                shape, beta=beta, threshold=threshold, dw_range=dw_range, seed=seed, name=name or "gate"
            )
        super().__init__(part=given_part(part, name or "gate"), equations=equations, name=name, **kwargs)
