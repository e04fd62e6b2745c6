"""Bundles that are saved and loaded, encoders, broken arrays, and encodings that are kept."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

import hmn_lava as hl
from hmn_lava.errors import BackendError, InputError
from hmn_lava.language import fitting, store
from hmn_lava.language.adapters import language_spec
from hmn_lava.language.encoder import Encoder
from hmn_lava.language.model import frozen_of, host_of, reader_of
from hmn_lava.language.texts import split_topics
from hmn_lava.spec.host import LanguageHost


def test_a_bundle_that_was_saved_reads_the_same(frozen, bundle, encoder_folder, tokens_of_text, tmp_path):
    text = tokens_of_text(30, style=1)
    loaded = hl.load(bundle.save(tmp_path / "bundle"))
    found = [reader_of(b, b.session("fast"), encoder_folder).read(text) for b in (bundle, loaded)]
    assert np.array_equal(*found)
    again = frozen_of(loaded.spec, encoder_folder)
    for name in ("projection", "readout", "bias", "tokens"):
        assert np.array_equal(getattr(again, name), getattr(frozen, name))
    assert again.encoder.window == 31


def test_a_spec_that_was_written_has_the_same_host(frozen, encoder_folder, tmp_path):
    from hmn_lava.spec import dump_spec

    spec = hl.load_spec(dump_spec(language_spec(frozen), tmp_path / "spec"))
    again = frozen_of(spec, encoder_folder)
    assert host_of(spec).sha256 == frozen.encoder.sha256
    for name in ("projection", "readout", "bias", "tokens"):
        assert np.array_equal(getattr(again, name), getattr(frozen, name))


def test_another_encoder_is_refused(bundle, long_folder):
    with pytest.raises(InputError, match="is another encoder") as caught:
        frozen_of(bundle.spec, long_folder)
    assert caught.value.field == "sha256" and caught.value.where == str(long_folder)


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("readout", lambda a: a[:-1], "should be (51, 8)"),
        ("readout", lambda a: a[0], "should be (51, 8)"),
        ("bias", lambda a: a[:, None], "should be (51,)"),
        ("projection", lambda a: a.T, "should be (96, 8)"),
        ("tokens", lambda a: a[None], "should be (50,)"),
        ("tokens", lambda a: np.where(a == a[0], a[1], a), "are no tokens"),
        ("tokens", lambda a: a + 0.5, "are no tokens"),
        ("tokens", lambda a: a - a.min() - 1, "are no tokens"),
        ("tokens", lambda a: np.where(a == a[0], 1e6, a), "are no tokens"),
        ("tokens", lambda a: np.where(a == a[0], 1e30, a), "are no tokens"),
    ],
)
def test_arrays_that_do_not_go_together_are_refused(frozen, encoder_folder, name, change, says):
    from hmn_lava.spec.arrays import Values

    spec = language_spec(frozen)
    wrong = Values(change(getattr(frozen, name).astype(np.float64)))
    broken = spec.model_copy(update={"host": host_of(spec).model_copy(update={name: wrong})})
    with pytest.raises(InputError) as caught:
        frozen_of(broken, encoder_folder)
    error = caught.value
    assert error.field == f"host.{name}" and says in str(error) and error.remedy
    assert len(str(error).splitlines()) == 2


def test_an_array_that_is_a_number_or_drawn_is_refused(frozen, encoder_folder):
    spec = language_spec(frozen)
    broken = spec.model_copy(update={"host": host_of(spec).model_copy(update={"bias": 0.0})})
    with pytest.raises(InputError, match="must be an array") as caught:
        frozen_of(broken, encoder_folder)
    assert caught.value.field == "host.bias"


# The encoder's place.


def test_without_the_package_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(store, "find_spec", lambda name: None)
    with pytest.raises(BackendError) as caught:
        store.find_encoder()
    assert store.INSTALL in str(caught.value) and "--encoder FOLDER" in str(caught.value)


def test_the_package_is_found_by_its_folder_and_not_executed(monkeypatch, encoder_folder, tmp_path):
    package = tmp_path / store.PACKAGE
    shutil.copytree(encoder_folder, package / "model")
    (package / "__init__.py").write_text("raise RuntimeError('executed')")
    monkeypatch.delitem(sys.modules, store.PACKAGE, raising=False)  # find_spec would answer from there
    monkeypatch.syspath_prepend(tmp_path)
    found = store.find_encoder(window=9)
    assert (found.name, found.window, found.folder) == (store.PACKAGE, 9, package / "model")


# Encodings that are kept.


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HMN_LAVA_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "encodings"


def test_encodings_are_kept(encoder_folder, tokens_of_text, cache, monkeypatch):
    encoder, text = Encoder(encoder_folder, 9), tokens_of_text(20)
    right = encoder.encode(text)
    assert np.array_equal(store.encode(encoder, text), right)
    (file,) = cache.iterdir()
    assert oct(cache.stat().st_mode)[-3:] == "700" and file.suffix == ".npy"
    other = Encoder(encoder_folder, 5)
    assert not np.array_equal(store.encode(other, text), right)  # another window is another encoding
    assert store.encode(encoder, text[:-1]).shape == (len(text) - 1, 32)
    assert len(list(cache.iterdir())) == 3
    monkeypatch.setattr(Encoder, "encode", None)
    assert np.array_equal(store.encode(encoder, text), right)


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "shape", "type", "nan", "folder"])
def test_a_damaged_encoding_is_made_again(encoder_folder, tokens_of_text, cache, damage):
    encoder, text = Encoder(encoder_folder, 9), tokens_of_text(20)
    right = store.encode(encoder, text)
    (file,) = cache.iterdir()
    content = file.read_bytes()
    wrong = {"shape": right[1:], "type": right.astype(np.float64), "nan": np.full_like(right, np.nan)}
    if damage in wrong:
        np.save(file, wrong[damage])
    elif damage == "folder":
        file.unlink()
        file.mkdir()
    else:
        file.write_bytes({"cut": content[:-5], "empty": b"", "text": b"no array"}[damage])
    assert np.array_equal(store.encode(encoder, text), right)
    assert damage == "folder" or file.read_bytes() == content


def test_without_a_place_nothing_is_kept(encoder_folder, tokens_of_text, tmp_path, monkeypatch):
    encoder, text = Encoder(encoder_folder, 9), tokens_of_text(20)
    right = encoder.encode(text)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HMN_LAVA_CACHE", str(tmp_path / "file"))
    assert np.array_equal(store.encode(encoder, text), right)
    monkeypatch.setattr(store.cache, "cache_folder", lambda: None)
    assert np.array_equal(store.encode(encoder, text), right)
    assert store.encode(encoder, text[:0]).shape == (0, 32)


@pytest.mark.parametrize("query", [1, 20, 21])
def test_a_state_never_comes_with_its_lesson_or_after_the_period(frozen, query):
    content = language_spec(frozen).host.model_dump() | {"query": query}
    with pytest.raises(ValueError, match="is not between the lesson's two steps and the period"):
        LanguageHost.model_validate(content)


def test_topics_are_fitted_on_the_part_that_is_not_evaluated(long_folder, monkeypatch):
    read = []
    monkeypatch.setattr(fitting.Tokenizer, "encode", lambda self, text: read.append(text) or np.arange(9))
    for names in ([], ["topics"]):
        with pytest.raises(InputError, match="too short"):
            fitting.fit_language(names, encoder=long_folder)
    assert read[0] == read[1] == split_topics()[0]


def test_a_text_beyond_the_memory_of_a_fit_is_refused(long_folder, monkeypatch, tmp_path):
    monkeypatch.setattr(fitting, "LARGEST", 3)
    (tmp_path / "text").write_text("a big bird came")
    with pytest.raises(InputError, match="have more than 3 tokens"):
        fitting.fit_language([str(tmp_path / "text")], encoder=long_folder)
