"""Weights as Lava's fixed-point synapses hold them, and the narrowest format that keeps their integers."""

from __future__ import annotations

import numpy as np

from hmn_lava.fixed import Fixed, Integers

LOWEST, HIGHEST, WIDEST = -256, 254, 255
"""Of weights of 8 bits; the highest is 255 where none is below 0. Source: ``lava.lib.dl.netx.utils``."""


def dense_weights(*parts: Integers) -> tuple[list[Integers], int]:
    """The integers that count in a dense layer of netx, part by part, and their bits behind the binary point.

    netx looks at all ``parts`` of a layer together: it clips weights of both signs, scales all of them up as far as 8
    bits hold them, and counts the bits that they need. Lava then takes each part, as far as it is of one sign, with 8
    bits for the magnitude, and cuts what was not counted. That changes -256, of which 255 is left if no weight of its
    part is above 0, and leaves nothing where the count was one too high. Else the weights are what they were, with no
    bits behind the point. Raises ValueError for weights of one sign beyond 8 bits: netx would shift them by a negative
    number of bits.
    """
    low, high = min(int(part.min()) for part in parts), max(int(part.max()) for part in parts)
    if low < 0 < high:
        parts = tuple(np.clip(part, LOWEST, HIGHEST) for part in parts)
        low, high = max(low, LOWEST), min(high, HIGHEST)
    signed = low < 0 <= high
    most = HIGHEST if signed else WIDEST
    if low < LOWEST or high > most:
        raise ValueError(f"{low if low < LOWEST else high} is outside [{LOWEST}, {most}]")
    if low == high == 0:
        return [*parts], 0
    shift = 0
    while low << shift + 1 >= LOWEST and high << shift + 1 <= most:
        shift += 1
    counted = min(_trailing_zeros(*parts), 8) + shift - signed
    kept = [_held(part << shift, counted) for part in parts]
    alike = all(np.array_equal(one, part << shift) for one, part in zip(kept, parts, strict=True))
    return ([*parts], 0) if alike else (kept, shift)


def _held(weights: Integers, cut: int) -> Integers:
    """What Lava holds of scaled weights: of one sign, up to 255 and without the lowest ``cut`` bits."""
    if weights.min() < 0 < weights.max():
        return weights
    if cut < 0:
        return np.zeros_like(weights)
    held: Integers = np.sign(weights) * ((np.minimum(np.abs(weights), WIDEST) >> cut) << cut)
    return held


def _trailing_zeros(*parts: Integers) -> int:
    """Of the bits of all weights together; 0 where all are 0."""
    together = int(np.bitwise_or.reduce([np.bitwise_or.reduce(np.abs(part), axis=None) for part in parts]))
    return max((together & -together).bit_length() - 1, 0)


def narrowest_format(weights: Integers, frac: int) -> Fixed:
    """The narrowest format that holds whole ``weights``, of which one is worth 2**-frac."""
    low, high = int(weights.min(initial=0)), int(weights.max(initial=0))
    spare = _trailing_zeros(weights)
    low, high = low >> spare, high >> spare
    signed = low < 0
    bits = max(high.bit_length(), (-low - 1).bit_length() if signed else 0) + signed
    return Fixed(max(bits, 1), signed, frac - spare)
