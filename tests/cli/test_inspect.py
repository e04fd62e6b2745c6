"""`hmn-lava inspect`."""

import hmn_lava as hl
from hmn_lava.microcode.text import from_text


def test_it_shows_what_compile_showed(hmn_lava, spec, tmp_path):
    compiled = hmn_lava("compile", spec, "-o", tmp_path / "b", "--json").json
    shown = hmn_lava("inspect", tmp_path / "b", "--lowering", "--json")
    assert shown.code == 0
    document = shown.json
    del document["placement"]["cores_used"]
    del document["layers"]
    assert {key: value for key, value in document.items() if key != "command"} == {
        key: value for key, value in compiled.items() if key != "command"
    }


def test_programs_and_rows_only_when_asked(hmn_lava, compiled):
    document = hmn_lava("inspect", compiled, "--json").json
    assert "programs" not in document
    assert list(document["lowering"]) == ["summary"]
    programs = hmn_lava("inspect", compiled, "--programs", "--json").json["programs"]
    network = hl.load(compiled).network
    assert {name: from_text(text) for name, text in programs.items()} == {
        name: g.program for name, g in network.groups.items()
    }


def test_tables(hmn_lava, compiled):
    done = hmn_lava("inspect", compiled, "--programs", "--lowering")
    assert (done.code, done.err) == (0, "")
    for text in ("readout.synapse", "connections.readout.traces.tau_fast", "program readout.synapse", "emit a"):
        assert text in done.out


def test_how_full_each_core_is(hmn_lava, compiled):
    placement = hl.load(compiled).placement
    document = hmn_lava("inspect", compiled, "--json").json["placement"]
    (row,) = document["cores_used"]
    assert (row["core"], row["chip"], row["tile_column"], row["tile_row"]) == (0, 0, 0, 0)
    assert row["slices"] == {part.group: [part.first, part.last] for part in placement.slices}
    assert row["binding"] == document["binding"] == placement.binding
    for name, limit in placement.limits.items():
        used = int(placement.used[name][0])
        assert row["utilisation"][name] == {"used": used, "limit": limit, "margin": limit - used}
        assert document["utilisation"][name] == {"limit": limit, "most": used, "margin": limit - used, "mean": used}
    brief, full = hmn_lava("inspect", compiled).out, hmn_lava("inspect", compiled, "--cores").out
    assert "chip 0, tile (0, 0)" in brief
    assert f"the binding limit is {placement.binding}" in brief
    assert "Core 0, chip 0, tile (0, 0)" in full
    assert all(full.count(name) > 1 for name in placement.limits)
