"""Machine code is kept in one folder, and everything runs where there is none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from numba import config

from hmn_lava.simulator import cache

RUN = """
import numpy as np
import hmn_lava as hl
net = hl.Network("net")
x, out = net.input("x", 2, range=(0, 1)), net.hmn("out", 2, activation="sigmoid")
net.connect(x, out, name="readout", weights=0.1, rates={"local": 0.05})
bundle = hl.compile(net.spec())
found = hl.compare(bundle, "interpreter", "fast", inputs={"x": np.full((5, 2), 0.5)})
assert found.equal and found.steps == 5
"""


def run(**environment):
    kept = {k: v for k, v in os.environ.items() if k not in ("NUMBA_CACHE_DIR", "HMN_LAVA_CACHE", "XDG_CACHE_HOME")}
    done = subprocess.run(
        [sys.executable, "-c", RUN], env=kept | environment, capture_output=True, text=True, timeout=240
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.heavy
def test_a_network_runs_where_nothing_can_be_kept(tmp_path):
    (tmp_path / "file").touch()
    run(HMN_LAVA_CACHE=str(tmp_path / "file"))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.heavy
def test_a_network_leaves_its_machine_code_in_the_folder(tmp_path):
    run(HMN_LAVA_CACHE=str(tmp_path / "new"))
    assert list((tmp_path / "new").rglob("machine.run_steps-*.nbi"))


@pytest.fixture
def environment(monkeypatch):
    for name in ("NUMBA_CACHE_DIR", "HMN_LAVA_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def add(a, b):
    return a + b


def test_without_a_home_there_is_no_folder(environment):
    def homeless():
        raise RuntimeError("could not determine home directory")

    environment.setattr(Path, "home", homeless)
    assert cache.cache_folder() is None
    assert cache.compiled(add)(2, 3) == 5


def test_a_folder_that_cannot_be_made_is_done_without(environment, tmp_path):
    (tmp_path / "file").touch()
    environment.setenv("HMN_LAVA_CACHE", str(tmp_path / "file"))
    assert cache.compiled(add)(2, 3) == 5
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_machine_code_is_kept_and_numba_left_as_it_was(environment, tmp_path):
    environment.setenv("HMN_LAVA_CACHE", str(tmp_path / "new"))
    before = config.CACHE_DIR
    function = cache.compiled(add)
    assert before == config.CACHE_DIR
    assert function(2, 3) == 5
    assert len(list((tmp_path / "new").rglob("*.nbi"))) == 1
    assert (tmp_path / "new").stat().st_mode & 0o077 == 0, "others have no business there: what lies there is executed"


def test_a_folder_chosen_for_numba_goes_first(environment, tmp_path):
    environment.setenv("HMN_LAVA_CACHE", str(tmp_path / "ours"))
    environment.setenv("NUMBA_CACHE_DIR", str(tmp_path / "numba"))
    cache.compiled(add)(2, 3)
    assert list((tmp_path / "numba").rglob("*.nbi"))
    assert not (tmp_path / "ours").exists()


def test_numba_finding_no_place_is_survived(environment, tmp_path):
    """As numba says it where no locator fits: for code that is in no file."""
    environment.setenv("HMN_LAVA_CACHE", str(tmp_path))
    space = {}
    exec("def twice(a):\n    return 2 * a\n", space)
    assert cache.compiled(space["twice"])(4) == 8
