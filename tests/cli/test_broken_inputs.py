"""Broken inputs from end to end: an exit code, one screen that names the place, no traceback, and nothing written.

Every case runs twice, without and with --json. Bundles are tampered with in two ways: as an accident would (a hash is
wrong), and as an attacker would, who computes every hash anew, so that the checks behind the hashes are reached.
"""

import hashlib
import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import hmn_lava.bundle
from hmn_lava.memory import memory

NAN, INF = float("nan"), float("inf")
GONE = object()  # remove the field


def tree(folder: Path) -> dict[str, bytes | str]:
    """All that is in a folder."""
    return {
        str(p.relative_to(folder)): str(p.readlink()) if p.is_symlink() else p.read_bytes() if p.is_file() else ""
        for p in sorted(folder.rglob("*"))
    }


@pytest.fixture
def refused(hmn_lava, tmp_path):
    """Run a command twice and check everything that holds of every refusal."""

    def check(code: int, words: list[str], *arguments: object) -> None:
        before = tree(tmp_path)
        told = hmn_lava(*arguments)
        assert told.code == code, told.err
        assert told.out == ""
        assert told.err.startswith("error: ")
        assert 1 <= len(told.err.splitlines()) <= 30
        assert max(map(len, told.err.splitlines())) <= 510
        assert told.err.replace("\n", "").isprintable()
        for text in ("Traceback", "internal error"):
            assert text not in told.err
        for word in words:
            assert word in told.err, told.err
        as_json = hmn_lava(*arguments, "--json")
        assert as_json.code == code
        assert as_json.json["error"]["exit_code"] == code
        assert as_json.json["error"]["message"]
        assert tree(tmp_path) == before

    return check


def put(content: dict[str, Any], path: str, value: Any) -> None:
    """Change or remove a field; in its path, ~ stands for a slash of a name."""
    *parents, last = (part.replace("~", "/") for part in path.split("/"))
    for name in parents:
        content = content[int(name)] if isinstance(content, list) else content.setdefault(name, {})
    if value is GONE:
        del content[last]
    elif isinstance(content, list):
        content[int(last)] = value
    else:
        content[last] = value


# ---- specs

STATIC = {"type": "static", "source": "out", "target": "hidden", "weights": 0.1}
SPECS: list[tuple[str, Any, int, list[str]]] = [
    # wrong types
    ("name", 7, 2, ["name: is not a name"]),
    ("name", "two\nlines", 2, ["name: is not a name"]),
    ("name", "tiny\n", 2, ["name: is not a name"]),
    ("populations", [1, 2], 2, ["populations: must be a mapping"]),
    ("populations/out/size", "3", 2, ["populations.out.size: must be a whole number"]),
    ("populations/out/size", True, 2, ["populations.out.size"]),
    ("populations/out/activation", "tanh", 2, ["populations.out.activation"]),
    ("connections/readout/learning", "yes please", 2, ["connections.readout.learning: must be true or false"]),
    ("connections/readout/rates", 0.1, 2, ["connections.readout.rates: must be a mapping"]),
    ("connections/readout/color", "red", 2, ["connections.readout.color: unknown key"]),
    ("hmn_lava", 2, 2, ["hmn_lava: version is not known"]),
    ("name", GONE, 2, ["name: is missing"]),
    # references to nothing
    ("connections/readout/source", "nobody", 2, ["connections.readout.source: no such population"]),
    ("connections/readout/target", "pixels", 2, ["connections.readout.target: an input population"]),
    ("connections/readout/modulators", ["nothing"], 2, ["connections.readout.modulators.0: no such modulator"]),
    ("connections/readout/phase_gate/oscillator", "gamma", 2, ["no such oscillator"]),
    ("modulators/teacher/source", "pixels", 2, ["needs an input population of size 1"]),
    ("global_attention", {"context": "nobody"}, 2, ["global_attention.context: no such population"]),
    ("formats", {"readout.nothing": 16}, 2, ["has no such signal"]),
    ("stimulus/nobody", {"type": "constant", "value": 0}, 2, ["stimulus.nobody: is not an input population"]),
    ("connections/out", STATIC, 2, ["populations.out has the same name"]),
    # values
    ("connections/readout/weights", NAN, 2, ["connections.readout.weights: must be finite"]),
    (
        "connections/readout/weights",
        [[0.1] * 5, [0.1] * 5, [0.1, NAN, 0.1, 0.1, 0.1]],
        2,
        ["connections.readout.weights: holds NaN"],
    ),
    ("connections/features/weights", INF, 2, ["must be finite"]),
    ("connections/features/weights", 1e300, 2, ["is larger than 1e+09"]),
    ("connections/features/weights", 5e-324, 2, ["smaller than 1e-30"]),
    ("connections/features/weights", [[5e-324] * 6] * 5, 2, ["below 1e-30"]),
    ("connections/readout/weights", 2.0, 2, ["outside bounds [-1, 1]"]),
    ("connections/readout/bounds", [1, -1], 2, ["connections.readout.bounds"]),
    ("connections/readout/rates/global", -0.1, 2, ["connections.readout.rates.global: must be >= 0"]),
    ("connections/readout/traces/tau_fast", -5, 2, ["connections.readout.traces.tau_fast: must be > 0"]),
    ("connections/readout/traces/tau_fast", 60, 2, ["is not below tau_slow"]),
    (
        "connections/readout/probabilistic_gate/beta",
        -1,
        2,
        ["connections.readout.probabilistic_gate.beta: must be >= 0"],
    ),
    ("populations/hidden/du", 1.5, 2, ["populations.hidden.du: must be <= 1"]),
    ("populations/hidden/vth", 0, 2, ["populations.hidden.vth: must be > 0"]),
    ("populations/out/noise", -1, 2, ["populations.out.noise: must be >= 0"]),
    ("populations/pixels/range", [1, 0], 2, ["populations.pixels.range"]),
    ("stimulus/pixels", {"type": "constant", "value": 7}, 2, ["stimulus.pixels.value: value outside the range"]),
    # shapes
    ("connections/readout/weights", [[0.1, 0.1], [0.1, 0.1]], 2, ["has shape (2, 2), needs (3, 5)"]),
    ("connections/readout/weights", [[0.1, 0.1], [0.1]], 2, ["rows differ in length"]),
    ("populations/hidden/bias", [0.0, 0.0], 2, ["has shape (2,), needs (5,)"]),
    ("connections/direct/topology", [[0, 9], [0, 0]], 2, ["post number is outside 0..2"]),
    # time
    ("connections/back", STATIC, 0, []),
    ("connections/readout/delay", -1, 2, ["delays are whole steps 0..63"]),
    ("connections/readout/delay", 64, 2, ["delays are whole steps 0..63"]),
    ("connections/readout/delay", 1.5, 2, ["delays are whole steps 0..63"]),
    ("connections/readout/delay", 63, 3, ["max-delay: connections.readout.delay"]),
    ("oscillators/theta/period", 0, 2, ["oscillators.theta.period: must be > 0"]),
    ("oscillators/theta/period", 1e9, 3, ["period: oscillators.theta.period"]),
    ("oscillators/theta/period", 0.001, 3, ["period: oscillators.theta.period"]),
    # sizes
    ("populations/out/size", 10**30, 2, ["populations.out.size: must be <= 16777216"]),
    ("populations/pixels/size", 2**24, 2, ["connections."]),
    ("populations/out/size", 300_000, 3, ["compartments: tiny"]),
    # lost
    ("connections/readout/rates/global", 1e-9, 3, ["lost-update: connections.readout.rates", "--allow-lossy"]),
    ("connections/readout/rates/global", 1e-14, 3, ["lost-underflow: connections.readout.rates.global"]),
    (
        "connections/readout/traces",
        {"tau_fast": 1e8, "tau_slow": None},
        3,
        ["trace-constant: connections.readout.traces.tau_fast"],
    ),
    ("connections/features/weights", 1e-29, 3, ["shift: pixels.x -> hidden.a", "nearer to one scale"]),
]


