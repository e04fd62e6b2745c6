"""`hmn-lava inspect`."""

import hmn_lava as hl
from hmn_lava.microcode.text import from_text


def test_it_shows_what_compile_showed(hmn_lava, spec, tmp_path):
    compiled = hmn_lava("compile", spec, "-o", tmp_path / "b", "--json").json
    shown = hmn_lava("inspect", tmp_path / "b", "--lowering", "--json")
    assert shown.code == 0
    assert {key: value for key, value in shown.json.items() if key != "command"} == {
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
