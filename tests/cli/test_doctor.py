"""`hmn-lava doctor`."""

import json
import subprocess
import sys

import pytest

from hmn_lava.cli import doctor, main


@pytest.fixture
def fake_lava(tmp_path, monkeypatch):
    """Put a package on the path that looks like Lava and must not be imported."""
    package = tmp_path / "lava"
    (package / "magma").mkdir(parents=True)
    (package / "utils").mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('doctor must not import Lava')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "lava", raising=False)
    return package


def _items():
    return {item.name: item for item in doctor.examine()}


def test_report_as_json(capsys):
    assert main.run(["doctor", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["json_version"], document["command"], document["healthy"]) == (1, "doctor", True)
    found = {item["name"]: item for item in document["items"]}
    for name in ("Python", "numpy", "pydantic", "llvmlite"):
        assert (found[name]["state"], found[name]["required"]) == ("ok", True)
    optional = ("cache folder", "lava-nc", "lava-dl", "lava-loihi", "SLURM", "board", "microcode translators")
    for name in (*optional, "torch", "nir"):
        assert found[name]["required"] is False
    assert "threads" in found["llvmlite"]["found"]


def test_report_as_a_table(capsys):
    assert main.run(["doctor"]) == 0
    shown = capsys.readouterr()
    for name in _items():
        assert name in shown.out
    assert shown.err == ""


def test_lava_is_found_and_not_imported(fake_lava, monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 13, "final", 0))
    assert _items()["lava-nc"].state == "ok"
    monkeypatch.setattr(sys, "version_info", (3, 12, 1, "final", 0))
    assert _items()["lava-nc"].state == "problem"


def test_the_board_extension_is_found_by_its_files(fake_lava):
    assert _items()["lava-loihi"].state == "missing"
    (fake_lava / "utils" / "loihi2_profiler.py").touch()
    assert _items()["lava-loihi"].state == "ok"
    assert _items()["lava-dl"].state == "missing"
    (fake_lava / "lib" / "dl").mkdir(parents=True)
    assert _items()["lava-dl"].state == "ok"


def test_the_board_that_the_environment_names_is_told_and_not_contacted(monkeypatch, tmp_path):
    for name in ("SLURM", "NOSLURM", "LOIHI_GEN", "BOARD", "PARTITION", "NXSDKHOST", "HOST_BINARY"):
        monkeypatch.delenv(name, raising=False)
    contacted = tmp_path / "contacted"
    (tmp_path / "sinfo").write_text(f"#!/bin/sh\ntouch {contacted}\n")
    (tmp_path / "sinfo").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert _items()["board"].state == "missing"
    assert "sinfo lists" in _items()["board"].found
    monkeypatch.setenv("SLURM", "1")
    monkeypatch.setenv("PARTITION", "oheogulch")
    item = _items()["board"]
    assert (item.state, item.found) == ("ok", "slurm:partition=oheogulch, as the environment says; not contacted")
    monkeypatch.setenv("BOARD", "ncl-1")
    assert _items()["board"].state == "problem"
    assert not contacted.exists()


def test_microcode_translators_are_listed(monkeypatch):
    assert _items()["microcode translators"].state == "missing"
    monkeypatch.setattr(doctor, "translator_names", lambda: ["inrc", "mine"])
    item = _items()["microcode translators"]
    assert (item.state, item.found) == ("ok", "inrc, mine")


def test_doctor_imports_no_lava():
    code = (
        "import sys; from hmn_lava.cli import doctor; doctor.examine();"
        "sys.exit(f'imported {sys.modules.keys()}' if 'lava' in sys.modules or 'torch' in sys.modules else 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_something_required_that_is_missing_fails(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "_llvm", lambda: doctor.Item("llvmlite", "missing", "not here", "speed", required=True))
    assert main.run(["doctor", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["healthy"] is False


def test_a_cache_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("HMN_LAVA_CACHE", str(tmp_path / "new"))
    assert (_items()["cache folder"].state, _items()["cache folder"].found) == ("ok", str(tmp_path / "new"))
    assert not (tmp_path / "new").exists()
    (tmp_path / "file").touch()
    monkeypatch.setenv("HMN_LAVA_CACHE", str(tmp_path / "file" / "cache"))
    assert _items()["cache folder"].state == "problem"
    assert "set HMN_LAVA_CACHE" in _items()["cache folder"].found