@pytest.mark.parametrize(("path", "value", "code", "words"), [case for case in SPECS if case[2]])
def test_specs(path, value, code, words, spec, content, refused, tmp_path):
    put(content, path, value)
    spec.write_text(yaml.safe_dump(content))
    refused(code, words, "compile", spec, "-o", tmp_path / "new")


def test_a_loop_without_delay(spec, content, refused, tmp_path):
    content["connections"]["readout"]["delay"] = 0
    content["connections"]["back"] = STATIC
    spec.write_text(yaml.safe_dump(content))
    refused(
        2,
        ["loop without delay", "hidden -> out -> hidden", "delay of 1 or more"],
        "compile",
        spec,
        "-o",
        tmp_path / "new",
    )


def test_many_problems_stay_on_one_screen(spec, content, refused, tmp_path):
    content["populations"] |= {f"p{n}": {"type": "input", "size": -n} for n in range(200)}
    spec.write_text(yaml.safe_dump(content))
    refused(2, ["200 problems", "and 182 more"], "compile", spec, "-o", tmp_path / "new")


def test_a_wrong_spec_does_not_touch_an_older_bundle(spec, content, refused, bundle):
    for path, value, code in (
        ("connections/readout/source", "nobody", 2),
        ("connections/readout/rates/global", 1e-9, 3),
    ):
        put(content, path, value)
        spec.write_text(yaml.safe_dump(content))
        refused(code, [], "compile", spec, "-o", bundle)
        put(content, "connections/readout/source", "hidden")


DEEP = "[" * 5000 + "]" * 5000
FILES: dict[str, tuple[bytes, list[str]]] = {
    "empty": (b"", ["the file is empty"]),
    "no mapping": (b"[1, 2]", ["a spec is a mapping"]),
    "syntax": (b"hmn_lava: 1\n  name: [x\n", [":2: not valid YAML"]),
    "key twice": (b"hmn_lava: 1\nname: a\nname: b\n", ["given twice"]),
    "binary": (bytes(range(256)), ["is not UTF-8"]),
    "deep": (f"hmn_lava: 1\nx: {DEEP}".encode(), ["nested deeper than 32 levels"]),
    "alias bomb": (
        b"a: &a [1,1,1,1,1,1,1,1,1]\n"
        + b"".join(b"%c: &%c [%s]\n" % (98 + n, 98 + n, b",".join([b"*%c" % (97 + n)] * 9)) for n in range(8)),
        ["aliases expand"],
    ),
    "python object": (b"!!python/object/apply:os.system ['touch pwned']\n", ["not valid YAML", "python/object"]),
    "python value": (b"hmn_lava: 1\nname: !!python/name:os.system x\n", ["tag"]),
    "long number": (b"hmn_lava: " + b"9" * 100_000, ["hmn_lava"]),
    "control characters": (b'hmn_lava: 1\nname: "\\e[2Jx"\n', ["name"]),
}


