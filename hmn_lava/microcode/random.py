"""Random draws as pieces of program; the same integers as :func:`hmn_lava.streams.uniform`."""

from __future__ import annotations

from hmn_lava.fixed import Fixed
from hmn_lava.microcode.builder import Builder, Value
from hmn_lava.microcode.ir import WORD
from hmn_lava.microcode.ranges import WORD_RANGE
from hmn_lava.streams import KEYS, ODD

DRAW_BITS = 16


def uniform(b: Builder, stream: str, time: Value, index: Value | None = None) -> Value:
    """A draw U from {0, ..., 2**16 - 1} as the real number U * 2**-16 in [0, 1).

    Declares the key words of the stream as constants ``<stream>_k0`` ... ``<stream>_k3``. ``time`` is the model's step;
    ``index`` defaults to the compartment's own number.
    """
    k = [b.constant(f"{stream}_k{n}", Fixed(WORD), WORD_RANGE) for n in range(KEYS)]
    b.note(f"random draw {stream}")
    index = b.raw("index") if index is None else index
    word = _mix(b, index, _mix(b, time, k[0], k[1]), _mix(b, time, k[2], k[3]))
    return b.raw("and", b.raw("shr", word, WORD - DRAW_BITS), (1 << DRAW_BITS) - 1, frac=DRAW_BITS)


def _mix(b: Builder, x: Value, k: Value, l: Value) -> Value:  # noqa: E741 - the names of the formula
    y = b.raw("add", b.raw("mul", x, ODD, 0, wraps=True), k, wraps=True)
    z = b.raw("add", b.raw("mul", y, y, 12, wraps=True), l, wraps=True)
    z = b.raw("add", b.raw("mul", z, z, 12, wraps=True), y, wraps=True)
    return b.raw("add", b.raw("mul", z, z, 12, wraps=True), y, wraps=True)
