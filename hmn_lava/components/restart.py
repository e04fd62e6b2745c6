"""States that are 0 again after a number of steps: one sample after the other."""

from __future__ import annotations

from hmn_lava.fixed import Fixed
from hmn_lava.microcode.builder import Builder, Value


def restarted(b: Builder, every: int, *states: Value) -> tuple[Value, ...]:
    """The states as a step begins with them: 0 in every ``every``-th, as they are where that is 0.

    The state ``until`` counts the steps to the next one.
    """
    if not every:
        return states
    until = b.state("until", Fixed(every.bit_length(), signed=False), (0, every - 1))
    b.note("restart")
    due = b.is_zero(until)
    b.store(until, b.raw("sel", due, every - 1, b.clip(b.raw("sub", until, 1), 0, every - 1), frac=0))
    return tuple(b.raw("sel", due, 0, state, frac=state.frac) for state in states)