@pytest.mark.parametrize("name", FILES)
def test_spec_files(name, spec, refused, tmp_path):
    data, words = FILES[name]
    spec.write_bytes(data)
    refused(2, words, "compile", spec, "-o", tmp_path / "new")


def test_a_spec_that_is_not_there_or_a_folder(refused, tmp_path):
    refused(2, ["no such file"], "compile", tmp_path / "absent.yaml", "-o", tmp_path / "new")
    refused(2, ["spec.yaml"], "compile", tmp_path, "-o", tmp_path / "new")


# ---- arrays in npz files


class Evil:
    """What a pickle can do to whoever reads it."""

    def __reduce__(self) -> Any:
        return (exec, ("raise SystemExit('the pickle was read')",))


def npz_of_pickle(path: Path, key: str) -> None:
    """An npz that a loader with allow_pickle=True would run code from."""
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.array([Evil()], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{key}.npy", stream.getvalue())


def npz_of_bytes(path: Path, key: str, data: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{key}.npy", data)


def npz_that_claims(path: Path, key: str, shape: tuple[int, ...]) -> None:
    """A header of a huge array, and no data."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "<f8", "fortran_order": False, "shape": shape})
    npz_of_bytes(path, key, stream.getvalue())


def truncated(path: Path, key: str) -> None:
    np.savez(path, **{key: np.zeros((50, 6))})
    path.write_bytes(path.read_bytes()[:-200])


def flipped(path: Path, key: str) -> None:
    np.savez(path, **{key: np.zeros((50, 6))})
    data = bytearray(path.read_bytes())
    data[300] ^= 0xFF
    path.write_bytes(bytes(data))


BAD_NPZ = {
    "pickle": (npz_of_pickle, ["holds pickled objects"]),
    "bare pickle": (lambda path, key: npz_of_bytes(path, key, pickle.dumps([1])), ["cannot read array"]),
    "no npz": (lambda path, key: path.write_bytes(b"not a zip"), []),
    "empty": (lambda path, key: path.write_bytes(b""), []),
    "truncated": (truncated, []),
    "one bit": (flipped, ["cannot read array"]),
    "claims too much": (lambda path, key: npz_that_claims(path, key, (10**6, 10**6)), ["elements, limit"]),
    "claims more than there is": (lambda path, key: npz_that_claims(path, key, (10**4, 10**4)), ["is truncated"]),
    "text": (lambda path, key: np.savez(path, **{key: np.array([["a"] * 6] * 5)}), ["of dtype"]),
    "complex": (lambda path, key: np.savez(path, **{key: np.zeros((5, 6), complex)}), ["of dtype"]),
    "NaN": (lambda path, key: np.savez(path, **{key: np.full((5, 6), NAN)}), ["NaN or infinity"]),
    "four axes": (lambda path, key: np.savez(path, **{key: np.zeros((5, 6, 1, 1))}), ["shape"]),
}


@pytest.mark.parametrize("name", BAD_NPZ)
def test_an_npz_of_a_spec(name, spec, refused, tmp_path):
    make, words = BAD_NPZ[name]
    make(tmp_path / "arrays.npz", "features")
    refused(2, ["connections.features.weights", *words], "compile", spec, "-o", tmp_path / "new")


@pytest.mark.parametrize("name", BAD_NPZ)
def test_an_npz_of_input(name, compiled, refused, tmp_path):
    make, words = BAD_NPZ[name]
    make(tmp_path / "in.npz", "pixels")
    refused(2, ["in.npz", *words], "run", compiled, "--input", tmp_path / "in.npz", "-o", tmp_path / "out.npz")


@pytest.mark.parametrize(
    "file", ["../outside.npz", "/etc/passwd", "link.npz", "absent.npz", ".", "a\0b.npz", "C:\\x.npz"]
)
def test_a_path_out_of_the_specs_folder(file, content, refused, tmp_path):
    np.savez(tmp_path / "outside.npz", features=np.zeros((5, 6)))
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "link.npz").symlink_to(tmp_path / "outside.npz")
    content["connections"]["features"]["weights"]["npz"] = file
    (tmp_path / "inner" / "s.yaml").write_text(yaml.safe_dump(content))
    refused(2, ["connections.features.weights"], "compile", tmp_path / "inner" / "s.yaml", "-o", tmp_path / "new")


def test_an_array_that_is_not_in_the_file(spec, content, refused, tmp_path):
    for key in ("nothing", "short"):
        content["connections"]["features"]["weights"]["key"] = key
        spec.write_text(yaml.safe_dump(content))
        refused(2, ["connections.features.weights"], "compile", spec, "-o", tmp_path / "new")


# ---- options of compile


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--profile", "loihi9"], 2, ["unknown hardware profile"]),
        (["--profile", "loihi1"], 3, ["microcode: loihi1", "--profile loihi2"]),
        (["--plasticity", "magic"], 2, ["plasticity"]),
        (["--seed", "-1"], 2, ["seed"]),
        (["--seed", str(2**63)], 2, ["seed"]),
        (["--calibrate", "absent.npz"], 2, ["absent.npz: no such file"]),
    ],
)
def test_options_of_compile(options, code, words, spec, refused, tmp_path):
    refused(code, words, "compile", spec, "-o", tmp_path / "new", *options)


def test_a_profile_that_is_broken(spec, refused, tmp_path):
    (tmp_path / "mine.yaml").write_text("hardware_profile: 2\nname: mine\n")
    refused(2, ["mine.yaml"], "compile", spec, "-o", tmp_path / "new", "--profile", tmp_path / "mine.yaml")


def test_calibration_with_other_inputs(spec, refused, tmp_path):
    np.savez(tmp_path / "a.npz", nobody=np.zeros((5, 6)))
    refused(2, ["no such input"], "compile", spec, "-o", tmp_path / "new", "--calibrate", tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", pixels=np.full((5, 6), 2.0))
    refused(2, ["outside [0, 1]"], "compile", spec, "-o", tmp_path / "new", "--calibrate", tmp_path / "b.npz")


def test_where_a_bundle_cannot_be_written(spec, refused, tmp_path):
    (tmp_path / "file").write_text("mine")
    refused(2, ["exists and is no bundle"], "compile", spec, "-o", tmp_path / "file")
    refused(2, ["cannot be written"], "compile", spec, "-o", tmp_path / "file" / "below")


# ---- runs


def test_inputs_of_a_run(compiled, refused, tmp_path):
    file, out = tmp_path / "in.npz", tmp_path / "out.npz"
    for arrays, words in (
        ({"nobody": np.zeros((5, 6))}, ["no such input", "pixels, teach"]),
        ({"pixels": np.zeros((5, 7))}, ["inputs.pixels: wrong shape", "(steps, 6)"]),
        ({"pixels": np.zeros(6)}, ["pixels: wrong shape"]),
        ({"pixels": np.full((5, 6), 1.5)}, ["outside the input's range [0, 1] at step 0, neuron 0"]),
        ({"pixels": np.full((5, 6), -0.1)}, ["outside the input's range"]),
        ({}, ["holds no array"]),
    ):
        np.savez(file, **arrays)
        refused(2, words, "run", compiled, "--input", file, "-o", out)
        refused(2, words, "compare", compiled, "--backends", "interpreter,fast", "--input", file)
    np.savez(file, pixels=np.zeros((5, 6)))
    refused(2, ["too few steps"], "run", compiled, "--input", file, "--steps", 6, "-o", out)


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--backend", "warp"], 2, ["no such backend", "reference, interpreter, fast, lava, rehearsal, board"]),
        (["--backend", "board"], 4, ["the backend 'board' needs", "nothing was run"]),
        (["--backend", "board", "--host", "slurm"], 4, ["the backend 'board' needs"]),
        (["--backend", "board", "--host", "nowhere"], 2, ["--host", "slurm"]),
        (["--host", "slurm"], 2, ["host: the backend fast has none"]),
        (["--backend", "interpreter", "--translator", "x"], 2, ["translator: the backend interpreter has none"]),
        (["--time-limit", "0"], 2, ["--time-limit", "above 0"]),
        (["--time-limit", "nan"], 2, ["--time-limit"]),
        (["--input", "absent.npz"], 2, ["absent.npz: no such file"]),
        (["--probe", "readout.nothing"], 2, ["probe: no such signal", "readout.w"]),
        (["--probe", "readout.w@0:10:0"], 2, ["not a probe"]),
        (["--probe", "readout.w@0:10:-1"], 2, ["not a probe"]),
        (["--probe", "readout.w@x"], 2, ["not a probe"]),
        (["--probe", "readout.w@5:2"], 2, ["not a probe"]),
        (["--probe", "readout.w@0::1:2"], 2, ["not a probe"]),
        (["--probe", f"readout.w@{10**30}"], 2, ["not a probe"]),
        (["--probe", f"readout.w@::{10**30}"], 2, ["not a probe"]),
        (["--probe", "out.z", "--probe", "out.z@0:5"], 2, ["named twice"]),
        (["--steps", str(10**9), "--probe", "readout.w"], 2, ["this machine has"]),
        (["--steps", str(10**15)], 2, ["steps: needs about", "this machine has"]),
        (["--steps", str(10**40)], 2, ["steps: needs about", "this machine has"]),
        (["-o", "absent/out.npz"], 2, ["absent/out.npz"]),
        (["-o", "."], 2, ["is a folder"]),
    ],
)
def test_options_of_run(options, code, words, compiled, refused, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if options[1] == str(10**9):
        monkeypatch.setattr("hmn_lava.memory.memory", lambda: 1 << 30)  # before anything is allocated, on any machine
    refused(code, words, "run", compiled, *options)


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--backends", "fast"], 2, ["two backends"]),
        (["--backends", "fast,warp"], 2, ["no such backend"]),
        (["--backends", "fast,board"], 4, ["'board'"]),
        (["--tolerance", "nan"], 2, ["tolerance"]),
        (["--tolerance", "-1"], 2, ["tolerance"]),
        (["--signals", "readout.w,nothing"], 2, ["no signal of both backends"]),
    ],
)
def test_options_of_compare(options, code, words, compiled, refused):
    refused(code, words, "compare", compiled, "--steps", 5, *options)


# ---- bundles that an accident has damaged


def test_what_is_no_bundle(refused, tmp_path):
    for command in ("run", "inspect", "compare"):
        refused(2, ["no such bundle folder"], command, tmp_path / "absent")
        refused(2, ["manifest.json: missing"], command, tmp_path)


NAMES = [
    "arrays.npz",
    "spec.npz",
    "rules.json",
    "lowering.json",
    "placement.json",
    "profile.json",
    "programs/readout.synapse.ucode",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("how", ["missing", "one byte", "cut", "a link", "a folder"])
def test_damaged_files(how, name, bundle, refused, tmp_path):
    file = bundle / name
    data = file.read_bytes()
    file.unlink()
    if how == "one byte":
        file.write_bytes(data[:20] + bytes([data[20] ^ 1]) + data[21:])
    elif how == "cut":
        file.write_bytes(data[: len(data) // 2])
    elif how == "a link":
        (tmp_path / "elsewhere").write_bytes(data)
        file.symlink_to(tmp_path / "elsewhere")
    elif how == "a folder":
        file.mkdir()
    refused(2, [name, "compile the spec again"], "run", bundle, "-o", tmp_path / "out.npz")


def test_swapped_files(bundle, refused):
    a, b = (bundle / "programs" / f"{name}.ucode" for name in ("readout.synapse", "direct.synapse"))
    text = a.read_bytes()
    a.write_bytes(b.read_bytes())
    b.write_bytes(text)
    refused(2, ["sha256 is not the manifest's"], "run", bundle)


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{", b"\xff\xfe", b'{"a": NaN}', b'{"a":' * 5000 + b"1" + b"}" * 5000, b'{"schema_version": 4}'],
)
def test_a_manifest_that_is_none(data, bundle, refused):
    (bundle / "manifest.json").write_bytes(data)
    refused(2, ["manifest.json"], "run", bundle)


TOP = ["schema_version", "name", "profile", "plasticity", "seed", "spec", "network", "findings", "files", "sha256"]


@pytest.mark.parametrize("field", TOP)
@pytest.mark.parametrize("how", ["gone", "changed"])
def test_each_field_of_the_manifest_is_under_its_hash(field, how, bundle, refused):
    content = json.loads((bundle / "manifest.json").read_text())
    assert set(content) == set(TOP)
    put(content, field, GONE if how == "gone" else [content[field]])
    (bundle / "manifest.json").write_text(json.dumps(content))
    words = ["schema_version: unknown version"] if field == "schema_version" else ["changed after it was written"]
    refused(2, words, "run", bundle)


# ---- bundles that somebody has tampered with, all hashes computed anew


def seal(bundle: Path, content: dict[str, Any]) -> None:
    """Write the manifest with right hashes."""
    content.pop("sha256", None)
    for name in content["files"]:
        if (bundle / name).is_file():
            content["files"][name] = hashlib.sha256((bundle / name).read_bytes()).hexdigest()
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    content["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    (bundle / "manifest.json").write_text(json.dumps(content))


def manifest(bundle: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((bundle / "manifest.json").read_text())
    return content


def test_a_sealed_bundle_that_was_not_changed_runs(bundle, hmn_lava):
    """Otherwise the cases below would prove nothing."""
    seal(bundle, manifest(bundle))
    assert hmn_lava("run", bundle, "--steps", 5).code == 0
    assert hmn_lava("compare", bundle, "--steps", 5, "--backends", "interpreter,fast").code == 0


HUGE = 1 << 80
MANIFESTS: list[tuple[str, Any, list[str]]] = [
    ("schema_version", 3, ["schema_version: unknown version", "reads version 4"]),
    ("schema_version", 5, ["schema_version: unknown version", "reads version 4"]),
    ("schema_version", True, ["schema_version"]),
    ("name", "../../x", ["name"]),
    ("name", "tiny\n", ["name"]),
    ("profile/sha256", "abc", ["profile.sha256"]),
    ("profile/name", 3, ["profile.name"]),
    ("plasticity", "hardware", ["plasticity"]),
    ("seed", -1, ["seed"]),
    ("seed", HUGE, ["seed"]),
    ("seed", 0.5, ["seed"]),
    ("extra", 1, ["extra"]),
    ("findings", [{"rule": 1}], ["findings"]),
    ("spec", {}, ["manifest.json", "populations: is missing"]),
    ("spec/populations/out/size", "x", ["populations.out.size"]),
    ("spec/connections/features/weights/npz", "arrays.npz", ["not part of the bundle"]),
    ("spec/connections/features/weights/npz", "../../../etc/passwd", ["not part of the bundle"]),
    ("files/..~programs~x", "0" * 64, ["not a file of a bundle"]),
    ("files/manifest.json", "0" * 64, ["not a file of a bundle"]),
    ("profile/sha256", "0" * 64, ["profile.json", "not the profile that the manifest names"]),
    ("profile/name", "loihi1", ["profile.json", "not the profile that the manifest names"]),
    ("files/profile.json", GONE, ["not listed in the manifest", "profile.json"]),
    ("files/rules.json", GONE, ["not listed in the manifest", "rules.json"]),
    ("files/spec.npz", GONE, ["not part of the bundle"]),
    ("files/programs~readout.synapse.ucode", GONE, ["not listed in the manifest"]),
    ("network/arrays/a0", [HUGE], ["network.arrays.a0"]),
    ("network/arrays/a0", [7, 7], ["a0", "not of the shape"]),
    ("network/arrays/a999", [1], ["has no array 'a999'"]),
    ("network/inputs/pixels/size", HUGE, ["network.inputs.pixels.size"]),
    ("network/inputs/pixels/size", 7, ["not sound"]),
    ("network/inputs/pixels/low", HUGE, ["input-range"]),
    ("network/inputs/pixels/high", -5, ["input-range"]),
    ("network/inputs/pixels/format", "s0.0", ["network.inputs.pixels.format"]),
    ("network/inputs/pixels/format", "u49.0", ["network.inputs.pixels.format"]),
    ("network/inputs/pixels/format", "u16.99999999", ["network.inputs.pixels.format"]),
    ("network/inputs/pixels/format", "u16.15\n", ["network.inputs.pixels.format"]),
    ("network/inputs/pixels/format", "u16.0", ["not sound", "pixels.x"]),
    ("network/topologies/0/n_post", 1 << 31, []),
    ("network/topologies/0/n_pre", -1, ["network.topologies.0.n_pre"]),
    ("network/topologies/0/n_pre", 1, []),
    ("network/topologies/0/starts", "a999", ["no such array"]),
    ("network/groups/out/size", 1 << 31, ["this machine has"]),
    ("network/groups/out/size", 4, ["not sound"]),
    ("network/groups/out/size", 0, ["not sound"]),
    ("network/groups/out/size", "3", ["network.groups.out.size"]),
    ("network/groups/out/topology", 0, ["not sound"]),
    ("network/groups/readout.synapse/topology", None, ["not sound"]),
    ("network/groups/readout.synapse/topology", 99, ["no such topology"]),
    ("network/groups/readout.synapse/topology", -1, ["no such topology"]),
    ("network/groups/readout.synapse/initial/w", GONE, ["not sound", "readout.synapse.w"]),
    ("network/groups/readout.synapse/initial/w", "nothing", ["no such array"]),
    ("network/groups/readout.synapse/constants/psi_fast_decay", GONE, ["not sound", "readout.synapse.psi_fast_decay"]),
    ("network/groups/readout.synapse/constants/psi_fast_decay/along", "sideways", ["along"]),
    ("network/groups/readout.synapse/constants/psi_fast_decay/along", "pre", ["not sound"]),
    ("network/groups/..~..~evil", {"size": 1, "topology": None, "constants": {}, "initial": {}}, ["network.groups"]),
    ("network/links/0/source", ["nobody", "z"], ["unknown end"]),
    ("network/links/0/source", ["out"], ["a link's end has two names"]),
    ("network/links/0/target", ["out", "nothing"], ["unknown end"]),
    ("network/links/0/kind", "teleport", ["network.links.0.kind"]),
    ("network/links/0/kind", "all", ["not sound"]),
    ("network/links/0/delay", "nothing", ["no such array"]),
    ("network/links/0/shift", HUGE, ["shift"]),
    ("network/links/0/shift", -64, ["shift"]),
    ("network/links/0/shift", 24, ["shift"]),
    ("network/links/0/shift", 1.5, ["network.links.0.shift"]),
    ("network/links/0/weights", None, ["not sound"]),
    ("network/links/0/topology", None, ["not sound"]),
    ("network/signals/out.z/owner", "nobody", ["not sound", "out.z"]),
    ("network/signals/out.z/variable", "y", ["not sound", "out.z"]),
    ("network/signals/out.z/kind", "input", ["not sound", "out.z"]),
    ("network/signals/out.z/offset", -1, ["network.signals.out.z.offset"]),
    ("network/signals/out.z/offset", 1 << 20, ["network.signals.out.z.offset"]),
    ("network/signals/out.z/shape", [1 << 31, 1 << 31], ["not sound"]),
    ("network/signals/out.z/shape", [1, 1, 3], ["network.signals.out.z.shape"]),
    ("network/signals/out.z/label", "perfect", ["network.signals.out.z.label"]),
    ("network/signals/\u001b[2J", {}, ["network.signals"]),
    ("network/outputs", ["nothing"], ["not sound"]),
    ("network/outputs", "out.z", ["network.outputs"]),
    ("network/weight_lag/readout", -1, ["network.weight_lag.readout"]),
    ("network/weight_lag/readout", 1 << 30, ["network.weight_lag.readout"]),
    ("network/delay/readout", "nothing", ["no such array"]),
]


@pytest.mark.parametrize(("path", "value", "words"), MANIFESTS)
def test_each_field_of_the_manifest_behind_its_hash(path, value, words, bundle, refused, tmp_path):
    content = manifest(bundle)
    put(content, path, value)
    seal(bundle, content)
    refused(2, words, "run", bundle, "--steps", 5, "-o", tmp_path / "out.npz")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("network/weight_lag/nobody", 1),
        ("network/delay/readout", GONE),
        ("spec/populations/pixels/size", 7),
        ("spec/connections/direct", GONE),
        ("spec/populations/out/size", 4),
    ],
)
def test_a_spec_of_another_network(path, value, bundle, refused):
    content = manifest(bundle)
    put(content, path, value)
    seal(bundle, content)
    refused(2, [], "compare", bundle, "--backends", "reference,fast", "--steps", 5)


def test_json_that_is_nested_too_deeply(bundle, refused):
    content = manifest(bundle)
    nested: Any = 1
    for _ in range(100):
        nested = [nested]
    content["findings"] = nested
    seal(bundle, content)
    refused(2, ["nested deeper than 32 levels"], "run", bundle)


def arrays_of(bundle: Path) -> dict[str, np.ndarray]:
    with np.load(bundle / "arrays.npz", allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def array_name(bundle: Path, *path: str | int) -> str:
    value: Any = manifest(bundle)["network"]
    for part in path:
        value = next(t for t in value if t["starts"] is not None) if part == "sparse" else value[part]
    return str(value)


ARRAYS: dict[str, tuple[tuple[str | int, ...], Any]] = {
    "starts beyond the synapses": (("topologies", "sparse", "starts"), lambda a: np.where(a == a.max(), 100, a)),
    "starts negative": (("topologies", "sparse", "starts"), lambda a: a - 1),
    "starts descend": (("topologies", "sparse", "starts"), lambda a: a[::-1]),
    "starts of too few rows": (("topologies", "sparse", "starts"), lambda a: a[1:]),
    "no starts": (("topologies", "sparse", "starts"), lambda a: a[:0]),
    "starts that leap": (
        ("topologies", "sparse", "starts"),
        lambda a: np.array([a[0], 1 << 62, -(1 << 62), *a[3:]], np.int64),
    ),
    "pre out of range": (("topologies", "sparse", "col"), lambda a: a + 100),
    "pre negative": (("topologies", "sparse", "col"), lambda a: -a - 1),
    "pre that wraps to right ones": (("topologies", "sparse", "col"), lambda a: a.astype(np.int64) + (1 << 32)),
    "too few pre": (("topologies", "sparse", "col"), lambda a: a[:-1]),
    "floats": (("groups", "readout.synapse", "initial", "w"), lambda a: a.astype(float)),
    "bools": (("groups", "readout.synapse", "initial", "w"), lambda a: a > 0),
    "too short": (("groups", "readout.synapse", "initial", "w"), lambda a: a[:-1]),
    "weight beyond its bounds": (
        ("groups", "readout.synapse", "initial", "w"),
        lambda a: a.astype(np.int64) + (1 << 22),
    ),
    "huge weight": (("groups", "readout.synapse", "initial", "w"), lambda a: np.full(a.shape, 1 << 62)),
    "unsigned overflow": (
        ("groups", "readout.synapse", "initial", "w"),
        lambda a: np.full(a.shape, (1 << 64) - 1, np.uint64) - 1 << 40,
    ),
    "static weight beyond a word": (("links", 0, "weights"), lambda a: np.full(a.shape, 1 << 30)),
    "constant beyond its bounds": (
        ("groups", "readout.synapse", "constants", "psi_fast_decay", "array"),
        lambda a: a * 0 + (1 << 23),
    ),
    "delay negative": (("links", 0, "delay"), lambda a: a * 0 - 1),
    "delay too long": (("links", 0, "delay"), lambda a: a.astype(np.int64) * 0 + (1 << 40)),
    "model delay negative": (("delay", "readout"), lambda a: a * 0 - 3),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays(name, bundle, refused, tmp_path):
    path, change = ARRAYS[name]
    arrays, content = arrays_of(bundle), manifest(bundle)
    key = array_name(bundle, *path)
    arrays[key] = change(arrays[key])
    content["network"]["arrays"][key] = list(arrays[key].shape)
    np.savez(bundle / "arrays.npz", **arrays)
    seal(bundle, content)
    refused(2, [], "run", bundle, "--steps", 5, "-o", tmp_path / "out.npz")


@pytest.mark.parametrize("file", ["arrays.npz", "spec.npz"])
def test_a_pickle_in_the_bundle(file, bundle, refused):
    content = manifest(bundle)
    with np.load(bundle / file) as loaded:
        key = loaded.files[0]
    npz_of_pickle(bundle / file, key)
    seal(bundle, content)
    command = ["run"] if file == "arrays.npz" else ["compare", "--backends", "reference,fast"]
    refused(2, ["pickled objects"], command[0], bundle, *command[1:])


PROGRAM = "programs/readout.synapse.ucode"


def code(line: str) -> Any:
    """Put a line of code first, where every declared name may be read."""
    return lambda text: text.replace("\ncode\n", f"\ncode\n  {line}\n", 1)


def declare(line: str) -> Any:
    """Add a declaration."""
    return lambda text: text.replace("\ncode\n", f"\n{line}\ncode\n", 1)


PROGRAMS: dict[str, tuple[Any, list[str]]] = {
    "empty": (lambda text: "", ["no name or no code"]),
    "binary": (lambda text: "\udcff\udcfe", ["cannot be read as text"]),
    "no declaration": (declare("stat w s24.0 0..1"), ["not a declaration"]),
    "another name": (
        lambda text: text.replace("program readout.synapse", "program direct.synapse", 1),
        ["program-name"],
    ),
    "name of a path": (lambda text: text.replace("state psi_fast ", "state ../x ", 1), ["not a name"]),
    "format without bits": (declare("state q s0.0 0..1"), ["a format has 1 to 48 bits"]),
    "format too wide": (declare("state q u49.0 0..1"), ["a format has 1 to 48 bits"]),
    "format beyond a word": (declare("state q s40.0 0..1"), ["not sound"]),
    "format far away": (declare(f"state q s24.{10**12} 0..1"), ["a format reads like"]),
    "bounds beyond the format": (declare("state q u2.0 0..9"), ["not sound"]),
    "a word twice": (declare("state w s24.0 0..1"), ["not sound"]),
    "an observable twice": (declare("observe dw w s24.0"), ["not sound", "name-once"]),
    "observe nothing": (declare("observe q nothing s24.0"), ["undefined-read"]),
    "unknown operation": (code("q = div w w"), ["operation", "div"]),
    "operands missing": (code("q = add w"), ["operands"]),
    "undefined register": (code("q = add w nothing"), ["undefined-read"]),
    "assigned twice": (code("r1 = add w w"), ["assigned-once"]),
    "jump out": (lambda text: text + "  skip x 5\n", ["jump"]),
    "jump back": (code("skip w -5"), ["jump"]),
    "jump far": (code(f"skip w {10**30}"), ["jump"]),
    "jump to a register": (code("skip w w"), ["jump"]),
    "shift too far": (code("q = shr w 99"), ["shift"]),
    "shift negative": (code("q = shl w -1"), ["shift"]),
    "shift by a register": (code("q = shl w w"), ["shift"]),
    "immediate beyond a word": (code(f"q = add w {1 << 30}"), ["word-width"]),
    "a very long number": (code(f"q = add w {'9' * 5000}"), []),
    "overflow": (code("q = shl w 20"), ["word-overflow"]),
    "stored twice": (lambda text: text + "  store w 0\n", ["written-once"]),
    "stored nowhere": (code("store nothing 0"), ["undeclared"]),
    "stored beyond its bounds": (lambda text: text.replace("-1048576..1048576", "-1..1"), ["not sound"]),
    "emitted nowhere": (code("emit nothing 0"), ["undeclared"]),
    "too long": (lambda text: text + "  q = add w 1\n" * 30_000, ["too long"]),
    "signs": (code("q = add w --1"), []),
    "nothing assigned": (code("= add w w"), []),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name, bundle, refused, tmp_path):
    change, words = PROGRAMS[name]
    text = (bundle / PROGRAM).read_text()
    changed = change(text)
    assert changed != text
    (bundle / PROGRAM).write_bytes(changed.encode("utf-8", "surrogateescape"))
    seal(bundle, manifest(bundle))
    refused(2, words, "run", bundle, "--steps", 5, "-o", tmp_path / "out.npz")


OTHERS: list[tuple[str, str, Any]] = [
    ("lowering.json", "rows", "none"),
    ("lowering.json", "rows", [{"parameter": "x"}]),
    ("lowering.json", "rows/0/target", 3),
    ("lowering.json", "rows/0/relative_error", "big"),
    ("lowering.json", "schema_version", 1),
    ("placement.json", "slices", GONE),
    ("placement.json", "slices", []),
    ("placement.json", "slices/0/group", "nobody"),
    ("placement.json", "slices/0/last", HUGE),
    ("placement.json", "slices/0/first", 1),
    ("placement.json", "slices/0/first", -1),
    ("placement.json", "slices/0/core", HUGE),
    ("placement.json", "slices/0/core", 120),  # the first core of a second chip, which the profile does not have
    ("placement.json", "slices/0/core", 1),  # not in the utilisation
    ("placement.json", "slices/0/chip", 0),
    ("placement.json", "cores", 2),
    ("placement.json", "chips", 2),
    ("placement.json", "compartments", 1),
    ("placement.json", "binding", "patience"),
    ("placement.json", "binding", "compartments"),
    ("placement.json", "spike_hops", -1),
    ("placement.json", "utilisation", GONE),
    ("placement.json", "utilisation", {}),
    ("placement.json", "utilisation/compartments", GONE),
    ("placement.json", "utilisation/patience", {"limit": 1, "used": [1]}),
    ("placement.json", "utilisation/input_axons/limit", 5000),
    ("placement.json", "utilisation/input_axons/used", []),
    ("placement.json", "utilisation/input_axons/used", [1, 1]),
    ("placement.json", "utilisation/input_axons/used/0", 4097),
    ("placement.json", "utilisation/input_axons/used/0", -1),
    ("placement.json", "utilisation/input_axons/used/0", 0.5),
    ("placement.json", "utilisation/compartments/used/0", 1),
    ("placement.json", "schema_version", 0),
    ("placement.json", "schema_version", 3),
    ("profile.json", "profile", GONE),
    ("profile.json", "profile", {}),
    ("profile.json", "profile/name", "loihi1"),
    ("profile.json", "profile/hardware_profile", 1),
    ("profile.json", "profile/core/compartments/value", 0),
    ("profile.json", "profile/core/compartments/value", 8193),  # another profile than the manifest names
    ("profile.json", "profile/core/compartments/unit", "neuron"),
    ("profile.json", "profile/energy/synaptic_operation/low", HUGE),
    ("profile.json", "profile/extra", 1),
    ("profile.json", "schema_version", 3),
    ("rules.json", "rules", {"readout": "dw = x"}),
    ("rules.json", "schema_version", 1),
]


@pytest.mark.parametrize(("file", "path", "value"), OTHERS)
def test_other_files(file, path, value, bundle, refused):
    content = json.loads((bundle / file).read_text())
    put(content, path, value)
    (bundle / file).write_text(json.dumps(content))
    seal(bundle, manifest(bundle))
    for command in ("inspect", "run"):
        refused(2, [file], command, bundle)


def test_a_file_that_is_too_large(bundle, refused, monkeypatch):
    monkeypatch.setattr(hmn_lava.bundle, "LARGEST_TEXT", 1000)
    refused(2, ["too large"], "run", bundle)


def test_messages_in_flight_that_do_not_fit(bundle, refused, monkeypatch):
    """The longest delay on wide populations needs more than a small machine has; it is told before it is allocated."""
    assert memory() is not None
    monkeypatch.setattr("hmn_lava.memory.memory", lambda: 4000)
    monkeypatch.setattr("hmn_lava.manifest.refuse_above_memory", lambda *_, **__: None)
    refused(2, ["this machine has"], "run", bundle)


def test_memory_that_runs_out_all_the_same(compiled, refused, monkeypatch):
    def run(*_, **__):
        raise MemoryError

    monkeypatch.setattr("hmn_lava.simulator.fast.Fast.run", run)
    refused(2, ["not enough memory"], "run", compiled)
