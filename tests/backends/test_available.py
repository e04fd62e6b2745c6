"""What of Lava is found, without importing any of it."""

import subprocess
import sys
from pathlib import Path

import pytest

from hmn_lava.backends import available
from hmn_lava.errors import BackendError

sys.path.insert(0, str(Path(__file__).parent))
from extension_double import environment, in_child, needs_lava

PYTHON_OF_LAVA = (*available.LAVA_PYTHON, 13, "final", 0)


@pytest.fixture
def lava(tmp_path, monkeypatch):
    """Put a package on the path that looks like Lava and must not be imported."""
    package = tmp_path / "lava"
    (package / "magma").mkdir(parents=True)
    (package / "utils").mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('Lava must not be imported')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "lava", raising=False)
    monkeypatch.setattr(sys, "version_info", PYTHON_OF_LAVA)
    return package


@pytest.fixture
def no_lava(monkeypatch):
    """Have no package that is called lava."""
    monkeypatch.setattr(available, "find_spec", lambda _: None)


def test_lava_is_found_on_the_python_that_it_works_on(lava, monkeypatch):
    assert available.lava_folders() == [lava]
    assert available.has_lava()
    available.require_lava()
    monkeypatch.setattr(sys, "version_info", (3, 12, 1, "final", 0))
    assert not available.has_lava()
    with pytest.raises(BackendError, match=r"'lava' needs Python 3\.10, .* this is 3\.12; nothing was run\.$"):
        available.require_lava()


def test_another_package_of_that_name_is_not_taken_for_lava(lava):
    (lava / "magma").rmdir()
    assert available.lava_folders() == []
    assert available.lava_version() is None
    assert not available.has_extension()


def test_the_extension_is_the_module_by_which_lava_finds_it(lava):
    (lava / "utils" / "loihi2_profiler_api.py").touch()
    (lava / "magma" / "core" / "model" / "nc").mkdir(parents=True)
    assert not available.has_extension()
    with pytest.raises(BackendError, match=r"needs lava-loihi, .* is not installed: .*; nothing was run"):
        available.require_board()
    (lava / "utils" / "loihi2_profiler.py").touch()
    assert available.has_extension()
    available.require_board()


def test_lava_dl_is_found_by_its_folder(lava):
    assert not available.has_lava_dl()
    (lava / "lib" / "dl").mkdir(parents=True)
    assert available.has_lava_dl()


@pytest.mark.parametrize(("require", "backend"), [(available.require_lava, "lava"), (available.require_board, "board")])
def test_without_lava_one_sentence_says_what_to_install(no_lava, require, backend):
    with pytest.raises(BackendError) as caught:
        require()
    message = str(caught.value)
    assert caught.value.exit_code == 4
    assert f"'{backend}'" in message
    assert "pip install lava-nc==0.10.0" in message
    assert message.endswith("; nothing was run.")
    assert "\n" not in message


def test_slurm_is_found_on_the_path(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert available.slurm() is None
    (tmp_path / "sinfo").write_text("#!/bin/sh\n")
    (tmp_path / "sinfo").chmod(0o755)
    assert available.slurm() == str(tmp_path / "sinfo")


def test_nothing_is_imported():
    code = (
        "import sys; from hmn_lava.backends import available as a;"
        "a.has_lava(), a.has_extension(), a.has_lava_dl(), a.lava_version(), a.slurm();"
        "sys.exit('lava' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@needs_lava
def test_it_agrees_with_lava_itself():
    """With the double over the installed Lava, and without it."""
    code = (
        "import json; from hmn_lava.backends.available import has_lava, has_extension;"
        "from lava.utils.loihi import is_installed; print(json.dumps([has_lava(), has_extension(), is_installed()]))"
    )
    assert in_child(code, environment()) == [True, True, True]
    assert in_child(code, environment(double=False)) == [True, False, False]
