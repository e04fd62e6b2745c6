"""What does not fit a profile: exit code 3 of `hmn-lava compile`, with used, limit, margin and what to change."""

import hmn_lava as hl

NARROW = """
hardware_profile: 2
extends: loihi2
name: narrow
core:
  {name}: {{value: {value}, unit: {unit}, source: Made up for a test., basis: assumed}}
"""


def narrow(tmp_path, name, value, unit):
    path = tmp_path / "narrow.yaml"
    path.write_text(NARROW.format(name=name, value=value, unit=unit))
    return path


def test_a_limit_that_is_exceeded_is_exit_code_3(hmn_lava, spec, tmp_path):
    profile = narrow(tmp_path, "program_memory", 20, "instruction")
    done = hmn_lava("compile", spec, "-o", tmp_path / "b", "--profile", profile, "--json")
    assert done.code == 3
    assert not (tmp_path / "b").exists()
    findings = {f["object"]: f for f in done.json["error"]["findings"] if f["rule"] == "program-memory"}
    found = findings["readout.synapse"]
    assert (found["limit"], found["margin"]) == (20, 20 - found["used"])
    assert found["margin"] < 0
    assert "subsystem" in found["remedy"]
    assert "program-memory" in done.err
    checked = hmn_lava("check", spec, "--profile", profile, "--json")
    assert (checked.code, checked.json["fits"]) == (1, False)


def test_groups_that_do_not_share_a_core_are_split(hmn_lava, spec, tmp_path):
    wide = hmn_lava("compile", spec, "-o", tmp_path / "a", "--json").json["placement"]
    profile = narrow(tmp_path, "compartment_configurations", 1, "configuration")
    done = hmn_lava("compile", spec, "-o", tmp_path / "b", "--profile", profile, "--json")
    assert done.code == 0
    groups = len(done.json["groups"])
    assert (wide["cores"], done.json["placement"]["cores"]) == (1, groups)
    assert done.json["placement"]["binding"] == "compartment_configurations"
    assert done.json["placement"]["utilisation"]["compartment_configurations"]["margin"] == 0


def test_a_bundle_takes_its_profile_along(hmn_lava, spec, tmp_path):
    path = narrow(tmp_path, "input_axons", 4000, "axon")
    assert hmn_lava("compile", spec, "-o", tmp_path / "b", "--profile", path).code == 0
    profile = hl.load_profile(path)
    path.unlink()
    bundle = hl.load(tmp_path / "b")
    assert bundle.profile == profile
    assert bundle.profile.sha256 == profile.sha256
    assert bundle.placement.limits["input_axons"] == 4000
    assert hmn_lava("run", tmp_path / "b", "--steps", 3).code == 0
    assert hmn_lava("inspect", tmp_path / "b", "--json").json["profile"]["name"] == "narrow"


def test_more_cores_than_there_are(hmn_lava, spec, tmp_path):
    path = narrow(tmp_path, "compartment_configurations", 1, "configuration")
    one = "chip:\n  cores_per_chip: {value: 1, unit: core, source: Made up for a test., basis: assumed}\n"
    path.write_text(path.read_text() + one)
    done = hmn_lava("compile", spec, "-o", tmp_path / "b", "--profile", path, "--json")
    assert done.code == 3
    (finding,) = [f for f in done.json["error"]["findings"] if f["severity"] == "error"]
    assert (finding["rule"], finding["limit"]) == ("cores", 1)
    assert finding["margin"] == 1 - finding["used"] < 0
    assert "The binding limit is compartment_configurations" in finding["remedy"]
