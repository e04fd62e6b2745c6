"""Every limit of a core has a network that just fits and one that just does not, with the finding that says so."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from random_placed import RULES, learning, message
from small_networks import Constant, group, matrix, network, with_limits

from hmn_lava.compiler.fit import fit
from hmn_lava.compiler.placement import place
from hmn_lava.errors import FitError
from hmn_lava.fixed import Fixed
from hmn_lava.hardware_profiles import load_profile
from hmn_lava.network import IntegerNetwork, Signal
from hmn_lava.topology import Topology


def full(n_post: int, n_pre: int, **options: Any) -> IntegerNetwork:
    """All of ``n_pre`` host inputs onto each of ``n_post`` neurons."""
    return network(group("y", n_post), matrix("in", "y", Topology.full(n_post, n_pre), **options), inputs=n_pre)


def one_to_many(cores: int) -> IntegerNetwork:
    """A neuron that ``cores`` others hear, one on a core if a core has one compartment."""
    return network(group("x", 1), group("y", cores), matrix("x", "y", Topology.full(cores, 1)))


def shifts(count: int) -> IntegerNetwork:
    """Connections of so many scales onto one neuron."""
    links = [matrix("in", "y", Topology.full(1, 3), shift=n) for n in range(count)]
    return network(group("y", 1), *links, inputs=3)


def learners(count: int) -> IntegerNetwork:
    """Learning connections with so many rules onto one neuron."""
    parts: list[Any] = [group("y", 1)]
    for n in range(count):
        parts += [learning(f"l{n}", "y", Topology.full(1, 3), RULES[n]), message("in", f"l{n}", "same", "x")]
    return network(*parts, inputs=3)


ONE_CORE = {"system__chips": 1, "chip__cores_per_chip": 1}

# 100 synapses of 8 bits (weights of 100 take 7, of which there is no choice) in runs of one: 64 bits each.
SPLIT = {
    "compartments": ({"compartments": 7}, 7, 8),
    "synaptic_memory": ({"synaptic_memory": 3 * 64}, 3, 4),
    "input_axons": ({"input_axons": 3}, 3, 4),
    "state_memory": ({"state_memory": 5 * 24}, 5, 6),
}


@pytest.mark.parametrize("resource", ["compartments", "state_memory"])
def test_a_group_that_just_fits_a_core_and_one_that_is_split(resource):
    limits, most, more = SPLIT[resource]
    profile = with_limits(**limits)
    assert place(network(group("y", most)), profile).cores == 1
    split = place(network(group("y", more)), profile)
    assert (split.cores, split.binding) == (2, resource)
    assert split.used[resource].max() <= split.limits[resource]


@pytest.mark.parametrize(("rows", "cores"), [(6, 1), (7, 2)])
def test_runs_of_a_dense_connection_fill_words(rows, cores):
    """A run of 6 entries of 8 bits and a header of 10 takes 58 of 64 bits; one of 7 takes two words."""
    placement = place(full(rows, 10), with_limits(synaptic_memory=640))
    assert placement.cores == cores
    assert placement.used["synaptic_memory"].tolist() == [640] * cores


REFUSED: dict[str, tuple[dict[str, int], IntegerNetwork, IntegerNetwork, int, int]] = {
    "synaptic-memory": ({"synaptic_memory": 640}, full(1, 10), full(1, 11), 704, 640),
    "input-axons": ({"input_axons": 10}, full(1, 10), full(1, 11), 11, 10),
    "output-axons": ({"output_axons": 10, "compartments": 1}, one_to_many(10), one_to_many(11), 11, 10),
    "state-memory": (
        {"state_memory": 48},
        network(group("y", 1, states=2)),
        network(group("y", 1, states=3)),
        72,
        48,
    ),
    "program-memory": (
        {"program_memory": 9},
        network(group("y", 1, instructions=9)),
        network(group("y", 1, instructions=10)),
        10,
        9,
    ),
    "synapse-configurations": ({}, shifts(8), shifts(9), 9, 8),
    "learning-configurations": ({"learning_configurations": 1}, learners(1), learners(2), 2, 1),
}


@pytest.mark.parametrize("rule", REFUSED)
def test_what_cannot_be_split_is_refused(rule):
    limits, fits, does_not, used, limit = REFUSED[rule]
    profile = with_limits(load_profile("loihi2"), **limits)
    placement, findings = fit(fits, profile)
    assert findings == []
    assert placement is not None
    name = rule.replace("-", "_")
    assert placement.used[name].max() == placement.limits[name]
    with pytest.raises(FitError) as error:
        place(does_not, profile)
    (finding,) = error.value.findings
    assert (finding.rule, finding.used, finding.limit, finding.margin) == (rule, used, limit, limit - used)
    assert finding.severity == "error"
    assert finding.remedy
    assert fit(does_not, profile) == (None, [finding])


def silent(heard: int, silent: int) -> IntegerNetwork:
    """Neurons of which the first ``heard`` are heard by one other each, and the rest by nobody."""
    links = Topology.of(heard, heard + silent, np.arange(heard), np.arange(heard))
    return network(group("x", heard + silent), group("y", heard), matrix("x", "y", links))


def test_a_compartment_that_nobody_hears_takes_no_output_axon():
    """Used is the limit, so that an axon for the silent one would be one too many."""
    placement = place(silent(3, 1), with_limits(output_axons=3, **ONE_CORE))
    assert (placement.cores, placement.used["output_axons"].tolist()) == (1, [3])
    with pytest.raises(FitError, match=r"cores: n: 2 \(limit 1\)\. The binding limit is output_axons"):
        place(silent(3, 1), with_limits(output_axons=2, **ONE_CORE))
    assert place(silent(1000, 6000), load_profile("loihi2")).cores == 1


def test_silent_compartments_of_messages_of_all_kinds():
    """Of a plastic synapse each, and of a row each: what the first and last neuron of three send, nobody hears."""
    middle = Topology.of(3, 3, np.array([1]), np.array([1]))
    parts = [group("p", 3), group("s", 1, middle), message("p", "s", "pre"), message("p", "s", "post")]
    placement = place(network(*parts, message("s", "p", "rows")), with_limits(output_axons=3))
    assert placement.used["output_axons"].tolist() == [3]  # two of the middle neuron, one of its synapse


def both(size: int) -> IntegerNetwork:
    """Neurons of 24 bits of state, each with a word of 64 bits from each of ten inputs."""
    return full(size, 10)


@pytest.mark.parametrize(
    ("net", "limits", "binding"),
    [
        # The limits that are reached too, but do not matter, take the larger share on average.
        (network(group("y", 45)), {"compartments": 44, "compartment_configurations": 1}, "compartments"),
        (both(45), {"state_memory": 44 * 24, "input_axons": 10, "synapse_configurations": 1}, "state_memory"),
        (both(45), {"synaptic_memory": 10 * 64 * 5, "input_axons": 10}, "synaptic_memory"),
        (silent(40, 5), {"output_axons": 39, "compartment_configurations": 1}, "output_axons"),
        (silent(40, 5), {"input_axons": 39, "synapse_configurations": 1}, "input_axons"),
    ],
)
def test_the_binding_limit_is_the_one_without_which_the_network_fits(net, limits, binding):
    assert place(net, with_limits(**limits)).binding == binding
    with pytest.raises(FitError) as error:
        place(net, with_limits(**limits, **ONE_CORE))
    (finding,) = error.value.findings
    assert f"The binding limit is {binding}: without it, 1 would do." in finding.remedy
    others = {name: most for name, most in limits.items() if name != binding}
    assert place(net, with_limits(**others, **ONE_CORE)).used[binding].max() > limits[binding]


def test_limits_that_bind_together_are_all_named():
    with pytest.raises(FitError) as error:
        place(network(group("y", 45)), with_limits(compartments=30, state_memory=30 * 24, **ONE_CORE))
    (finding,) = error.value.findings
    assert "The binding limits are compartments and state_memory" in finding.remedy


def test_remedies_are_of_what_the_network_has():
    """A network without plasticity has no slow trace to drop, no attention, no plastic synapses, no subsystems."""
    for limits in ({"compartments": 1}, {"state_memory": 24}, {"program_memory": 7}):
        net = network(group("y", 2), group("z", 1, instructions=5))
        with pytest.raises(FitError) as error:
            place(net, with_limits(**limits, **ONE_CORE))
        (finding,) = error.value.findings
        assert not {"trace", "attention", "plastic", "subsystem"} & set(finding.remedy.replace(",", "").split()), limits


@pytest.mark.parametrize(("size", "fits"), [(64, True), (65, False)])
def test_an_index_that_cannot_name_a_compartment_more_is_a_cause_of_its_own(size, fits):
    sparse = Topology.of(size, 2, np.arange(size), np.zeros(size, np.int64))
    net = network(group("y", size), matrix("in", "y", sparse), inputs=2)
    profile = with_limits(synapses__index_bits=(0, 6), **ONE_CORE)
    if fits:
        assert place(net, profile).cores == 1
        return
    assert place(net, with_limits(synapses__index_bits=(0, 6))).binding == "index_bits"
    with pytest.raises(FitError) as error:
        place(net, profile)
    (finding,) = error.value.findings
    assert (finding.rule, finding.used, finding.limit) == ("cores", 2, 1)
    assert "The binding limit is index_bits: without it, 1 would do." in finding.remedy


def test_a_learning_axon_takes_more_slots():
    profile = with_limits(input_axons=6)
    assert place(learners(1), profile).used["input_axons"].tolist() == [6]
    with pytest.raises(FitError, match=r"input-axons: y: compartment 0: 6 \(limit 5\)"):
        place(learners(1), with_limits(input_axons=5))


def test_a_neuron_of_the_middle_is_named():
    heavy = Topology.of(5, 9, np.repeat(np.arange(5), [1, 2, 9, 1, 0]), np.array([0, 3, 4, *range(9), 8]))
    net = network(group("y", 5), matrix("in", "y", heavy), inputs=9)
    with pytest.raises(FitError, match=r"input-axons: y: compartment 2: 9 \(limit 8\)"):
        place(net, with_limits(input_axons=8))
    assert place(net, with_limits(input_axons=9)).used["input_axons"].max() == 9


def test_weights_take_the_bits_that_hold_them():
    for weight, bits in (
        (1, 1),
        (-1, 1),
        (-2, 2),
        (-3, 3),
        (3, 2),
        (63, 6),
        (64, 8),
        (-128, 8),
        (-129, 16),
        (255, 8),
        (-255, 16),
        (1000, 16),
    ):
        (route,) = _routes(full(1, 1, weight=np.array([weight])))
        assert route.format.weight == bits, weight


def _routes(net: IntegerNetwork) -> tuple[Any, ...]:
    from hmn_lava.compiler.placement.links import routes

    return tuple(routes(net, load_profile("loihi2")))


def equals(count: int, **changes: Any) -> IntegerNetwork:
    """Groups of one program each; ``changes`` are their constants, by number."""
    groups = []
    for n in range(count):
        made = group(f"y{n}", 1, instructions=4 + n)
        values = {name: Constant(np.array([value(n)])) for name, value in changes.items()}
        groups.append(replace(made, constants=values))
    return network(*groups)


@pytest.mark.parametrize(
    ("resource", "limits", "more"),
    [
        ("compartments", {"compartments": 2}, {}),
        ("state_memory", {"state_memory": 48}, {}),
        ("program_memory", {"program_memory": 9}, {}),
        ("compartment_configurations", {"compartment_configurations": 2}, {}),
        ("threshold_configurations", {"threshold_configurations": 2}, {"vth": lambda n: n}),
    ],
)
def test_groups_share_a_core_as_long_as_its_limits_hold(resource, limits, more):
    profile = with_limits(system__chips=1, chip__cores_per_chip=1, **limits)
    placement = place(equals(2, **more), profile)
    assert placement.cores == 1
    assert placement.used[resource].tolist() == [placement.limits[resource]]
    with pytest.raises(FitError) as error:
        place(equals(3, **more), profile)
    (finding,) = error.value.findings
    assert (finding.rule, finding.used, finding.limit, finding.margin) == ("cores", 2, 1, -1)
    assert f"The binding limit is {resource}" in finding.remedy


def test_equal_programs_and_thresholds_are_held_once():
    same = network(*(replace(group(f"y{n}", 1), constants={"vth": Constant(np.array([7]))}) for n in range(9)))
    placement = place(same, with_limits(program_memory=4, threshold_configurations=1, compartment_configurations=1))
    assert placement.cores == 1
    assert placement.used["program_memory"].tolist() == [4]


def test_cores_of_the_whole_system_count():
    profile = with_limits(load_profile("loihi2").with_chips(3), chip__cores_per_chip=5, compartments=10)
    assert (place(network(group("y", 150)), profile).cores, place(network(group("y", 150)), profile).chips) == (15, 3)
    with pytest.raises(FitError, match=r"cores: n: 16 \(limit 15\).*binding limit is compartments"):
        place(network(group("y", 151)), profile)


@pytest.mark.parametrize(("size", "found"), [(12, []), (13, ["embedded-counters"])])
def test_outputs_that_the_host_reads_have_a_counter_each(size, found):
    profile = with_limits(chip__embedded_processors=3, chip__embedded_counters=4)
    z = Signal("y", "z", "output", Fixed(24), 0, (size,))
    net = replace(network(group("y", size)), signals={"y.z": z}, outputs=("y.z",))
    placement, findings = fit(net, profile)
    assert placement is not None
    assert [(f.rule, f.used, f.limit, f.severity) for f in findings] == [(rule, 13, 12, "warning") for rule in found]


def test_slices_are_no_longer_than_an_index_can_name():
    assert place(network(group("y", 8192)), load_profile("loihi2")).cores == 1
    sparse = Topology.of(8192, 1, np.arange(8192), np.zeros(8192, np.int64))
    net = network(group("y", 8192), matrix("in", "y", Topology(8192, 1, sparse.starts, sparse.columns)), inputs=1)
    assert place(net, with_limits(synaptic_memory=1 << 30)).cores == 2


def test_a_profile_without_microcode_has_no_program_memory():
    placement = place(full(5, 5), load_profile("loihi1"))
    assert not {"program_memory", "state_memory"} & placement.limits.keys()
    assert placement.cores == 1


def test_gaps_are_filled_where_that_saves_cores():
    """Groups that each take 60 % of a core."""
    placement = place(network(*(group(f"y{n}", 60) for n in range(10))), with_limits(compartments=100))
    assert placement.cores == 6


def test_weights_that_are_all_equal_are_looked_at_once():
    """Kept with a stride of 0, however many there are."""
    net = network(group("p", 1_000_000), matrix("p", "p", Topology.full(1_000_000, 1_000_000)))
    with pytest.raises(FitError, match=r"input-axons: p: compartment 0: 1000000 \(limit 4096\)"):
        place(net, load_profile("hala_point"))
