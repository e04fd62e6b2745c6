"""The draws of :mod:`hmn_lava.streams` as text.

Words of 24 bits are kept in the upper bits of 32, where they wrap by themselves. The middle bits of a square come from
its halves: for y = h 2^12 + l, (y y) >> 12 = h (y + l) + (l l >> 12), of which 32 bits are enough.
"""

from __future__ import annotations

from collections.abc import Sequence

from hmn_lava.microcode.ir import WORD
from hmn_lava.simulator.compiled.writer import Value, Writer
from hmn_lava.streams import LAST_SHIFT, ODD, PART_BITS, ROUNDS, SPREAD

_UP = 32 - WORD
_HALF = WORD // 2


def mixed_time(w: Writer, time: Value, keys: Sequence[Value]) -> tuple[Value, Value]:
    """The two words of a stream at a time (of 32 bits), for :func:`draw`; ``keys`` are its four key words."""
    k = [w.shl(w.resize(key, 32), _UP) for key in keys]
    return _mix(w, time, k[0], k[1]), _mix(w, time, k[2], k[3])


def draw(w: Writer, words: tuple[Value, Value], index: Value, bits: Value | int) -> Value:
    """The draw of ``bits`` bits at an index."""
    shift: Value | int = 32 - bits if isinstance(bits, int) else w.sub(32, bits)
    return w.binary("lshr", _mix(w, index, *words), shift)


def below(w: Writer, words: tuple[Value, Value], index: Value, fraction: Value, bits: Value | int) -> Value:
    """Whether the draw of ``bits`` bits at an index is below a fraction of [0, 2**bits)."""
    word = _mix(w, index, *words)
    shift: Value | int = 32 - bits if isinstance(bits, int) else w.sub(32, bits)
    return w.compare("ult", word, w.shl(fraction, shift))


def synapse_words(w: Writer, time: tuple[Value, Value], index: Value) -> Value:
    """The words of :func:`hmn_lava.streams.words` at indices; ``time`` as of :func:`mixed_time`."""
    (first, multiplier), (second, last) = ROUNDS

    def fold(h: Value, shift: int) -> Value:
        return w.binary("xor", h, w.binary("lshr", h, shift))

    h = fold(w.add(w.mul(index, _signed(SPREAD)), time[0]), first)
    h = fold(w.add(w.mul(h, _signed(multiplier)), time[1]), second)
    return fold(w.mul(h, _signed(last)), LAST_SHIFT)


def part(w: Writer, word: Value, number: int, width: int, bits: int) -> Value:
    """The draw of :func:`hmn_lava.streams.part`, in integers of ``width`` bits."""
    return w.resize(w.binary("lshr", w.rotate(word, PART_BITS * number), 32 - bits), width)


def _signed(word: int) -> int:
    return word - (1 << 32) if word >> 31 else word


def _mix(w: Writer, x: Value, k: Value, l: Value) -> Value:  # noqa: E741 - the names of the formula
    y = w.add(w.mul(x, ODD << _UP), k)
    z = w.add(w.shl(_square(w, y), _UP), l)
    z = w.add(w.shl(_square(w, z), _UP), y)
    return w.add(w.shl(_square(w, z), _UP), y)


def _square(w: Writer, word: Value) -> Value:
    """The middle bits of the square of a word that lies in the upper bits."""
    y, high = w.shr(word, _UP), w.shr(word, _UP + _HALF)
    low = w.both(y, (1 << _HALF) - 1)
    return w.add(w.mul(high, w.add(y, low)), w.binary("lshr", w.mul(low, low), _HALF))
