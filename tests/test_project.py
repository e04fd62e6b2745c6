"""The project's own files agree with each other."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PYPROJECT = (ROOT / "pyproject.toml").read_text()
PARTS = ("compiler", "meta", "cli", "processes", "hardware_profiles")


def test_every_package_is_listed_and_so_gets_into_the_wheel():
    found = {
        ".".join(file.parent.relative_to(ROOT).parts)
        for part in ("hmn_lava", *PARTS)
        for file in (ROOT / part).rglob("__init__.py")
    }
    packages = {name if name.startswith("hmn_lava") else f"hmn_lava.{name}" for name in found}
    listed = re.search(r"^packages = \[(.*?)\]", PYPROJECT, re.DOTALL | re.MULTILINE)
    assert listed is not None
    assert set(re.findall(r'"([^"]+)"', listed[1])) == packages


def test_what_is_required_is_pinned():
    """The Makefile installs the requirements and these extras; each has to be the same in every install."""
    pinned = {re.split(r"[=; ]", line)[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines()}
    sections = [
        r"^dependencies = \[(.*?)^\]",
        *(rf"^{extra} = \[(.*?)\]$" for extra in ("tasks", "report", "sweep", "control", "docs", "dev")),
    ]
    for section in sections:
        block = re.search(section, PYPROJECT, re.DOTALL | re.MULTILINE)
        assert block is not None, section
        names = re.findall(r'"([A-Za-z0-9_-]+)', block[1])
        assert names
        assert [name for name in names if name.lower() not in pinned] == []


def test_the_core_does_not_reach_out():
    """hmn_lava/ imports no Lava, and none of the packages beside it, but for the lazy public face."""
    outside = re.compile(r"(lava|hmn_lava\.(compiler|meta|cli|processes))(\.|$)")
    for file in (ROOT / "hmn_lava").rglob("*.py"):
        if file != ROOT / "hmn_lava" / "__init__.py":
            nodes = list(ast.walk(ast.parse(file.read_text())))
            names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
            names += [str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)]
            assert [name for name in names if outside.match(name)] == [], file
