"""Texts at hand and by path, and the tokens and sentences of them."""

from __future__ import annotations

import numpy as np
import pytest

from hmn_lava.errors import BackendError, InputError
from hmn_lava.language import texts
from hmn_lava.language.texts import read_text, split_topics
from hmn_lava.language.tokens import Tokenizer


def test_topics_are_split_into_two_parts_that_share_no_paragraph():
    fitted, held = split_topics()
    one, other = ({part.strip() for part in text.split("\n\n") if part.strip()} for text in (fitted, held))
    assert len(one) > 500 and len(other) > 100
    assert not one & other
    assert len(held) / (len(held) + len(fitted)) == pytest.approx(texts.HELD, abs=0.1)  # topics stay whole
    assert split_topics() == (fitted, held)


def test_names_are_the_texts_at_hand():
    assert read_text("topics") == split_topics()[1]
    code = read_text("code")
    assert "class ArgumentParser" in code and code.index("class ArgumentParser") < code.index("def rmtree")
    licences = read_text("licences")
    parts = [part for part in licences.split("\n\n") if part]
    assert len(parts) > 10 and len(parts) == len(set(parts))


def test_a_licence_that_is_no_text_is_left_out(monkeypatch, tmp_path):
    class File:
        def __init__(self, name: str, content: bytes | None) -> None:
            path = tmp_path / name
            self.name, self.suffix, self.locate = name, path.suffix, lambda: path
            if content is not None:
                path.write_bytes(content)

    class Package:
        def __init__(self, name: str, *files: File) -> None:
            self.metadata, self.files = {"Name": name}, files

    good = File("LICENSE", b"As is.\n\nOf b.\n\nAs is.")
    packages = [
        Package("b", good, File("LICENSE.txt", b"\xff\xfe"), File("license.py", b"no"), File("licence.md", None)),
        Package("A", File("LICENCE.md", b"Of a.\n\nAs is.")),
    ]
    monkeypatch.setattr(texts.metadata, "distributions", lambda: packages)
    assert read_text("licences") == "Of a.\n\nAs is.\n\nOf b."


def test_a_path_is_a_file_or_all_files_of_a_folder_in_order(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "b.txt").write_text("two", encoding="utf-8")
    (tmp_path / "a.txt").write_text("one é", encoding="utf-8")
    (tmp_path / "inner" / "c").write_text("three", encoding="utf-8")
    assert read_text(str(tmp_path / "a.txt")) == "one é"
    assert read_text(str(tmp_path)) == "one é\ntwo\nthree"


def test_wikitext_is_read_as_it_is(tmp_path):
    text = " \n = Title = \n \n The <unk> of 1 @,@ 234 . \n"
    (tmp_path / "wiki.test.tokens").write_text(text)
    assert read_text(str(tmp_path / "wiki.test.tokens")) == text


def test_of_persona_chat_what_is_said_is_kept(tmp_path):
    (tmp_path / "train_both_original.txt").write_text(
        "1 your persona: i like birds.\n2 partner's persona: i have a dog.\n"
        "3 hello there\thi , how are you ?\t\tyes|no|hi , how are you ?\n4 fine . 2 dogs\tgood\n"
        "1 your persona: i am old.\n2 what now ?\tnothing\t\tone|two\nno line of a talk\n"
    )
    found = read_text(str(tmp_path / "train_both_original.txt"))
    assert found.split("\n") == ["hello there", "hi , how are you ?", "fine . 2 dogs", "good", "what now ?", "nothing"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"good \xff", "is no text in UTF-8: byte 5"),
        (b"", "is empty"),
        (b" \n\t\n", "is empty"),
        (b"x" * 101, "has more than 100 bytes"),
        (None, "cannot be read: No such file"),
    ],
)
@pytest.mark.parametrize("folder", [False, True])
def test_what_is_no_text_is_one_error(tmp_path, monkeypatch, content, says, folder):
    monkeypatch.setattr(texts, "LARGEST", 100)
    if content is not None:
        (tmp_path / "text").write_bytes(content)
    elif folder:
        says = "is empty"
    name = str(tmp_path if folder else tmp_path / "text")
    with pytest.raises(InputError) as caught:
        read_text(name)
    error = caught.value
    where = str(tmp_path / "text") if "UTF-8" in says else name
    assert error.where == where and says in str(error) and error.remedy and len(str(error).splitlines()) == 2


def test_a_text_as_large_as_may_be_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(texts, "LARGEST", 100)
    (tmp_path / "text").write_bytes(b"x" * 100)
    assert read_text(str(tmp_path / "text")) == "x" * 100


def test_sentences_are_the_parts_of_a_text(encoder_folder):
    tokenizer = Tokenizer(encoder_folder)
    parts = ["a big bird came.", "Why not?", "go !", "a line of code", "the end"]
    text = "a big bird came. Why not?\tgo !\n\na line of code\n \nthe end"
    found = tokenizer.sentences(text)
    assert [list(each) for each in found] == [list(tokenizer.encode(part)) for part in parts]
    assert tokenizer.sentences(" \n ") == []
    whole = tokenizer.encode(text)
    assert whole.dtype == np.int64 and np.array_equal(np.concatenate(found), whole)


def test_tokens_are_words_without_marks_of_beginning_and_end(encoder_folder):
    tokenizer = Tokenizer(encoder_folder)
    tokens = tokenizer.encode("A bird, birdz")
    assert [tokenizer.decode(token) for token in tokens] == ["a", "bird", ",", "bird", "##z"]
    assert tokenizer.encode("").shape == (0,)
    assert len(tokenizer.encode("bird " * 2000)) == 2000  # a text is not cut to the encoder's window
    assert tokenizer.decode(10**6) == "?"


@pytest.mark.parametrize("content", [None, "", "{}", "no json"])
def test_a_tokenizer_that_is_none(tmp_path, content):
    if content is not None:
        (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(InputError, match="cannot be read") as caught:
        Tokenizer(tmp_path)
    assert caught.value.where == str(tmp_path / "tokenizer.json")


def test_a_tokenizer_without_its_package(encoder_folder, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tokenizers", None)
    with pytest.raises(BackendError, match="pip install"):
        Tokenizer(encoder_folder)
