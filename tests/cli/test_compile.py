"""`hmn-lava compile`."""

import numpy as np
import yaml

import hmn_lava as hl


def test_a_bundle_is_written_and_described(hmn_lava, spec, tmp_path):
    done = hmn_lava("compile", spec, "-o", tmp_path / "b")
    assert done.code == 0
    network = hl.load(tmp_path / "b").network
    for name in [*network.groups, *network.signals, *network.delay]:
        assert name in done.out


def test_json_is_complete(hmn_lava, spec, tmp_path):
    done = hmn_lava("compile", spec, "-o", tmp_path / "b", "--seed", 7, "--json")
    assert done.code == 0
    document, bundle = done.json, hl.load(tmp_path / "b")
    keys = "json_version command bundle name profile plasticity seed backend inputs groups compartments cores signals"
    assert set(document) == {
        *keys.split(),
        "host",
        "placement",
        "learning",
        "frame",
        "latencies",
        "lowering",
        "findings",
    }
    assert (document["learning"], document["frame"]) == ({}, 1)
    assert (document["bundle"], document["name"], document["seed"], document["backend"]) == (
        str(tmp_path / "b"),
        "tiny",
        7,
        None,
    )
    assert document["profile"] == {"name": "loihi2", "sha256": hl.load_profile("loihi2").sha256}
    assert document["groups"]["readout.synapse"]["compartments"] == 15
    assert document["groups"]["readout.synapse"]["instructions"] == len(
        bundle.network.groups["readout.synapse"].program.instructions
    )
    assert document["compartments"] == sum(group["compartments"] for group in document["groups"].values())
    assert document["cores"] == bundle.placement.cores
    assert document["signals"]["readout.w"] == {
        "format": str(bundle.network.signals["readout.w"].format),
        "label": "statistical",  # behind a probabilistic gate
        "offset": bundle.network.signals["readout.w"].offset,
        "shape": [3, 5],
        "kind": "state",
    }
    assert document["latencies"]["weight_lag"] == bundle.network.weight_lag
    assert document["latencies"]["delay"]["readout"] == {"min": 1, "max": 1}
    rows = document["lowering"]["rows"]
    assert rows == bundle.lowering
    assert document["lowering"]["summary"]["parameters"] == len(rows)
    assert document["lowering"]["summary"]["worst_relative_error"] == max(row["relative_error"] for row in rows)


def test_in_the_learning_engine(hmn_lava, spec, content, tmp_path):
    content["connections"]["readout"]["delay"] = 0
    spec.write_text(yaml.safe_dump(content))
    done = hmn_lava("compile", spec, "-o", tmp_path / "b", "--plasticity", "engine", "--side-by-side", "--json")
    assert done.code == 0
    document, bundle = done.json, hl.load(tmp_path / "b")
    synapses = bundle.network.learning["readout.synapse"]
    assert document["learning"]["readout.synapse"] == {
        "synapses": 15,
        "neuron": synapses.neuron,
        "t_epoch": document["frame"] // 2,
        "dw": synapses.rule.dw,
        "dt": synapses.rule.dt,
        "dd": synapses.rule.dd,
    }
    found = {(part["lowering"], part["part"]): part["fidelity"] for part in document["side_by_side"]}
    assert found["engine", "weight"] == "approximated"
    assert found["neurocore", "weight"] == "exact"
    shown = hmn_lava("check", spec, "--plasticity", "engine", "--side-by-side")
    assert shown.code == 0
    assert "Both lowerings" in shown.out


def test_what_the_engine_refuses_stands_beside_what_neurocores_do(hmn_lava, spec, content, tmp_path):
    content["populations"]["pixels"]["range"] = [-1, 1]
    spec.write_text(yaml.safe_dump(content))
    done = hmn_lava("check", spec, "--plasticity", "engine", "--side-by-side", "--json")
    assert done.code == 1
    assert {finding["rule"] for finding in done.json["findings"]} == {"unsigned-trace"}
    refused = [part for part in done.json["side_by_side"] if part["fidelity"] == "refused"]
    assert [(part["lowering"], part["part"]) for part in refused] == [("engine", "populations.pixels.range")]
    assert any(part["lowering"] == "neurocore" and part["fidelity"] == "exact" for part in done.json["side_by_side"])


def test_the_same_seed_gives_the_same_bundle(hmn_lava, spec, tmp_path):
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        hmn_lava("compile", spec, "-o", tmp_path / name, "--seed", seed)
    a, b, c = ((tmp_path / name / "manifest.json").read_text() for name in "abc")
    assert a == b
    assert a != c


def test_calibration_narrows_an_accumulator(hmn_lava, spec, tmp_path):
    np.savez(tmp_path / "seen.npz", pixels=np.full((30, 6), 0.01))
    done = hmn_lava("compile", spec, "-o", tmp_path / "b", "--calibrate", tmp_path / "seen.npz", "--json")
    assert done.code == 0
    assert ("calibrated-range", "out.a") in {(finding["rule"], finding["object"]) for finding in done.json["findings"]}
    proven = hmn_lava("compile", spec, "-o", tmp_path / "c", "--json")

    def frac(document):
        return int(document["signals"]["out.a"]["format"].partition(".")[2])

    assert frac(done.json) > frac(proven.json)


def test_lossy_only_when_asked(hmn_lava, spec, content, tmp_path):
    content["connections"]["readout"]["rates"]["global"] = 1e-9
    spec.write_text(yaml.safe_dump(content))
    refused = hmn_lava("compile", spec, "-o", tmp_path / "b")
    assert refused.code == 3
    assert "lost-update" in refused.err
    assert not (tmp_path / "b").exists()
    done = hmn_lava("compile", spec, "-o", tmp_path / "b", "--allow-lossy", "--json")
    assert done.code == 0
    assert "warning" in {finding["severity"] for finding in done.json["findings"] if finding["rule"] == "lost-update"}
    assert hl.load(tmp_path / "b").findings != ()


def test_an_older_bundle_is_replaced_and_another_folder_is_not(hmn_lava, spec, bundle, tmp_path):
    assert hmn_lava("compile", spec, "-o", bundle, "--seed", 9).code == 0
    assert hl.load(bundle).seed == 9
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    assert hmn_lava("compile", spec, "-o", tmp_path / "mine").code == 2
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["thesis.txt"]
