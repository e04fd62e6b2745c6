"""A run in a folder: what was kept comes back, and a folder from others does no harm, whatever is in it."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("torch", reason="PyTorch is not installed: make test-training")

import torch
from safetensors.torch import load, save

from hmn_lava.errors import InputError
from hmn_lava.training import checkpoint
from hmn_lava.training.checkpoint import RUN, read_checkpoint
from hmn_lava.training.fit import train

NAN = float("nan")


@pytest.fixture(scope="module")
def kept(tmp_path_factory, samples, small):
    """The folder of a run of two epochs that is not at its end, and its record."""
    folder = tmp_path_factory.mktemp("kept") / "run"

    def stop(done: int, total: int) -> None:
        if done == 9:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        train(samples, small(epochs=3), folder, stop)
    return folder


@pytest.fixture
def folder(kept, tmp_path):
    """One of its own, to break."""
    return Path(shutil.copytree(kept, tmp_path / "run"))


@pytest.fixture
def goes_on(samples, small):
    """Read a folder in all the ways that there are; only InputError may come out."""

    def read(folder: Path) -> Any:
        found = read_checkpoint(folder)
        network = found.network(str(folder))
        train(samples, small(epochs=3), folder)
        return network

    return read


def record_of(folder: Path) -> Any:
    return json.loads((folder / RUN).read_text())


def write_record(folder: Path, record: Any) -> None:
    (folder / RUN).write_text(json.dumps(record))


def write_tensors(folder: Path, content: bytes) -> None:
    """Replace the tensors, with the hash that they should have."""
    record = record_of(folder)
    (folder / record["tensors"]).write_bytes(content)
    write_record(folder, record | {"sha256": hashlib.sha256(content).hexdigest()})


def tensors_of(folder: Path) -> Any:
    return load((folder / record_of(folder)["tensors"]).read_bytes())


def test_round_trip(kept, samples, small):
    found = read_checkpoint(kept)
    assert (found.settings, found.data, found.sample, found.classes) == (small(epochs=3), "bars", (1, 7, 7), 4)
    again = train(samples, small(epochs=3))
    assert found.history == again.history[:3]
    network = found.network()
    shown = torch.from_numpy(samples.shown("test", range(24)))
    scores = network(shown)
    assert scores.shape == (24, 4)
    assert torch.equal(scores, read_checkpoint(kept).network()(shown))
    assert all(torch.equal(value, found.tensors[f"network.{name}"]) for name, value in network.state_dict().items())


def test_a_good_folder_goes_on(folder, goes_on):
    goes_on(folder)
    assert len(read_checkpoint(folder).history) == 4


def test_a_folder_without_a_run(tmp_path):
    assert read_checkpoint(tmp_path) is read_checkpoint(tmp_path / "none") is None


# ---- the record


def put(path: str, value: Any) -> Any:
    """A change of one place of the record."""

    def change(record: Any) -> None:
        *inside, last = [int(part) if part.isdigit() else part for part in path.split("/")]
        for part in inside:
            record = record[part]
        record[last] = value

    return pytest.param(change, id=f"{path}={value!r:.40}")


RECORDS = [
    put("format", 2),
    put("format", "1"),
    put("settings", None),
    put("settings", []),
    put("settings/steps", 0),
    put("settings/steps", 10**30),
    put("settings/layers", 5),
    put("settings/layers", "8,"),
    put("settings/layers", "6c3,p2,17"),
    put("settings/layers", "6c3,p9,16"),
    put("settings/layers", "16"),
    put("settings/nope", 1),
    put("settings/batch", -5),
    put("settings/mechanisms", ["stbp"] * 3),
    put("settings/fusion", "x"),
    put("data", None),
    put("data", 5),
    put("sample", None),
    put("sample", [1, 7]),
    put("sample", [1, 7, 7.0]),
    put("sample", [1, 7, True]),
    put("sample", [1, 7, -7]),
    put("sample", [1, 7, 10**9]),
    put("sample", [1, 9, 9]),
    put("sample", [4096, 4096, 4096]),
    put("classes", 0),
    put("classes", True),
    put("classes", 5),
    put("classes", 65536),
    put("classes", 10**30),
    put("classes", "4"),
    put("tensors", None),
    put("tensors", ""),
    put("tensors", ".safetensors"),
    put("tensors", "../run/x.safetensors"),
    put("tensors", "/etc/passwd"),
    put("tensors", "/tmp/x.safetensors"),
    put("tensors", "sub/x.safetensors"),
    put("tensors", ".."),
    put("tensors", RUN),
    put("tensors", "\0.safetensors"),
    put("tensors", "\ud800.safetensors"),
    put("tensors", "x" * 5000 + ".safetensors"),
    put("sha256", None),
    put("sha256", "0" * 64),
    put("history", None),
    put("history", {}),
    put("history", []),
    put("history", [1, 2, 3]),
    put("history/0", {}),
    put("history/1/epoch", 2),
    put("history/1/epoch", None),
    put("history/2/loss", NAN),
    put("history/2/loss", "0"),
    put("history/2/accuracy", None),
    put("history/1/lambda", []),
    put("history/1/lambda/0", [1.0, 1.0]),
    put("history/1/lambda/0", 1.0),
    put("history/1/lambda/0/1", None),
    put("history/1/norm/2/0", float("inf")),
    put("history/1/norm/2/0", 10**400),
    put("history/1/eta", [0.1]),
    put("history/1/beta/0", "x"),
    put("history/1/kappa", "abc"),
]


@pytest.mark.parametrize("change", RECORDS)
def test_a_record_that_is_wrong(folder, goes_on, change):
    record = record_of(folder)
    change(record)
    write_record(folder, record)
    with pytest.raises(InputError) as caught:
        goes_on(folder)
    assert (caught.value.where or caught.value.field) and caught.value.remedy


@pytest.mark.parametrize("key", ["format", "settings", "data", "sample", "classes", "tensors", "sha256", "history"])
def test_a_record_that_lacks_something(folder, goes_on, key):
    record = record_of(folder)
    del record[key]
    write_record(folder, record)
    with pytest.raises(InputError):
        goes_on(folder)


def test_more_epochs_than_there_are(folder, goes_on):
    record = record_of(folder)
    for epoch in (3, 4):
        record["history"].append(record["history"][2] | {"epoch": epoch})
    write_record(folder, record)
    with pytest.raises(InputError, match="history"):
        goes_on(folder)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 200_000, b'{"format": ' + b"9" * 5000 + b"}"]
)
def test_a_record_that_is_none(folder, goes_on, content):
    (folder / RUN).write_bytes(content)
    with pytest.raises(InputError) as caught:
        goes_on(folder)
    assert caught.value.where == str(folder / RUN)


def test_files_that_are_no_files(folder, goes_on):
    """A named pipe would never end to be read."""
    tensors = folder / record_of(folder)["tensors"]
    for place in (tensors, folder / RUN):
        place.unlink()
        os.mkfifo(place)
        with pytest.raises(InputError, match="is no file") as caught:
            goes_on(folder)
        assert caught.value.where == str(place)
        place.unlink()
        place.mkdir()
        with pytest.raises(InputError, match="is no file"):
            goes_on(folder)
        place.rmdir()
        place.symlink_to("nowhere")
        with pytest.raises(InputError, match="is no file"):
            goes_on(folder)


def test_files_that_are_too_large_are_not_read(folder, monkeypatch):
    monkeypatch.setattr(checkpoint, "LARGEST", 100)
    with pytest.raises(InputError, match="more than 100 bytes"):
        read_checkpoint(folder)
    monkeypatch.setattr(checkpoint, "SMALL", 10)
    with pytest.raises(InputError, match="more than 10 bytes"):
        read_checkpoint(folder)


@pytest.mark.parametrize("layers", ["4000," * 60 + "4000", "999999", "999999,999999", "9999c999,9999c999"])
def test_nothing_is_made_for_settings_that_ask_for_too_much(folder, monkeypatch, layers):
    """What the tensors in the folder do not hold is not allocated, though each layer may be allowed."""
    record = record_of(folder)
    record["settings"]["layers"] = layers
    count = layers.count(",") + 2
    for row in record["history"]:
        row |= {name: [0.5] * count for name in ("eta", "beta", "kappa")}
        row |= {name: [[1.0] * 3] * count for name in ("lambda", "norm")}
    write_record(folder, record)
    found, made = read_checkpoint(folder), []
    with torch.device("meta"):
        torch.zeros(1)  # it notes once which functions make tensors, and these are to be the real ones
    rand, zeros = torch.rand, torch.zeros
    for name, make in (("rand", rand), ("zeros", zeros)):
        monkeypatch.setattr(torch, name, lambda *a, make=make, **k: made.append(make(*a, **k)) or made[-1])
    with pytest.raises(InputError):
        found.network(str(folder))
    assert all(each.device.type == "meta" for each in made)


# ---- the tensors


def test_a_file_that_is_not_what_the_run_wrote(folder, goes_on):
    file = folder / record_of(folder)["tensors"]
    whole = file.read_bytes()
    for content in (b"", whole[:-1], whole[:100], whole + b"\0", whole[:-1] + bytes([whole[-1] ^ 1])):
        file.write_bytes(content)
        with pytest.raises(InputError, match="its hash differs"):
            goes_on(folder)
    file.unlink()
    with pytest.raises(InputError):
        goes_on(folder)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 8,
        b"\xff" * 100,
        (2).to_bytes(8, "little") + b"{}",
        (4).to_bytes(8, "little") + b"null",
        (10**6).to_bytes(8, "little") + b"{" * 50,
        b"\x80\x04\x95pickle",
    ],
)
def test_a_file_that_holds_no_tensors(folder, goes_on, content):
    write_tensors(folder, content)
    with pytest.raises(InputError):
        goes_on(folder)


FIRST, ADAM = "network.layers.0.stbp", "optimizer.0.exp_avg"
TENSORS = {
    "missing": lambda t: t.pop(FIRST),
    "missing eta": lambda t: t.pop("network.layers.1.hebbian.eta"),
    "missing buffer": lambda t: t.pop("network.layers.1.sbp.coincidence"),
    "missing draws": lambda t: t.pop("draws"),
    "missing of adam": lambda t: t.pop(ADAM),
    "extra": lambda t: t.update({"network.layers.9.stbp": torch.zeros(3)}),
    "extra of adam": lambda t: t.update({"optimizer.999.exp_avg": torch.zeros(3)}),
    "extra key of adam": lambda t: t.update({"optimizer.0.speed": torch.zeros(3)}),
    "name of adam": lambda t: t.update({"optimizer.x.exp_avg": torch.zeros(3)}),
    "negative of adam": lambda t: t.update({"optimizer.-1.exp_avg": torch.zeros(3)}),
    "no number of adam": lambda t: t.update({"optimizer": torch.zeros(3)}),
    "other": lambda t: t.update({"weights": torch.zeros(3)}),
    "shape": lambda t: t.update({FIRST: t[FIRST].flatten()}),
    "larger": lambda t: t.update({FIRST: torch.zeros(7, 1, 3, 3)}),
    "shape of eta": lambda t: t.update({"network.layers.0.hebbian.eta": torch.zeros(1)}),
    "dtype": lambda t: t.update({FIRST: t[FIRST].double()}),
    "half": lambda t: t.update({FIRST: t[FIRST].to(torch.bfloat16)}),
    "bool": lambda t: t.update({FIRST: t[FIRST] > 0}),
    "complex": lambda t: t.update({FIRST: t[FIRST].to(torch.complex64)}),
    "nan": lambda t: t[FIRST].fill_(NAN),
    "one nan": lambda t: t["network.layers.2.sbp.weights"].view(-1)[5].fill_(NAN),
    "infinite": lambda t: t["network.layers.0.fusion.lambdas"].fill_(float("inf")),
    "shape of adam": lambda t: t.update({ADAM: t[ADAM].flatten()}),
    "dtype of adam": lambda t: t.update({ADAM: t[ADAM].double()}),
    "nan of adam": lambda t: t[ADAM].fill_(NAN),
    "step": lambda t: t.update({"optimizer.0.step": torch.zeros(2)}),
    "draws": lambda t: t.update({"draws": torch.zeros(4)}),
    "short draws": lambda t: t.update({"draws": t["draws"][:-1]}),
    "no draws": lambda t: t["draws"].fill_(255),
}


@pytest.mark.parametrize("name", TENSORS)
def test_tensors_that_are_wrong(folder, goes_on, name):
    tensors = tensors_of(folder)
    TENSORS[name](tensors)
    write_tensors(folder, save(tensors))
    before = sorted(file.name for file in folder.iterdir())
    with pytest.raises(InputError) as caught:
        goes_on(folder)
    assert str(folder) in caught.value.where and caught.value.remedy
    assert sorted(file.name for file in folder.iterdir()) == before


# ---- anything

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=8),
    st.lists(st.integers(0, 9), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


def places(value: Any, at: tuple[Any, ...] = ()) -> Any:
    """The path of each place of a record."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inside:
        yield (*at, key)
        yield from places(each, (*at, key))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_value_anywhere(kept, tmp_path, data):
    """A record with any value at any place is read, or refused by an InputError; nothing else comes out."""
    whole = record_of(kept)
    record = copy.deepcopy(whole)
    *inside, last = data.draw(st.sampled_from(list(places(whole))))
    place = record
    for part in inside:
        place = place[part]
    place[last] = data.draw(VALUES)
    shutil.rmtree(tmp_path / "any", ignore_errors=True)
    shutil.copytree(kept, tmp_path / "any")
    write_record(tmp_path / "any", record)
    try:
        read_checkpoint(tmp_path / "any").network("any")
    except InputError as error:
        assert error.where or error.field
