"""Static synapses: the currents Σ_k weights[k] x[col[k]] of the neurons [lo, hi), in 64 bits."""

from __future__ import annotations

from hmn_lava.simulator.compiled.table import Slot, Table
from hmn_lava.simulator.compiled.writer import Writer


def generate(dense: bool, uneven: bool, lanes: int) -> tuple[str, list[Slot]]:
    """The module with the function ``matrix``, and its table.

    ``dense``: all pairs are connected; ``uneven``: each synapse has a delay.
    """
    w = Writer("matrix", lanes)
    table = Table(w)
    depth, width = table.value("depth"), table.value("message width")
    starts, current = table.array(64, "starts"), table.array(64, "current")
    weights, message = table.array(32, "weights", wide=64), table.array(32, "message", wide=64)
    delays = table.array(32, "delay")
    col = None if dense else table.array(32, "col")
    latest = w.add(w.now, w.sub(depth, 1))
    even_start = w.mul(w.binary("urem", w.sub(latest, w.resize(w.load(delays, 0), 64)), depth), width)
    with w.loop(w.lo, w.hi) as row:
        end = w.load(starts, w.add(row, 1))
        first, total = w.load(starts, row), w.variable(0, 64, w.lanes)
        with w.loop(first, end, w.lanes) as k:
            mask = w.below(w.sub(end, k))
            own = w.add(w.splat(w.resize(w.sub(k, first), 32)), w.counted())
            pre = own if col is None else w.load(col, k, w.lanes, mask)
            if uneven:
                slot = w.sub(w.splat(w.resize(w.binary("urem", latest, depth), 32)), w.load(delays, k, w.lanes, mask))
                slot = w.select(w.compare("slt", slot, 0), w.add(slot, w.splat(w.resize(depth, 32))), slot)
                x = w.gather(message, w.add(w.mul(slot, w.resize(width, 32)), pre), mask)
            elif dense:
                x = w.load(message, w.add(even_start, w.sub(k, first)), w.lanes, mask)
            else:
                x = w.gather(w.part(message, even_start), pre, mask)
            w.set(total, w.add(w.get(total), w.mul(w.load(weights, k, w.lanes, mask), x)))
        w.store(current, row, w.total(w.get(total)))
    return w.text(), table.slots
