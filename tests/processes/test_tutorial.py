"""The tutorial's code runs, and prints what the tutorial shows."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "tutorial_lava.md"


@pytest.mark.skipif(importlib.util.find_spec("lava") is None, reason="lava-nc is not installed (it needs Python 3.10)")
def test_the_tutorial_prints_what_it_shows(tmp_path: Path) -> None:
    page, _, _ = PAGE.read_text().partition("## What to change next")
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (shown,) = re.findall(r"prints\n\n```\n(.*?)```", page, re.DOTALL)
    script = tmp_path / "tutorial.py"
    script.write_text("\n".join(blocks))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(script)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == shown
