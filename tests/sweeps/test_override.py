"""Other values for fields of a spec."""

import numpy as np
import pytest

from hmn_lava.errors import InputError
from hmn_lava.spec import resolve
from hmn_lava.sweeps.override import with_values

RATE = "connections.readout.rates.global"


def test_nothing_else_changes(spec):
    assert with_values(spec, {}) == spec
    changed = with_values(spec, {RATE: 0.5})
    assert changed.connections["readout"].rates.global_ == 0.5
    assert spec.connections["readout"].rates.global_ == 0.05
    assert with_values(changed, {RATE: 0.05}) == spec
    assert (changed.folder, changed.file) == (spec.folder, spec.file)


@pytest.mark.parametrize(
    ("path", "value", "read"),
    [
        ("populations.pixels.range.1", 2, lambda s: s.populations["pixels"].range == (0, 2)),
        ("populations.out.bias.1", 0.9, lambda s: s.populations["out"].bias.array.tolist() == [0.1, 0.9, 0.3]),
        ("populations.out.competition", "sample", lambda s: s.populations["out"].competition.type == "sample"),
        ("connections.readout.traces.tau_slow", None, lambda s: s.connections["readout"].traces.tau_slow is None),
        (
            "connections.readout.attention.beta",
            2,
            lambda s: getattr(s.connections["readout"].attention, "beta", 0) == 2,
        ),
        ("connections.readout.bounds", [-2, 2], lambda s: s.connections["readout"].bounds == (-2, 2)),
        ("connections.readout.phase_gate", None, lambda s: s.connections["readout"].phase_gate is None),
        ("formats.out.a", 20, lambda s: s.formats == {"out.a": 20}),
        ("stimulus.pixels.rate", 1, lambda s: s.stimulus["pixels"].rate == 1),
        (
            "connections.fixed.weights",
            {"npz": "arrays.npz", "key": "other"},
            lambda s: np.all(resolve(s, 0).connections["fixed"].weights == 0.5),
        ),
    ],
)
def test_paths(path, value, read, spec):
    assert not read(spec)
    assert read(with_values(spec, {path: value}))


@pytest.mark.parametrize(
    ("path", "value", "field", "remedy"),
    [
        ("connections.readut.rates.global", 1, "connections.readut", "readout"),
        ("connections.readout.rates.globl", 1, "connections.readout.rates.globl", "global"),
        ("connections.readout.rates.global_", 1, "connections.readout.rates.global_", "global"),
        (RATE, -1, RATE, ">= 0"),
        (RATE, "fast", RATE, "number"),
        ("connections.readout.traces.tau_fast", 50, "connections.readout.traces.tau_fast", "tau_fast < tau_slow"),
        ("populations.pixels.size", 2.5, "populations.pixels.size", "whole number"),
        ("populations.pixels.size.x", 2, "populations.pixels.size.x", "populations.pixels.size"),
        ("populations.pixels.range.2", 2, "populations.pixels.range.2", "0 to 1"),
        ("conections", {}, "conections", "connections"),
        ("name", "x", "name", "field of the network"),
        ("connections..rates", 1, "connections..rates", "dotted path"),
        ("", 1, "", "dotted path"),
    ],
)
def test_what_is_wrong_is_named(path, value, field, remedy, spec):
    with pytest.raises(InputError) as caught:
        with_values(spec, {path: value})
    assert caught.value.field == field
    assert remedy in caught.value.remedy
    assert spec.file in str(caught.value)
