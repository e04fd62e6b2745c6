"""Random small networks with links of every kind, and limits that are narrow enough to split them."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from small_networks import group, matrix, network, sparse

from hmn_lava.hardware_profiles import load_profile
from hmn_lava.learning import Engine, LearningRule
from hmn_lava.network import IntegerNetwork, LearningSynapses, Link
from hmn_lava.topology import Topology, alike

ENGINE = Engine.of(load_profile("loihi2"))
RULES = ("2^-2*x1*y0", "2^-3*x0*y1")


def message(source: str, target: str, kind: Any, port: str = "a", delay: int = 0) -> Link:
    return Link((source, "x" if source == "in" else "z"), (target, port), kind, np.full(1, delay))


def learning(name: str, neuron: str, topology: Topology, rule: str = RULES[0]) -> LearningSynapses:
    initial = {v: alike(np.int8(0), topology.size) for v in ("weights", "tag_1", "tag_2")}
    return LearningSynapses(name, neuron, LearningRule(dw=rule, dt="2^-2*x1*y0"), ENGINE, topology, initial, 1)


@st.composite
def networks(draw: Any) -> IntegerNetwork:
    """Two to four populations, with static, microcoded and learning synapses between them."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sizes = draw(st.lists(st.integers(1, 40), min_size=2, max_size=4))
    parts: list[Any] = [group(f"p{n}", size, states=1 + n % 2) for n, size in enumerate(sizes)]
    for number in range(draw(st.integers(1, 5))):
        a, b = (draw(st.integers(0, len(sizes) - 1)) for _ in range(2))
        n_pre, n_post = sizes[a], sizes[b]
        dense = draw(st.booleans())
        each = draw(st.integers(1, 6))
        topology = Topology.full(n_post, n_pre) if dense else sparse(rng, n_post, n_pre, each)
        delay = draw(st.sampled_from([0, 0, 1, 5]))
        how = draw(st.sampled_from(["matrix", "matrix", "neurocore", "learning", "total", "host"]))
        if how == "matrix":
            parts.append(matrix(f"p{a}", f"p{b}", topology, draw(st.sampled_from([1, 3, -3, 100])), delay))
        elif how == "neurocore":
            name = f"s{number}"
            parts += [group(name, topology.size, topology, states=2), group(f"m{number}", 1)]
            parts += [message(f"p{a}", name, "pre", delay=delay), message(f"p{b}", name, "post")]
            parts += [message(f"m{number}", name, "all"), message(name, f"p{b}", "rows")]
        elif how == "learning":
            parts += [learning(f"l{number}", f"p{b}", topology), message(f"p{a}", f"l{number}", "same", "x", delay)]
            parts.append(Link((f"l{number}", "weights"), (f"p{b}", "a"), "plastic"))
        elif how == "total":
            parts += [group(f"t{number}", 1), message(f"p{a}", f"t{number}", "total")]
        else:
            parts.append(matrix("in", f"p{b}", Topology.full(n_post, 7)))
    return network(*parts, inputs=7)


CHIPS = load_profile("loihi2").with_chips(64 * 64)

LIMITS = st.fixed_dictionaries(
    {
        "compartments": st.sampled_from([5, 17, 64, 8192]),
        "input_axons": st.sampled_from([90, 130, 4096]),
        "output_axons": st.sampled_from([120, 400, 4096]),
        "synaptic_memory": st.sampled_from([200 * 64, 768_000]),
        "chip__cores_per_chip": st.sampled_from([3, 11, 120]),
        "chip__cores_per_tile": st.sampled_from([1, 4]),
        "chip__tile_columns": st.sampled_from([4, 6]),
        "chip__tile_rows": st.sampled_from([20, 31]),
    }
)
"""Few compartments or axons to a core, and chips of few cores, so that everything is split and sent far."""
