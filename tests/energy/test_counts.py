"""Counts equal an independent count, whoever runs and wherever compartments lie."""

import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "conformance"))
sys.path.insert(0, str(Path(__file__).parents[1] / "simulator"))

import oracle
from learning_networks import random_drive, random_network
from specs import engine_spec_dicts, parse, random_inputs, spec_dicts

import hmn_lava as hl
from hmn_lava.compiler import attempt
from hmn_lava.energy import Report, observe
from hmn_lava.energy.coefficients import Coefficients
from hmn_lava.energy.layout import Layout
from hmn_lava.energy.tally import Counter
from hmn_lava.energy.terms import _NOTES
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.builder import Builder
from hmn_lava.network import Group, Input, IntegerNetwork, Link, Topology

CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
QUICK = settings(
    max_examples=12, deadline=None, suppress_health_check=CHECKS, derandomize=True, phases=[Phase.generate]
)
STEPS = 12
ENGINE_STEPS = 4


def compiled(data: dict[str, Any], draw: int, plasticity: str) -> hl.Bundle | None:
    bundle, findings = attempt(parse(data), seed=draw, plasticity=plasticity, allow_lossy=True)
    return None if any(finding.severity == "error" for finding in findings) else bundle


def flat(report: Report) -> dict[tuple[str, str, str], int]:
    found: dict[tuple[str, str, str], int] = {}
    for key, n in report.counts.items():
        place = (key.part, key.operation, key.kind)
        found[place] = found.get(place, 0) + n
    return found


def check(bundle: hl.Bundle, steps: int, draw: int) -> None:
    for group in bundle.network.groups.values():
        for i in group.program.instructions:
            assert not i.comment or any(re.fullmatch(p, i.comment) for p, _ in _NOTES), f"{i.comment} has no term"
    inputs = random_inputs(bundle.network, steps, draw)
    expected = oracle.count(bundle.network, inputs, steps, bundle.placement)
    for backend in ("interpreter", "fast"):
        report = hl.profile(bundle, inputs, steps, backend=backend)
        assert flat(report) == dict(expected), backend


@given(spec_dicts(), st.integers(0, 99))
@QUICK
def test_neurocore_equals_the_oracle(data, draw):
    bundle = compiled(data, draw, "neurocore")
    assert bundle is not None
    check(bundle, STEPS, draw)


@given(engine_spec_dicts(), st.integers(0, 99))
@QUICK
def test_engine_equals_the_oracle(data, draw):
    bundle = compiled(data, draw, "engine")
    if bundle is not None:
        check(bundle, ENGINE_STEPS, draw)


@dataclass(frozen=True)
class Scattered:
    """Compartment e of every group on core e modulo 7, in a row of tiles."""

    sizes: dict[str, int]

    def core_of(self, group):
        return np.arange(self.sizes[group]) % 7

    @property
    def mesh(self):
        return self

    def places(self, cores):
        return np.stack([0 * cores, 0 * cores, 0 * cores, cores, 0 * cores, 0 * cores], axis=-1)

    def hops(self, a, b):
        return abs(a - b), 0 * a, 0 * a


class Names:
    """A component for each part: networks that no spec made have no other."""

    def component(self, name):
        return name

    def part(self, name):
        return "neuron"

    def instructions(self, name, program):
        return ["neuron"] * len(program.instructions)

    def link(self, number):
        return "link"

    def purpose(self, term):
        return "inference"

    def spikes(self, link):
        return "inference"

    def sends(self, output):
        return "inference"


def counted(network, inputs, steps, place, backend="fast"):
    """The counts of a network that is in no bundle."""
    layout = Layout(network, place)
    counter = Counter(network, layout, Names(), Coefficients(hl.load_profile("loihi2"), layout.tiles, layout.chips))
    ledger = counter.ledger()
    for part in observe.observe(network, inputs, steps, backend):
        counter.count(part, ledger)
    found = {}
    for key, n in ledger.counts.items():
        place_of = (key.part, key.operation, key.kind)
        found[place_of] = found.get(place_of, 0) + n
    return found


@pytest.mark.parametrize("seed", range(24))
def test_rules_of_all_kinds_equal_the_oracle(seed, monkeypatch):
    """Two and three factors, epochs and decimations, axons that several outputs share, frames, cut into parts."""
    network = random_network(seed)
    monkeypatch.setattr(observe, "PART", observe._bytes(network) * 5)
    steps = 13
    inputs = {n: v * network.inputs[n].format.unit for n, v in random_drive(network, steps, seed).items()}
    place = Scattered({g.name: g.size for g in network.groups.values()})
    if any(synapses.graded == 3 for synapses in network.learning.values()):
        with pytest.raises(hl.InputError, match="cannot be counted"):
            counted(network, inputs, steps, place)
        return
    expected = dict(oracle.count(network, inputs, steps, place))
    for backend in ("interpreter", "fast"):
        assert counted(network, inputs, steps, place, backend) == expected


def branching():
    """Skips that nest and depend on input, on a state and on time; an output that is sent to twice."""
    b = Builder("branching")
    x = b.input("x", Fixed(24), (-4, 4))
    n = b.state("n", Fixed(24), (-1000, 1000))
    b.emit("o", b.raw("and", x, 1))
    with b.unless(b.raw("lt", x, 0)):
        b.store(n, b.clip(b.raw("add", n, 1), -1000, 1000))
        with b.unless(b.raw("and", n, 1)):
            b.emit("p", b.raw("add", x, 1))
            with b.unless(b.raw("and", b.raw("time"), 3)):
                b.emit("q", b.raw("add", n, 1))
    return b.build()


