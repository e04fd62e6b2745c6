"""What holds of every placement of random networks with links of every kind, against a count synapse by synapse."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from unittest.mock import patch

from hypothesis import HealthCheck, assume, given, settings

sys.path.insert(0, str(Path(__file__).parent))

import count_by_hand as oracle
from random_placed import CHIPS, LIMITS, networks
from small_networks import with_limits

from hmn_lava.compiler.placement import place, routes
from hmn_lava.errors import FitError

MANY = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


def placed(network, profile):
    try:
        return place(network, profile)
    except FitError as error:
        assert error.findings
        assert all(finding.margin < 0 and finding.remedy for finding in error.findings)
        assume(False)


@MANY
@given(networks(), LIMITS)
def test_each_compartment_once_and_no_limit_exceeded(network, limits):
    profile = with_limits(CHIPS, **limits)
    placement = placed(network, profile)
    there = Counter((p.group, n) for p in placement.slices for n in range(p.first, p.last))
    assert there == {(g.name, n): 1 for g in network.groups.values() for n in range(g.size)}
    assert max(Counter((p.group, p.core) for p in placement.slices).values()) == 1
    assert placement.core_numbers.min() >= 0 and placement.core_numbers.max() < placement.mesh.cores
    for name, limit in placement.limits.items():
        assert limit == getattr(profile.core, name).value
        assert placement.used[name].shape == (placement.cores,)
        assert placement.used[name].max() <= limit
    for name, group in network.groups.items():
        cores = placement.core_of(name)
        assert cores.shape == (group.size,)
        assert all((cores[p.first : p.last] == p.core).all() for p in placement.slices_of(name))


@MANY
@given(networks(), LIMITS)
def test_what_is_used_equals_a_count_synapse_by_synapse(network, limits):
    profile = with_limits(CHIPS, **limits)
    placement = placed(network, profile)
    cores = placement.core_numbers.tolist()
    for name, counted in oracle.count(network, placement, profile).items():
        assert dict(zip(cores, placement.used[name].tolist(), strict=True)) == {c: counted.get(c, 0) for c in cores}, (
            name
        )


@MANY
@given(networks(), LIMITS)
def test_hops_equal_walks_from_tile_to_tile(network, limits):
    profile = with_limits(CHIPS, **limits)
    placement = placed(network, profile)
    assert placement.spike_hops == oracle.hops(network, placement, profile)


@MANY
@given(networks(), LIMITS)
def test_nothing_else_decides(network, limits):
    profile = with_limits(CHIPS, **limits)
    assert placed(network, profile).as_dict() == place(network, profile).as_dict()


@MANY
@given(networks(), LIMITS)
def test_synapses_are_counted_some_at_a_time(network, limits):
    """What large connections need, on small ones."""
    profile = with_limits(CHIPS, **limits)
    whole = placed(network, profile)
    with patch.object(routes, "BLOCK", 3):
        assert place(network, profile).as_dict() == whole.as_dict()
