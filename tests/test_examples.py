"""Every example runs, and says what it promises."""

import importlib.util
import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def output_of(name, capsys):
    runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    return capsys.readouterr().out


def test_no_example_is_left_out():
    assert {file.stem for file in EXAMPLES.glob("*.py")} == {
        "demo",
        "first_network",
        "look_inside",
        "closed_loop",
        "language",
        "mpsl",
    }


def test_first_network(capsys):
    text = output_of("first_network", capsys)
    assert len(set(re.findall(r"step +\d+: mean weight ([\d.-]+)", text))) == 5
    assert re.search(r"^post\.z +largest error \d", text, re.MULTILINE)


def test_look_inside(capsys):
    text = output_of("look_inside", capsys)
    assert "connections.readout.traces.tau_fast" in text
    up, down = re.search(r"rose by up to ([\d.]+); those of the others fell by up to ([\d.]+)", text).groups()
    assert float(up) > 0.01
    assert float(down) > 0.01


def test_closed_loop(capsys):
    shares = [float(share) for share in re.findall(r"([\d.]+) rewarded", output_of("closed_loop", capsys))]
    assert len(shares) == 6
    assert shares[0] < 0.75
    assert shares[-1] > 0.9


def test_the_demo_in_short(capsys, monkeypatch, tmp_path):
    """The demo on 300 images: the table, the picture, and integers that follow the float model."""
    pytest.importorskip("sklearn")
    pytest.importorskip("matplotlib")
    spec = importlib.util.spec_from_file_location("demo", EXAMPLES / "demo.py")
    demo = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "demo", demo)  # dataclasses look themselves up
    spec.loader.exec_module(demo)
    lessons, test = demo.digits.split(0, epochs=1)
    monkeypatch.setattr(demo.digits, "split", lambda seed: ([lessons[0][np.arange(300)]], test))
    monkeypatch.chdir(tmp_path)
    demo.main()
    text = capsys.readouterr().out
    integers, exact = (float(n) for n in re.search(r"test accuracy +([\d.]+) +([\d.]+)", text).groups())
    assert integers > 0.6
    assert abs(integers - exact) <= 0.02
    assert float(re.search(r"cosine similarity ([\d.]+)", text)[1]) > 0.995
    assert (tmp_path / "demo-output" / "digits.png").read_bytes().startswith(b"\x89PNG")
