"""When the neurons of a whole network begin anew: each as many steps behind the input as its messages take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from hmn_lava.spec.neurons import RestartSpec

if TYPE_CHECKING:
    from hmn_lava.spec.model import Connection, Population


def restarted(
    populations: Mapping[str, Population], connections: Mapping[str, Connection], schedule: RestartSpec | None
) -> dict[str, Population]:
    """The populations, those with states of static networks and no restart of their own with that of ``schedule``."""
    if schedule is None:
        return dict(populations)
    late = lags(populations, connections)
    return {
        name: replace(p, restart=(schedule.every, (schedule.at + late[name]) % schedule.every)) if _may(p) else p
        for name, p in populations.items()
    }


def lags(populations: Mapping[str, Population], connections: Mapping[str, Connection]) -> dict[str, int]:
    """Steps until the input of step 0 first comes to each population: the shortest way over the delays.

    0 where no input leads to.
    """
    late = {name: 0 for name, p in populations.items() if p.type == "input"}
    steps = {name: int(c.delay.min()) if c.n_syn else 0 for name, c in connections.items()}
    for _ in populations:  # Bellman and Ford: no way is longer than there are populations
        for name, c in connections.items():
            if c.pre in late:
                late[c.post] = min(late.get(c.post, late[c.pre] + steps[name]), late[c.pre] + steps[name])
    return {name: late.get(name, 0) for name in populations}


def _may(p: Population) -> bool:
    """Whether the neurons have a state that a sample leaves behind, and no restart yet."""
    if p.restart is not None:
        return False
    if p.sigma_delta is not None:
        return p.sigma_delta.sum or p.sigma_delta.difference
    return p.type in ("lif", "resonator")
