"""`hmn-lava compare`."""

import numpy as np

import hmn_lava as hl
from hmn_lava.microcode.text import from_text


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


def test_a_program_that_was_changed_is_found_out(compiled):
    """The comparison is no formality: one constant of one program differs, and the first signal it touches is named."""
    bundle = hl.load(compiled)
    group = bundle.network.groups["out"]
    assert from_text  # the text form is what a bundle holds
    changed = dict(bundle.network.groups)
    from dataclasses import replace

    initial = {**group.initial, "hold": group.initial["hold"] + 1}
    changed["out"] = replace(group, initial=initial)
    other = replace(bundle, network=replace(bundle.network, groups=changed))
    a, b = (x.session("interpreter").run(None, 8, ["out.a"]) for x in (bundle, other))
    assert not np.array_equal(a.raw["out.z"], b.raw["out.z"])


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
