"""The neuron: activation, noise, and what it supplies to the learning engine."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from hmn_lava.partition import Part
from hmn_lava.parts.given import given_part
from hmn_lava.parts.neuron import neuron_part
from hmn_lava.parts.ranges import Range
from hmn_lava.processes.base.component import Component
from hmn_lava.reference.parts import FloatPart


class HMNNeuron(Component):
    """Neurons of the HMN rule: ``a_j = Σ_i w_ij x_i + b_j + ε_j`` and ``z_j = f(a_j)``.

    It stands where Lava's LIF stands: what arrives in a step is answered in that step.

    * f: ``relu`` min(max(0, a), z_max); ``sigmoid`` 1/(1 + exp(-a)), in integers never 0; ``lif`` Lava's current-based
      LIF, u ← (1 - du) u + a, v ← (1 - dv) v + u + bias_v, a spike and v ← 0 where v > vth.
    * b_j: ``bias``; ε_j: Gaussian noise of standard deviation ``noise``.
    * With ``competition`` only one z_j stays: that of the largest a_j (``winner_take_all``), or of one drawn from
      softmax(a / temperature) (``sample``). The verdict takes two steps, so that z leaves two steps later; connect
      ``key_out`` to ``mine_in`` and ``other_in`` of a :class:`Competition`, and its ``beaten_out`` to ``beaten_in``.

    Ports, all of shape (n,), with integers in the formats ``formats`` (``floating_pt``: real numbers): ``a_in`` reads
    the sum of the synapses' currents; ``s_out`` sends z, a spike (0, 1) for ``lif``. With competition, ``key_out`` and
    ``beaten_in``. An a beyond ``a_range`` wraps in integers, as in the chip.

    Vars: the constants ``bias`` (n,), ``noise``, ``inverse_temperature`` = 1/T, for ``lif`` the states ``u`` and ``v``
    (n,) and the constants ``keep_u`` = 1 - du, ``keep_v`` = 1 - dv, ``vth``. Setting one takes effect in the next step.
    In ``fixed_pt`` u, v, vth and bias_v have six fractional bits more than a, as in Lava, where the input is shifted.

    ``fixed_pt`` with ``lif`` is Lava's PyLifModelBitAcc, bit for bit: ``a_range=Fixed(24, True, 0)`` makes a whole
    number of it, and then ``LIF(du=D, dv=d, vth=V, bias_mant=b)`` is ``du=(D + 1)/4096, dv=d/4096, vth=V,
    bias_v=b/64``. relu and sigmoid are within the bounds of docs/numerics.md.

    Source: HMN paper, eq. (1) and appendix 10.1; Lava's ``lava.proc.lif``.

    >>> neurons = HMNNeuron(shape=(3,), activation="sigmoid", a_range=(-4.0, 4.0))
    >>> neurons.a_in.shape, str(neurons.formats["a_in"]), str(neurons.formats["s_out"])
    ((3,), 's24.19', 'u17.16')
    """

    def __init__(
        self,
        *,
        shape: tuple[int] | int | None = None,
        activation: str = "relu",
        a_range: Range = (-8.0, 8.0),
        bias: ArrayLike = 0.0,
        noise: float = 0.0,
        z_max: float | None = None,
        du: float = 1.0,
        dv: float = 0.1,
        vth: float = 1.0,
        bias_v: ArrayLike | None = None,
        competition: str = "none",
        temperature: float | None = None,
        seed: int = 0,
        name: str | None = None,
        part: Part | None = None,
        equations: FloatPart | None = None,
        **kwargs: Any,
    ) -> None:
        """Neurons, each with an input and an output.

        :param shape: (n,).
        :param activation: ``relu``, ``sigmoid`` or ``lif``.
        :param a_range: (low, high) of what arrives in sum, which sets its format; or a format, or what a connection
            sends (``connection.sends["a_out"]``).
        :param bias: b, a number or (n,), added to a.
        :param noise: standard deviation of the noise on a.
        :param z_max: where a relu saturates; None: 8.
        :param du: what the current of a LIF loses in a step, 0 to 1; ``dv`` the voltage.
        :param vth: threshold of a LIF.
        :param bias_v: Lava's bias of a LIF, added to the voltage; not with bias, noise or competition.
        :param competition: ``none``, ``winner_take_all`` or ``sample``.
        :param temperature: T of ``sample``; None: 1.
        :param seed: of noise and draws. Two Processes with the same seed draw the same numbers.
        :param part: neurons of a compiled network in place of all these.
        :raises InputError: for an argument that is wrong, or too large for the chip's words.
        :raises FitError: for one that is lost in the chip's integers.
        """
        if part is None:
            part, equations = neuron_part(
                shape,
                activation,
                a_range=a_range,
                bias=bias,
                noise=noise,
                z_max=z_max,
                du=du,
                dv=dv,
                vth=vth,
                bias_v=bias_v,
                competition=competition,
                temperature=temperature,
                seed=seed,
                name=name or "neuron",
            )
        super().__init__(part=given_part(part, name or "neuron"), equations=equations, name=name, **kwargs)
