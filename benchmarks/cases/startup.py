"""How long it takes until something happens: commands and new rules, with an empty cache and with a warm one.

Every time is that of a new process, from its start to its end, Python's own start included. ``simulator alone`` is the
part from the network's records to the first step done.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.child import Job
from benchmarks.contest import ROOT
from benchmarks.options import Options
from benchmarks.results import CaseResult
from benchmarks.work import Work
from benchmarks.work.engine import EngineWork
from benchmarks.work.hmn import HmnWork
from benchmarks.work.rules import RULES

NAME = "startup"
ABOUT = "hmn-lava --help, a small run, a new rule: with an empty cache and with a warm one"

SIZE, STEPS = 256, 20
RULE = "three-factor"
SIBLING = {"dt": "2^-2*y0*x1 - 2^-1*x0*y1 - 2^-6*u0*t"}
"""What makes another rule of it, never seen before where the cache is warm of the first."""

HMN_LAVA = (sys.executable, "-m", "hmn_lava.cli")
FIRST_STEP = (sys.executable, "-m", "benchmarks.peers.first_step")


def run(options: Options) -> CaseResult:
    result = CaseResult(NAME)
    with tempfile.TemporaryDirectory(prefix="hmn-lava-bench-") as name:
        folder = Path(name)
        spec, bundle = folder / "small.yaml", folder / "small.bundle"
        for arguments in (("init", spec, "--template", "digits"), ("compile", spec, "-o", bundle)):
            _run([*HMN_LAVA, *map(str, arguments)], folder / "other")
        _rows("hmn-lava --help", [*HMN_LAVA, "--help"], folder, options, result)
        _rows("hmn-lava run, digits", [*HMN_LAVA, "run", str(bundle), "--steps", "100"], folder, options, result)
        size = (options.sizes or (SIZE,))[0]
        rule = EngineWork(RULE, RULES[RULE], size, size, 0.02, STEPS)
        sibling = replace(rule, keywords={**rule.keywords, **SIBLING})
        _ready(f"a rule of the engine, {size} x {size}", rule, sibling, folder, options, result)
        hmn = HmnWork(size, size, 0.02, STEPS)
        _ready(f"the HMN rule, {size} x {size}", hmn, replace(hmn, attention=False), folder, options, result)
    return result


def _rows(what: str, command: list[str], folder: Path, options: Options, result: CaseResult) -> None:
    """A command with an empty cache (a new one each time), then with the last of them."""
    options.say(f"{NAME}: {what}")
    empty = [_run(command, folder / f"{what}-{n}".replace(" ", "_")) for n in range(options.rounds)]
    last = folder / f"{what}-{options.rounds - 1}".replace(" ", "_")
    warm = [_run(command, last) for _ in range(options.rounds)]
    result.facts += [_fact(what, "empty", empty), _fact(what, "warm", warm)]


def _ready(what: str, work: Work, sibling: Work, folder: Path, options: Options, result: CaseResult) -> None:
    """The first step of a work, with an empty and a warm cache, and of another with the cache of the first."""
    command = [*FIRST_STEP, str(_job(work, folder))]
    _rows(what, command, folder, options, result)
    last = folder / f"{what}-{options.rounds - 1}".replace(" ", "_")
    result.facts.append(
        _fact(f"{what}, another rule", "warm of the first", [_run([*FIRST_STEP, str(_job(sibling, folder))], last)])
    )


def _job(work: Work, folder: Path) -> Path:
    place = folder / f"job-{len(list(folder.iterdir()))}"
    Job({**work.settings(), "threads": 1}, {}, place).write()
    return place


def _run(command: list[str], cache: Path) -> tuple[float, dict[str, Any]]:
    """Seconds of a command, and what it says where that is one JSON object."""
    environment = {**os.environ, "HMN_LAVA_CACHE": str(cache), "PYTHONPATH": str(ROOT)}
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=cache.parent)
    taken = time.perf_counter() - started
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {(done.stdout + done.stderr)[-500:]}")
    said = done.stdout.strip()
    return taken, json.loads(said) if said.startswith("{") else {}


def _fact(what: str, cache: str, runs: list[tuple[float, dict[str, Any]]]) -> dict[str, Any]:
    alone = [said["seconds"] for _, said in runs if "seconds" in said]
    return {
        "what": what,
        "cache": cache,
        "seconds": statistics.median(taken for taken, _ in runs),
        "simulator alone": statistics.median(alone) if alone else None,
    }
