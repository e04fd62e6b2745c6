"""Machine code is kept in a folder by the hash of its text, and everything runs where there is none."""

import ctypes
import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hmn_lava import cache
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.ir import Instruction, Program, Variable
from hmn_lava.simulator.compiled import jit
from hmn_lava.simulator.compiled.group import Form, generate, storage

WORD = Fixed(24)


def form(amount=1):
    """A state that grows by ``amount``, summed over rows."""
    program = Program(
        "grow",
        states=(Variable("s", Fixed(16), -(2**15), 2**15 - 1),),
        outputs=(Variable("y", WORD, -(2**23), 2**23 - 1),),
        instructions=(
            Instruction("add", "r", ("s", amount)),
            Instruction("store", None, ("s", "r")),
            Instruction("emit", None, ("y", "r")),
        ),
    )
    return Form(program, True, (), (), ())


def run(one):
    """Two rows of three synapses, one step."""
    text, slots = generate(one, jit.lanes())
    state, output = np.arange(6, dtype=np.int16), np.zeros((2, 2), np.int32)
    starts = np.array([0, 3, 6], np.int64)
    arrays = {"starts": starts, "state": state, "output": output}
    numbers = {"depth": 2, "output width": 2}
    table = np.array([numbers[s.role] if s.role in numbers else arrays[s.role].ctypes.data for s in slots], np.int64)
    function = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 6)(jit.address(text, "group"))
    function(table.ctypes.data, 0, 0, 0, 0, 2)
    return state.tolist(), output[0].tolist()


GROWN = ([1, 2, 3, 4, 5, 6], [6, 15])


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    """A cache folder of its own, and nothing kept in the process."""
    monkeypatch.setenv("HMN_LAVA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(jit, "_addresses", {})
    return tmp_path / "cache" / "kernels"


def compiles(monkeypatch):
    """Count how often LLVM compiles from here on."""
    counted = []
    compiler = jit._compiler()
    original = compiler.object
    monkeypatch.setattr(compiler, "object", lambda text: counted.append(text) or original(text))
    return counted


def test_the_folder_is_named_by_the_environment(monkeypatch):
    monkeypatch.setenv("HMN_LAVA_CACHE", "/some/where")
    monkeypatch.setenv("XDG_CACHE_HOME", "/else/where")
    assert cache.cache_folder() == Path("/some/where")
    monkeypatch.delenv("HMN_LAVA_CACHE")
    assert cache.cache_folder() == Path("/else/where/hmn-lava")
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", "/home/someone")
    assert cache.cache_folder() == Path("/home/someone/.cache/hmn-lava")


def test_machine_code_is_written_once_and_found_again(fresh, monkeypatch):
    counted = compiles(monkeypatch)
    assert run(form()) == GROWN
    (path,) = fresh.iterdir()
    assert fresh.stat().st_mode & 0o077 == 0, "others have no business there: what lies there is executed"
    assert run(form()) == GROWN
    monkeypatch.setattr(jit, "_addresses", {})  # as in another process
    assert run(form()) == GROWN
    assert len(counted) == 1
    assert list(fresh.iterdir()) == [path]


def test_another_program_is_another_file(fresh):
    run(form(1))
    run(form(2))
    assert len(list(fresh.iterdir())) == 2


def test_another_processor_is_another_file(fresh, monkeypatch):
    run(form())
    monkeypatch.setattr(jit, "_addresses", {})
    monkeypatch.setattr(jit._compiler(), "processor", "another")
    run(form())
    assert len(list(fresh.iterdir())) == 2


@pytest.mark.parametrize("damage", [b"", b"not machine code", None])
def test_a_damaged_file_is_compiled_anew(fresh, monkeypatch, damage):
    run(form())
    (path,) = fresh.iterdir()
    good = path.read_bytes()
    path.write_bytes(good[:-7] if damage is None else damage)
    monkeypatch.setattr(jit, "_addresses", {})
    assert run(form()) == GROWN
    assert path.read_bytes() == good


def test_what_cannot_be_linked_is_compiled_anew(fresh, monkeypatch):
    run(form())
    (path,) = fresh.iterdir()
    cache.write(path.name, b"no object file, though whole")
    monkeypatch.setattr(jit, "_addresses", {})
    assert run(form()) == GROWN
    monkeypatch.setattr(jit, "_addresses", {})
    counted = compiles(monkeypatch)
    assert run(form()) == GROWN
    assert not counted


def test_a_folder_that_cannot_be_made_is_done_without(fresh, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("HMN_LAVA_CACHE", str(tmp_path / "file"))
    assert run(form()) == GROWN
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_without_a_home_nothing_is_kept(fresh, monkeypatch):
    def homeless():
        raise RuntimeError("could not determine home directory")

    for name in ("HMN_LAVA_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    assert cache.cache_folder() is None
    assert run(form()) == GROWN


@pytest.mark.parametrize("call", ["replace", "fdopen"])
def test_a_full_disk_leaves_no_rest(fresh, monkeypatch, call):
    def full(*arguments):
        if call == "fdopen":
            os.close(arguments[0])
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(os, call, full)
    assert run(form()) == GROWN
    assert list(fresh.iterdir()) == []


def test_a_folder_to_which_others_may_write_is_not_used(fresh):
    fresh.mkdir(parents=True)
    fresh.chmod(0o777)
    assert run(form()) == GROWN
    assert list(fresh.iterdir()) == []


CHILD = """
import sys
sys.path.insert(0, sys.argv[1])
import test_machine_code as t
compiler = t.jit._compiler()
original, counted = compiler.object, []
compiler.object = lambda text: counted.append(text) or original(text)
assert t.run(t.form()) == t.GROWN
print(len(counted))
"""


def test_the_next_process_does_not_compile(fresh):
    def child():
        done = subprocess.run(
            [sys.executable, "-c", CHILD, str(Path(__file__).parent)], capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    assert child() == ["1"]
    assert child() == ["0"]


# ---------------------------------------------------------------------------------------------- the text


@pytest.mark.parametrize(
    ("format", "type"),
    [
        (Fixed(1), "int8"),
        (Fixed(8), "int8"),
        (Fixed(8, False), "uint8"),
        (Fixed(9), "int16"),
        (Fixed(16, False), "uint16"),
        (Fixed(17, False), "int32"),
        (Fixed(24), "int32"),
    ],
)
def test_states_are_kept_in_the_narrowest_type(format, type):
    assert storage(format) == type
    assert np.iinfo(type).min <= format.min and format.max <= np.iinfo(type).max


def test_a_state_that_no_type_holds_is_refused():
    with pytest.raises(ValueError, match="no storage"):
        storage(Fixed(33))


def test_no_name_of_a_program_reaches_the_text():
    """A bundle is untrusted; the text becomes machine code."""
    evil = "boom"
    program = Program(
        evil,
        states=(Variable(f"{evil}_state", WORD, 0, 1),),
        inputs=(Variable(f"{evil}_port", WORD, 0, 1),),
        constants=(Variable(f"{evil}_constant", WORD, 0, 1),),
        outputs=(Variable(f"{evil}_output", WORD, 0, 3),),
        instructions=(
            Instruction("add", f"{evil}_register", (f"{evil}_state", f"{evil}_port"), comment=evil),
            Instruction("add", f"{evil}_more", (f"{evil}_register", f"{evil}_constant")),
            Instruction("emit", None, (f"{evil}_output", f"{evil}_more")),
        ),
        comment=evil,
    )
    ports = ((f"{evil}_port", (("pre", True),)),)
    text, _ = generate(Form(program, True, ports, ((f"{evil}_constant", "each"),), ()), jit.lanes())
    assert evil not in text
