"""`hmn-lava compare`."""

from dataclasses import replace

import numpy as np
import pytest

import hmn_lava as hl
from hmn_lava.errors import InputError
from hmn_lava.simulator.interpreter import Interpreter


def test_integer_backends_are_equal(hmn_lava, compiled):
    done = hmn_lava("compare", compiled, "--backends", "interpreter,fast", "--steps", 60, "--json")
    assert done.code == 0
    document = done.json
    assert set(document) == {"json_version", "command", "backends", "steps", "equal", "first_divergence", "signals"}
    assert (document["backends"], document["steps"]) == (["interpreter", "fast"], 60)
    assert (document["equal"], document["first_divergence"]) == (True, None)
    assert set(document["signals"]) == set(hl.load(compiled).network.signals)
    for signal in document["signals"].values():
        assert set(signal) == {"max_abs_error", "snr_db", "label", "bound", "unit"}
        assert (signal["max_abs_error"], signal["bound"]) == (0, 0)


def test_a_tolerance_of_nothing_finds_where_float_and_integers_part(hmn_lava, compiled):
    chosen = ("--steps", 40, "--tolerance", 0, "--signals", "readout.w,direct.psi_slow")
    done = hmn_lava("compare", compiled, *chosen, "--json")
    assert done.code == 1
    document = done.json
    assert document["backends"] == ["reference", "fast"]
    assert set(document["signals"]) == {"readout.w", "direct.psi_slow"}
    first = document["first_divergence"]
    assert set(first) == {"signal", "step", "index", "a", "b", "lowering"}
    assert abs(first["a"] - first["b"]) > document["signals"][first["signal"]]["bound"]
    table = hmn_lava("compare", compiled, *chosen)
    assert table.code == 1
    sentence = table.err.strip().splitlines()[-1]
    assert sentence.startswith(
        f"{first['signal']}{first['index']} parts first, at step {first['step']}: reference has "
    )


def test_one_wrong_integer_is_found_where_it_is(hmn_lava, compiled, monkeypatch):
    def wrong(network, threads):
        group = network.groups["readout.synapse"]
        w = group.initial["w"].copy()
        w[1 * 5 + 2] += 1
        other = replace(group, initial={**group.initial, "w": w})
        return Interpreter(replace(network, groups={**network.groups, "readout.synapse": other}))

    monkeypatch.setattr("hmn_lava.simulator.fast.Fast", wrong)
    done = hmn_lava("compare", compiled, "--backends", "interpreter,fast", "--steps", 20, "--json")
    assert done.code == 1
    first = done.json["first_divergence"]
    assert (first["signal"], first["step"], first["index"]) == ("readout.w", 0, [1, 2])
    assert first["b"] - first["a"] == done.json["signals"]["readout.w"]["unit"]
    assert "connections.readout.weights" in first["lowering"]


def test_input_from_a_file(hmn_lava, compiled, tmp_path):
    np.savez(tmp_path / "in.npz", pixels=np.full((25, 6), 0.5))
    done = hmn_lava("compare", compiled, "--input", tmp_path / "in.npz", "--backends", "fast,interpreter", "--json")
    assert (done.code, done.json["steps"]) == (0, 25)


def test_the_table_names_every_signal(hmn_lava, compiled):
    done = hmn_lava("compare", compiled, "--backends", "fast,interpreter", "--steps", 5)
    assert done.code == 0
    for name in hl.load(compiled).network.signals:
        assert name in done.out
    assert "fast and interpreter agree over 5 steps" in done.err


def test_two_backends_are_needed(hmn_lava, compiled):
    for backends in ("fast", "fast,interpreter,reference", ","):
        assert hmn_lava("compare", compiled, "--backends", backends).code == 2


def test_comparing_nothing_is_refused(hmn_lava, compiled, monkeypatch):
    done = hmn_lava("compare", compiled, "--steps", 5, "--signals", "", "--json")
    assert (done.code, done.json["error"]["field"]) == (2, "signals")
    bundle = hl.load(compiled)
    for nothing in ([], ""):
        with pytest.raises(InputError, match="no signal to compare"):
            hl.compare(bundle, "interpreter", "fast", steps=5, signals=nothing)
    opened = bundle.session("fast")
    opened.signals = {}
    monkeypatch.setattr(hl.Bundle, "session", lambda *_, **__: opened)
    with pytest.raises(InputError, match="share no signal"):
        hl.compare(bundle, "interpreter", "fast", steps=5)
