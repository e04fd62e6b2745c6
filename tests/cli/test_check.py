"""`hmn-lava check`."""

import yaml


def change(spec, content):
    spec.write_text(yaml.safe_dump(content))
    return spec


def test_a_network_that_fits(hmn_lava, spec):
    done = hmn_lava("check", spec)
    assert done.code == 0
    assert "tiny fits loihi2" in done.err
    document = hmn_lava("check", spec, "--json").json
    assert (document["command"], document["fits"], document["backend"]) == ("check", True, None)
    assert all(finding["severity"] != "error" for finding in document["findings"])


def test_every_finding_is_told_and_an_error_is_exit_code_1(hmn_lava, spec, content):
    content["connections"]["readout"]["rates"]["global"] = 1e-9
    content["connections"]["direct"]["traces"] = {"tau_fast": 1e8, "tau_slow": None}
    done = hmn_lava("check", change(spec, content), "--json")
    assert done.code == 1
    assert done.json["fits"] is False
    rules = {(finding["rule"], finding["object"]) for finding in done.json["findings"]}
    assert ("lost-update", "connections.readout.rates") in rules
    assert ("trace-constant", "connections.direct.traces.tau_fast") in rules
    assert {"rule", "object", "used", "limit", "severity", "remedy", "margin"} == set(done.json["findings"][0])
    table = hmn_lava("check", spec)
    assert table.code == 1
    assert "lost-update" in table.out
    assert "trace-constant" in table.out


def test_too_big_for_the_chip_is_a_finding(hmn_lava, spec, content):
    content["populations"]["hidden"]["size"] = 1000
    content["populations"]["out"]["size"] = 1000
    content["connections"]["features"]["weights"] = 0.1
    done = hmn_lava("check", change(spec, content), "--json")
    assert done.code == 1
    (finding,) = done.json["findings"]
    assert (finding["rule"], finding["severity"]) == ("compartments", "error")
    assert finding["used"] > finding["limit"]
    assert "plastic synapse is a compartment" in finding["remedy"]


def test_too_many_neurons_are_not_blamed_on_plastic_synapses(hmn_lava, tmp_path):
    path = tmp_path / "static.yaml"
    path.write_text(
        "hmn_lava: 1\nname: static\npopulations:\n  a: {type: input, size: 1}\n"
        "  b: {type: lif, size: 1000000, vth: 0.5}\nconnections:\n"
        "  ab: {type: static, source: a, target: b, weights: 0.5}\n"
    )
    for plasticity in ("engine", "neurocore"):
        done = hmn_lava("check", path, "--plasticity", plasticity, "--json")
        (finding,) = done.json["findings"]
        assert (finding["rule"], finding["used"]) == ("compartments", 1_000_000)
        assert "population" in finding["remedy"] and "plastic" not in finding["remedy"]


def test_a_chip_without_microcode_is_a_finding(hmn_lava, spec):
    done = hmn_lava("check", spec, "--profile", "loihi1", "--json")
    assert done.code == 1
    assert [finding["rule"] for finding in done.json["findings"]] == ["microcode"]


def test_a_wrong_spec_is_exit_code_2(hmn_lava, spec, content):
    content["connections"]["readout"]["source"] = "nobody"
    done = hmn_lava("check", change(spec, content))
    assert done.code == 2
    assert "connections.readout.source: no such population" in done.err
