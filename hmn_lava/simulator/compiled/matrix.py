"""Static synapses: the currents Σ_k weights[k] x[col[k]] of the neurons [lo, hi), in 64 bits."""

from __future__ import annotations

from hmn_lava.simulator.compiled.writer import Writer

SLOTS = ("depth", "starts", "col", "weights", "message", "message width", "delay", "current")


def generate(dense: bool, uneven: bool, lanes: int) -> str:
    """The module with the function ``matrix``, whose table has :data:`SLOTS`.

    ``dense``: all pairs are connected; ``uneven``: each synapse has a delay.
    """
    w = Writer("matrix", lanes)
    depth, width = w.number(0), w.number(5)
    starts, col, current = w.array(1, 64), w.array(2, 32), w.array(7, 64)
    weights, message, delays = w.array(3, 32, wide=64), w.array(4, 32, wide=64), w.array(6, 32)
    latest = w.add(w.now, w.sub(depth, 1))
    even_start = w.mul(w.binary("urem", w.sub(latest, w.resize(w.load(delays, 0), 64)), depth), width)
    with w.loop(w.lo, w.hi) as row:
        end = w.load(starts, w.add(row, 1))
        first, total = w.load(starts, row), w.variable(0, 64, w.lanes)
        with w.loop(first, end, w.lanes) as k:
            mask = w.below(w.sub(end, k))
            own = w.add(w.splat(w.resize(w.sub(k, first), 32)), w.counted())
            pre = own if dense else w.load(col, k, w.lanes, mask)
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
    return w.text()
