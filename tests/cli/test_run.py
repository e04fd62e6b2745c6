"""`hmn-lava run`."""

import numpy as np
import pytest

import hmn_lava as hl
from hmn_lava.spec import stimulus_inputs


@pytest.mark.parametrize("backend", ["reference", "interpreter", "fast"])
def test_json_names_the_backend_that_ran(backend, hmn_lava, compiled):
    done = hmn_lava("run", compiled, "--backend", backend, "--steps", 20, "--json")
    assert done.code == 0
    document = done.json
    assert (document["backend"], document["steps"], document["input"], document["output"]) == (
        backend,
        20,
        "stimulus",
        None,
    )
    assert document["steps_per_second"] > 0
    assert set(document["outputs"]) == {"hidden.z", "out.z"}
    assert document["offsets"]["out.z"] == hl.load(compiled).network.signals["out.z"].offset
    assert "steps/s" in done.err


def test_the_stimulus_is_the_specs_and_1000_steps_long(hmn_lava, compiled):
    document = hmn_lava("run", compiled, "--json").json
    bundle = hl.load(compiled)
    result = bundle.run(stimulus_inputs(bundle.spec, 1000, bundle.seed), 1000)
    assert document["steps"] == 1000
    for name, values in result.outputs.items():
        summary = document["outputs"][name]
        assert summary["mean"] == pytest.approx(values.mean())
        assert summary["nonzero"] == np.count_nonzero(values)
        assert (summary["samples"], summary["shape"]) == (1000, list(values.shape[1:]))


def test_input_from_a_file_and_output_to_one(hmn_lava, compiled, tmp_path):
    pixels = np.linspace(0, 1, 6 * 40).reshape(40, 6)
    np.savez(tmp_path / "in.npz", pixels=pixels, teach=np.full((50, 1), -0.5))
    done = hmn_lava(
        "run",
        compiled,
        "--input",
        tmp_path / "in.npz",
        "--probe",
        "readout.w@0::10",
        "-o",
        tmp_path / "out.npz",
        "--json",
    )
    assert done.code == 0
    document = done.json
    assert (document["steps"], document["input"], document["output"]) == (
        40,
        str(tmp_path / "in.npz"),
        str(tmp_path / "out.npz"),
    )
    assert list(document["probes"]) == ["readout.w"]
    expected = hl.load(compiled).run(
        {"pixels": pixels, "teach": np.full((50, 1), -0.5)}, 40, probes=["readout.w@0::10"]
    )
    with np.load(tmp_path / "out.npz", allow_pickle=False) as written:
        assert set(written) == {name + end for name in ("hidden.z", "out.z", "readout.w") for end in ("", ".integers")}
        for name in expected.raw:
            assert np.array_equal(written[f"{name}.integers"], expected.raw[name])
            assert np.array_equal(written[name], expected.real(name))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.npz", "out.npz"]


def test_the_reference_has_no_integers(hmn_lava, compiled, tmp_path):
    assert hmn_lava("run", compiled, "--backend", "reference", "--steps", 5, "-o", tmp_path / "out.npz").code == 0
    with np.load(tmp_path / "out.npz", allow_pickle=False) as written:
        assert set(written) == {"hidden.z", "out.z"}


def test_threads_do_not_change_a_bit(hmn_lava, compiled, tmp_path):
    for threads in (1, 2):
        hmn_lava("run", compiled, "--steps", 60, "--threads", threads, "-o", tmp_path / f"{threads}.npz")
    with np.load(tmp_path / "1.npz") as one, np.load(tmp_path / "2.npz") as two:
        assert all(np.array_equal(one[name], two[name]) for name in one)


def test_without_input_and_stimulus_it_says_what_to_do(hmn_lava, spec, content, tmp_path):
    import yaml

    del content["stimulus"]
    spec.write_text(yaml.safe_dump(content))
    hmn_lava("compile", spec, "-o", tmp_path / "b")
    done = hmn_lava("run", tmp_path / "b")
    assert done.code == 2
    assert "--input IN.npz with arrays named pixels, teach" in done.err


def test_the_table_shows_every_recorded_signal(hmn_lava, compiled):
    done = hmn_lava("run", compiled, "--steps", 5, "--probe", "readout.dw")
    for name in ("hidden.z", "out.z", "readout.dw"):
        assert name in done.out
