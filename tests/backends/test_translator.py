"""Plug-ins that translate microcode: how they are found, and what becomes of a bad one."""

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from hmn_lava.backends import translator
from hmn_lava.errors import BackendError, InputError
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.ir import Instruction, Program, Variable
from hmn_lava.microcode.text import to_text

sys.path.insert(0, str(Path(__file__).parent))
from extension_double import environment, in_child, needs_lava

WORD = Fixed(24)
PROGRAM = Program(
    "leak",
    states=(Variable("v", WORD, WORD.min, WORD.max),),
    constants=(Variable("rate", WORD, 0, 100),),
    instructions=(Instruction("mul", "r0", ("v", "rate", 12)), Instruction("store", None, ("v", "r0"))),
)


class Listing:
    """A translator that writes our own text."""

    name = "listing"

    def translate(self, program, folder):
        path = folder / f"{program.name}.txt"
        path.write_text(to_text(program))
        return path


class Renaming(Listing):
    name = "renaming"

    def constants(self, program, values):
        return {f"{program.name}_{name}": value for name, value in values.items()}


class Failing(Listing):
    def translate(self, program, folder):
        raise ZeroDivisionError("no such opcode")

    def constants(self, program, values):
        return {"rate": "much"}


class Forgetful(Listing):
    def translate(self, program, folder):
        return folder / "nothing"


class NoTranslator:
    name = "none"


class Unloadable(Listing):
    def __init__(self):
        raise RuntimeError("no licence")


LISTING = Listing()


@pytest.fixture
def install(monkeypatch):
    """Pretend that packages provide translators: names and what is in this module."""
    module = sys.modules[__name__]
    monkeypatch.setitem(sys.modules, "a_translator", module)

    def entry_points(**found):
        points = tuple(EntryPoint(name, f"a_translator:{what}", translator.GROUP) for name, what in found.items())
        monkeypatch.setattr(translator, "entry_points", lambda group: points if group == translator.GROUP else ())

    return entry_points


def test_none_is_shipped():
    assert translator.translator_names() == []
    with pytest.raises(BackendError) as caught:
        translator.find_translator()
    message = str(caught.value)
    assert translator.GROUP in message
    assert "hmn_lava.backends.translator" in message
    assert "\n" not in message


@pytest.mark.parametrize("what", ["Listing", "LISTING"])
def test_a_class_or_an_object_is_found_and_used(install, what, tmp_path):
    install(listing=what)
    assert translator.translator_names() == ["listing"]
    found = translator.find_translator()
    assert isinstance(found, translator.Translator)
    path = translator.translate(found, PROGRAM, tmp_path)
    assert path.read_text() == to_text(PROGRAM)
    assert translator.constants(found, PROGRAM, {"rate": 7}) == {"rate": 7}


def test_of_several_one_is_chosen_by_name(install):
    install(listing="Listing", renaming="Renaming")
    with pytest.raises(InputError, match="several translators are installed") as caught:
        translator.find_translator()
    assert caught.value.remedy == "choose one with --translator: listing, renaming"
    found = translator.find_translator("renaming")
    assert translator.constants(found, PROGRAM, {"rate": 7}) == {"leak_rate": 7}
    with pytest.raises(InputError, match="no such translator") as caught:
        translator.find_translator("theirs")
    assert (caught.value.value, caught.value.remedy) == ("theirs", "one of: listing, renaming")


def test_one_name_from_two_packages_is_not_chosen_between(monkeypatch):
    points = tuple(EntryPoint("inrc", f"{package}:Translator", translator.GROUP) for package in ("a", "b"))
    monkeypatch.setattr(translator, "entry_points", lambda group: points)
    with pytest.raises(InputError, match="several packages provide it") as caught:
        translator.find_translator("inrc")
    assert "a:Translator, b:Translator" in caught.value.remedy


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("Listing", "calls itself 'listing'"),
        ("NoTranslator", "has no name and method translate"),
        ("WORD", "has no name and method translate"),
        ("Unloadable", "RuntimeError: no licence"),
        ("Missing", "cannot be loaded from a_translator:Missing"),
    ],
)
def test_what_is_no_translator_is_told(install, what, reason):
    install(inrc=what)
    with pytest.raises(BackendError, match="'inrc'") as caught:
        translator.find_translator()
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "reason"), [(Failing, "ZeroDivisionError: no such opcode"), (Forgetful, "which is no file")]
)
def test_a_translator_that_fails_is_told(kind, reason, tmp_path):
    with pytest.raises(BackendError, match="'listing'") as caught:
        translator.translate(kind(), PROGRAM, tmp_path)
    assert reason in str(caught.value)
    assert "leak" in str(caught.value)


def test_constants_are_whole_numbers():
    with pytest.raises(BackendError, match="no whole numbers"):
        translator.constants(Failing(), PROGRAM, {"rate": 7})


@needs_lava
def test_a_translated_program_is_what_the_net_object_is_given(install, tmp_path):
    """With the double's net object, by the public call pattern."""
    install(listing="Listing")
    path = translator.translate(translator.find_translator(), PROGRAM, tmp_path)
    code = (
        "import json; from extension_calls import CALLS; from lava.magma.core.model.nc.net import NetL2;"
        f"net = NetL2(); net.neurons_cfg.allocate_ucode(shape=(1,), ucode={str(path)!r}, rate=7);"
        "net.neurons.allocate_ucode(shape=(4,), v=0); print(json.dumps(CALLS))"
    )
    first, second = in_child(code, environment())
    assert first == ["neurons_cfg.allocate_ucode", {"shape": [1], "ucode": str(path), "values": {"rate": 7}}]
    assert second[1]["values"] == {"v": 0}
