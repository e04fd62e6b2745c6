"""Named random streams.

Counter-based, so that neither order nor threads matter, and made of the microcode's own operations.

A draw is a function of (seed, name of the stream, step t, index). Four 24-bit key words come from a hash of the seed
and the name; the draw mixes them with t and the index by multiply-shift-right and add alone, on wrapping 24-bit words::

    mix(x, k, l):  y = odd * x + k;   z = (y*y >> 12) + l;   z = (z*z >> 12) + y;   z = (z*z >> 12) + y
    draw:          mix(index, mix(t, k0, k1), mix(t, k2, k3))

``>> 12`` of the 48-bit square takes its middle bits. Squaring with a running key is Widynski's idea ("Squares: a fast
counter-based RNG", arXiv 2004.06278); the widths, the number of rounds and the two-dimensional counter are this
project's, and tests/test_streams.py holds them to uniformity, independence over index and time, and absence of shifted
copies. The same function as a piece of program is ``hmn_lava.microcode.random.uniform``.

The learning engine rounds every synapse in every epoch. It is not a program, so that its draws need not be made of the
microcode's operations: they come from a word of 32 bits, one for all variables of a synapse, that costs a third::

    h = index * 0x9E3779B1 + 2**8 mix(t, k0, k1);   h ^= h >> 16
    h = h * 0x21F0AAAD + 2**8 mix(t, k2, k3);       h ^= h >> 15
    h = h * 0x735A2D97;                             h ^= h >> 15

on wrapping 32-bit words. Multipliers and shifts are those of "lowbias32" (C. Wellons, "Prospecting for hash functions",
2018); the second key, which it has not, keeps the words of one step from being a shifted copy of another's.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hmn_lava.fixed import Integers, wrap
from hmn_lava.microcode.ir import WORD

ODD = 0x9E3779 - (1 << WORD)
"""2**24 divided by the golden ratio, odd, as a signed word: spreads consecutive counters."""

KEYS = 4
"""Key words of a stream."""


def keys(seed: int, name: str) -> tuple[int, ...]:
    """The key words of the stream ``name`` under ``seed``: signed 24-bit words from sha256."""
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    return tuple(wrap(int.from_bytes(digest[3 * k : 3 * k + 3], "little"), WORD) for k in range(KEYS))


def mix(x: Any, k: Any, l: Any) -> Any:  # noqa: E741 - the names of the formula
    """The mixing function of the module's docstring, on integers or int64 arrays of signed words."""
    y = wrap(x * ODD + k, WORD)
    z = wrap(((y * y) >> 12) + l, WORD)
    z = wrap(((z * z) >> 12) + y, WORD)
    return wrap(((z * z) >> 12) + y, WORD)


SPREAD = 0x9E3779B1
"""2**32 divided by the golden ratio, odd: spreads the numbers of synapses."""

ROUNDS = ((16, 0x21F0AAAD), (15, 0x735A2D97))
"""Of the 32-bit word: a shift and a multiplier each; the last shift, 15, follows."""

LAST_SHIFT = 15

PART_BITS = 11
"""The parts of a 32-bit word that the three variables of a synapse draw from begin this many bits apart."""


def words(seed: int, name: str, t: int, index: ArrayLike) -> Integers:
    """The 32-bit words of the module's docstring, without sign, one for each index."""
    k0, k1, k2, k3 = keys(seed, name)
    time, mask = wrap(int(t), WORD), (1 << 32) - 1
    (first, multiplier), (second, last) = ROUNDS
    h = np.asarray(index, np.int64).astype(np.uint64) * np.uint64(SPREAD) + np.uint64(_upper(mix(time, k0, k1)))
    h = h & np.uint64(mask)
    h ^= h >> np.uint64(first)
    h = (h * np.uint64(multiplier) + np.uint64(_upper(mix(time, k2, k3)))) & np.uint64(mask)
    h ^= h >> np.uint64(second)
    h = (h * np.uint64(last)) & np.uint64(mask)
    h ^= h >> np.uint64(LAST_SHIFT)
    return h.astype(np.int64)


def part(word: Integers, number: int, bits: int) -> Integers:
    """A draw of ``bits`` bits from 32-bit words: the highest, once rotated left by ``PART_BITS * number``."""
    turn = PART_BITS * number
    turned = ((word << turn) | (word >> (32 - turn))) & ((1 << 32) - 1)
    return np.asarray(turned >> (32 - bits), dtype=np.int64)


def _upper(word: int) -> int:
    """A word of 24 bits in the upper bits of 32."""
    return (word << (32 - WORD)) & ((1 << 32) - 1)


def uniform(seed: int, name: str, t: ArrayLike, index: ArrayLike, bits: int = 16) -> Integers:
    """Integers drawn uniformly from [0, 2**bits), one for each (t, index); the two broadcast."""
    k0, k1, k2, k3 = keys(seed, name)
    time = wrap(np.asarray(t, np.int64), WORD)
    number = wrap(np.asarray(index, np.int64), WORD)
    word = mix(number, mix(time, k0, k1), mix(time, k2, k3))
    return np.asarray((word >> (WORD - bits)) & ((1 << bits) - 1), dtype=np.int64)
