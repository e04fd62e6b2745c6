"""Compiled kernels are kept in a folder by the hash of their text, and do without a folder where there is none."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hmn_lava.fixed import Fixed
from hmn_lava.microcode.ir import Instruction, Program, Variable
from hmn_lava.simulator import kernels
from hmn_lava.simulator.codegen import Form, generate, storage

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


def run(function, arguments):
    """Two rows of three synapses, one step."""
    state, output = np.arange(6, dtype=np.int16), np.zeros((2, 2), np.int64)
    values = {"starts": np.array([0, 3, 6]), "state": state, "output": output}
    function(0, 0, 2, *(values[a.role] for a in arguments))
    return state.tolist(), output[0].tolist()


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    """A cache folder of its own, and nothing kept in the process."""
    monkeypatch.setenv("HMN_LAVA_CACHE", str(tmp_path / "cache"))
    for kept in (kernels.kernel, kernels._module):
        kept.cache_clear()
    yield tmp_path / "cache" / "kernels"
    for kept in (kernels.kernel, kernels._module):
        kept.cache_clear()


def sources(folder):
    return sorted(folder.glob("kernel_*.py"))


def test_the_folder_is_named_by_the_environment(monkeypatch):
    monkeypatch.setenv("HMN_LAVA_CACHE", "/some/where")
    monkeypatch.setenv("XDG_CACHE_HOME", "/else/where")
    assert kernels.cache_folder() == Path("/some/where")
    monkeypatch.delenv("HMN_LAVA_CACHE")
    assert kernels.cache_folder() == Path("/else/where/hmn-lava")
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", "/home/someone")
    assert kernels.cache_folder() == Path("/home/someone/.cache/hmn-lava")


def test_a_kernel_is_written_once_and_found_again(fresh):
    function, arguments = kernels.kernel(form())
    assert run(function, arguments) == ([1, 2, 3, 4, 5, 6], [6, 15])
    (path,) = sources(fresh)
    assert path.read_text() == generate(form())[0]
    assert not list(fresh.glob("*.tmp"))
    assert fresh.stat().st_mode & 0o077 == 0, "others have no business there: what lies there is executed"
    before = path.stat().st_mtime_ns
    assert kernels.kernel(form())[0] is function
    kernels.kernel.cache_clear()
    kernels._module.cache_clear()
    assert run(*kernels.kernel(form())) == ([1, 2, 3, 4, 5, 6], [6, 15])
    assert path.stat().st_mtime_ns == before
    assert len(list(fresh.rglob("*.nbi"))) == 1, "numba keeps its machine code beside it"


def test_another_program_is_another_file(fresh):
    kernels.kernel(form(1))
    kernels.kernel(form(2))
    first, second = sources(fresh)
    assert first.read_text() != second.read_text()


def test_a_file_that_was_tampered_with_is_written_anew(fresh):
    kernels.kernel(form())
    (path,) = sources(fresh)
    path.write_text("raise SystemExit('not ours')\n")
    kernels.kernel.cache_clear()
    kernels._module.cache_clear()
    assert run(*kernels.kernel(form())) == ([1, 2, 3, 4, 5, 6], [6, 15])
    assert path.read_text() == generate(form())[0]


def test_without_a_folder_it_is_compiled_in_memory(fresh, monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    monkeypatch.setenv("HMN_LAVA_CACHE", str(blocked))
    assert run(*kernels.kernel(form())) == ([1, 2, 3, 4, 5, 6], [6, 15])
    assert not fresh.exists()


def test_without_a_place_for_machine_code_it_is_compiled_in_memory(fresh, monkeypatch):
    from numba.core.caching import CacheImpl

    kernels.kernel(form())
    kernels.kernel.cache_clear()
    kernels._module.cache_clear()
    monkeypatch.setattr(CacheImpl, "_locator_classes", [])
    assert run(*kernels.kernel(form())) == ([1, 2, 3, 4, 5, 6], [6, 15])


def test_without_a_home_it_is_compiled_in_memory(fresh, monkeypatch):
    monkeypatch.setattr(kernels, "cache_folder", lambda: None)
    assert run(*kernels.kernel(form())) == ([1, 2, 3, 4, 5, 6], [6, 15])
    assert not fresh.exists()


def test_a_full_disk_leaves_no_rest_and_compiles_in_memory(fresh, monkeypatch):
    def full(*_args):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert run(*kernels.kernel(form())) == ([1, 2, 3, 4, 5, 6], [6, 15])
    assert list(fresh.iterdir()) == []


CHILD = """
import sys
sys.path.insert(0, sys.argv[1])
import test_kernels_cache as t
function, arguments = t.kernels.kernel(t.form())
assert t.run(function, arguments) == ([1, 2, 3, 4, 5, 6], [6, 15])
print(sum(function.stats.cache_hits.values()), sum(function.stats.cache_misses.values()))
"""


def test_the_next_process_does_not_compile(fresh):
    def child():
        done = subprocess.run(
            [sys.executable, "-c", CHILD, str(Path(__file__).parent)], capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    assert child() == ["0", "1"]
    assert child() == ["1", "0"]


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
    """A bundle is untrusted; the text is executed."""
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
    source, _ = generate(
        Form(program, True, ((f"{evil}_port", (("pre", True),)),), ((f"{evil}_constant", "each"),), ())
    )
    assert evil not in source
