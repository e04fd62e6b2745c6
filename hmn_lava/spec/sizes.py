"""Networks that are too large are refused before anything is allocated."""

from __future__ import annotations

from typing import Any

from hmn_lava.memory import memory
from hmn_lava.spec.arrays import ConstantInit
from hmn_lava.spec.convolution import ConvConnection, PoolConnection, largest_size
from hmn_lava.spec.fields import MAX_SYNAPSES
from hmn_lava.spec.problems import Problem
from hmn_lava.spec.records import HmnConnection, Spec
from hmn_lava.spec.topology import expected_synapses

# Bytes per synapse that compiling a spec takes at most, as measured.
BYTES_PER_SYNAPSE = 20
"""The pre neuron and the weight, real and as an integer, and what it takes to make them."""
BYTES_PER_DELAY = 32
"""The same of the delays, where they differ: in model time, and of up to two messages."""
BYTES_PER_PHASE = 24
"""The same of the phases of a phase gate, where they differ."""


def refuse_huge(spec: Spec) -> None:
    """Raise InputError if a connection has more than 2**31 synapses, or the network needs more than all memory."""
    need = sum(8 * population.size for population in spec.populations.values())
    for name, record in spec.connections.items():
        n_pre, n_post = spec.populations[record.source].size, spec.populations[record.target].size
        field = f"connections.{name}"
        if isinstance(record, (ConvConnection, PoolConnection)):
            count = largest_size(record, n_post)
        else:
            field += ".topology"
            count = expected_synapses(record.topology, n_post, n_pre)
        if count > MAX_SYNAPSES:
            problem = f"{n_post} x {n_pre} neurons make about {count} synapses, limit {MAX_SYNAPSES}"
            remedy = "use smaller populations, or a sparser topology"
            raise Problem(field, problem, remedy).error()
        need += (BYTES_PER_SYNAPSE + (BYTES_PER_DELAY if _differ(record.delay) else 0)) * count
        if isinstance(record, HmnConnection):
            if record.phase_gate is not None and _differ(record.phase_gate.phase):
                need += BYTES_PER_PHASE * count
            if record.attention is not None:
                need += 8 * (n_pre + n_post) * record.attention.dimensions
    have = memory()
    if have is not None and need > have:
        problem = f"need about {need / 1e9:.3g} GB, this machine has {have / 1e9:.3g} GB"
        raise Problem("connections", problem, "use smaller populations, or a sparser topology").error()


def _differ(value: Any) -> bool:
    """Whether a spec gives each synapse a value of its own."""
    return not isinstance(value, (float, ConstantInit))