@pytest.mark.parametrize("backend", ["interpreter", "fast"])
@pytest.mark.parametrize("synapses", [False, True])
def test_the_path_of_each_compartment_counts(backend, synapses):
    topology = Topology.of(3, 4, np.array([0, 0, 1, 2, 2]), np.array([0, 3, 1, 0, 2])) if synapses else None
    size = 5 if synapses else 4
    program = branching()
    group = Group("g", program, size, {}, {"n": np.arange(size)}, topology)
    links = [Link(("in", "x"), ("g", "x"), "pre" if synapses else "same")]
    other = Builder("sink")
    for name in ("o", "p", "q"):
        other.input(name, Fixed(24), None)
    sink = Group("sink", other.build(), 3 if synapses else 4, {}, {})
    for name in ("o", "p", "q"):
        links.append(Link(("g", name), ("sink", name), "rows" if synapses else "same"))
    network = IntegerNetwork("branching", {"in": Input("in", 4, Fixed(24), -4, 4)}, {"g": group, "sink": sink},
                             tuple(links), {}, (), {}, {})  # fmt: skip
    inputs = {"in": np.random.default_rng(0).integers(-4, 5, (40, 4)).astype(float)}
    place = Scattered({"g": size, "sink": sink.size})
    expected = dict(oracle.count(network, inputs, 40, place))
    assert counted(network, inputs, 40, place, backend) == expected
    assert 0 < expected["g", "microcode_instruction", ""] < 40 * size * len(program.instructions)


@pytest.fixture(params=["neurocore", "engine"])
def digits(request):
    return hl.compile(
        Path(__file__).parents[2] / "examples" / "digits.yaml", plasticity=request.param, allow_lossy=True
    )


def test_placement_changes_nothing_but_the_ways_of_messages(digits):
    inputs = random_inputs(digits.network, 20, 1)
    there = hl.profile(digits, inputs, 20)
    place = Scattered({g.name: g.size for g in digits.network.groups.values()})
    here = hl.profile(replace(digits, placement=place), inputs, 20)

    def kept(report):
        return {k: n for k, n in report.counts.items() if not k.operation.startswith(("hop", "spike"))}

    assert kept(here) == kept(there)
    assert (here.cores, here.coefficients.tiles) == (7, 7)
    assert here.operations()["hop_east_west"] > there.operations().get("hop_east_west", 0)


def test_parts_threads_and_executors_do_not_matter(digits, monkeypatch):
    inputs = random_inputs(digits.network, 30, 1)
    whole = hl.profile(digits, inputs, 30)
    for options in ({"backend": "interpreter"}, {"threads": 2}):
        assert hl.profile(digits, inputs, 30, **options).counts == whole.counts
    monkeypatch.setattr(observe, "PART", 1)  # one step of the model at a time
    parts = hl.profile(digits, inputs, 30)
    assert parts.counts == whole.counts
    assert parts.tally.changed == whole.tally.changed
    assert np.allclose(parts.tally.time, whole.tally.time)


def test_counts_are_what_the_network_itself_sends(digits):
    inputs = random_inputs(digits.network, 30, 1)
    report = hl.profile(digits, inputs, 30)
    for name, sent in digits.run(inputs, 30).counts.items():
        population = name.removesuffix(".z")
        assert abs(int(report.tally.activity[population].sum()) - sent) <= digits.network.latency(name) * 10


def test_changed_weights_are_those_that_differ_from_step_to_step(digits):
    inputs = random_inputs(digits.network, 30, 1)
    ((owner, variable),) = observe.plastic(digits.network).items()
    session = digits.session("interpreter")
    before, changed = session.states[owner][variable].copy(), 0
    for step in range(30):
        session.run({name: values[step : step + 1] for name, values in inputs.items()}, 1)
        after = session.states[owner][variable]
        changed += np.count_nonzero(after != before)
        before = after.copy()
    assert hl.profile(digits, inputs, 30).tally.changed == changed > 0


def test_weights_too_many_to_be_recorded_are_counted_all_the_same(digits, monkeypatch):
    inputs = random_inputs(digits.network, 10, 1)
    whole = hl.profile(digits, inputs, 10)
    assert whole.tally.changed > 0
    monkeypatch.setattr(observe, "PART", 8 * whole.plastic_synapses - 1)
    spy = Spy(observe._named)
    monkeypatch.setattr(observe, "_named", spy)
    parts = hl.profile(digits, inputs, 10)
    assert spy.with_weights is False
    assert (parts.counts, parts.tally.changed) == (whole.counts, whole.tally.changed)
    assert parts.tally.metrics.as_dict(1) == whole.tally.metrics.as_dict(1)


class Spy:
    """Keeps whether weights were asked to be recorded."""

    def __init__(self, function):
        self.function = function

    def __call__(self, network, with_weights=True):
        self.with_weights = with_weights
        return self.function(network, with_weights)


def test_a_network_whose_step_is_too_large_to_record_is_refused(digits, monkeypatch):
    named = observe._named(digits.network)
    need = 8 * sum(int(np.prod(signal.shape)) for signal in named.signals.values())
    monkeypatch.setattr(observe, "MEMORY_LIMIT", need)
    report = hl.profile(digits, random_inputs(digits.network, 3, 1), 3)
    monkeypatch.setattr(observe, "MEMORY_LIMIT", need - 1)
    with pytest.raises(hl.InputError, match="too large to count") as caught:
        hl.profile(digits, random_inputs(digits.network, 3, 1), 3)
    assert "worst or rates" in str(caught.value) and "probe" not in str(caught.value)
    assert hl.profile(digits, worst=True, steps=3).updates == report.updates
