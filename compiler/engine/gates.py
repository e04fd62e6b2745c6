"""What stands for the probabilistic gate in the learning engine, and how far it is from it.

The gate applies an update Δ = κψ with probability p = σ(β_p(|Δ| - θ_p)), one draw for each synapse and step. The engine
has no such draw; what it can do about the expected update E[Δ] = κψ p is one of

* ``rounding``: apply every update. Stochastic rounding already makes a small one a matter of chance, but in
  proportion to its size: E[Δ] = κψ.
* ``neuron``: one draw for all synapses of a neuron, p of the most eligible among them.
* ``staircase``: E[Δ] as a function of ψ at a reference κ, made of steps: Σ_l h_l (sgn(ψ - θ_l) + sgn(ψ + θ_l)).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hmn_lava.reference.equations import Floats, gate_probability
from hmn_lava.spec.model import Gate

POINTS = 512
"""Eligibilities, from 0 to the largest, at which two curves are compared."""


@dataclass(frozen=True)
class Staircase:
    """Steps of height ``2 * heights[l]`` at the eligibilities ``levels[l]``, all in units of a tag."""

    levels: tuple[int, ...]
    heights: tuple[float, ...]

    def __call__(self, psi: Floats) -> Floats:
        """Σ_l h_l (sgn(ψ - θ_l) + sgn(ψ + θ_l)) for ψ >= 0."""
        steps = [
            h * (np.sign(psi - level) + np.sign(psi + level))
            for level, h in zip(self.levels, self.heights, strict=True)
        ]
        return np.asarray(np.sum(steps, axis=0))


def opening(gate: Gate, update: Floats) -> Floats:
    """p = σ(β_p(|Δ| - θ_p))."""
    return gate_probability(update, gate.beta, gate.threshold)


def staircase(gate: Gate, slope: float, top: int, steps: int, highest: int | None = None) -> Staircase:
    """``steps`` levels for E[Δ]/κ = ψ σ(β_p(κψ - θ_p)), with ``slope`` = κ and ψ = 0 .. ``top`` in units of a tag.

    The levels part the range of the curve evenly, at even numbers, which the engine can compare with; the heights are
    those of least squares. ``highest``: the largest number that the engine can compare with; None: ``top``.
    """
    psi = np.arange(top + 1, dtype=np.float64)
    wanted = psi * opening(gate, slope * psi)
    edges = np.searchsorted(wanted, wanted[-1] * (np.arange(steps) + 0.5) / steps)
    most = (top if highest is None else min(top, highest)) // 2 * 2
    levels = sorted({int(min(max(2, edge // 2 * 2), most)) for edge in edges})
    basis = np.array([np.sign(psi - level) + 1.0 for level in levels]).T
    heights = np.maximum(np.linalg.lstsq(basis, wanted, rcond=None)[0], 0.0)
    return Staircase(tuple(levels), tuple(float(h) for h in heights))


def deviation(gate: Gate, slope: float, top: int, made: Staircase | None, neuron: bool = False) -> float:
    """The largest distance between the expected update that is made and the one that is wanted.

    As a share of the largest update, over all eligibilities up to ``top`` and, for a neuron's one draw, beside a most
    eligible synapse at ``top``.
    """
    psi = np.linspace(0.0, top, POINTS)
    wanted = psi * opening(gate, slope * psi)
    if made is not None:
        realised = made(psi)
    elif neuron:
        realised = psi * opening(gate, np.full_like(psi, slope * top))
    else:
        realised = psi
    return float(np.abs(realised - wanted).max() / max(top, 1))
