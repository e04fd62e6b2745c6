"""The exported code makes the same rule in Lava."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from cases import random_case
from lava_oracle import needs_lava

from hmn_lava.learning import LearningRule, canonical, fit_rule, lava_code, lava_keywords, read_rule

# In a child, for Lava has to be imported first in its process.
READ_BACK = """
import json, sys
import lava.magma.core.learning.learning_rule
from dataclasses import asdict
from hmn_lava.learning import LearningRule
found = []
for code in json.load(sys.stdin):
    made = {}
    exec(compile(code, "exported.py", "exec"), made)
    rule = asdict(LearningRule.of(made["learning_rule"]))
    rule.pop("rules")
    found.append(rule)
print(json.dumps(found))
"""


def plain(rule):
    values = asdict(rule)
    values.pop("rules")
    return values


def rules():
    fitted = fit_rule(
        dt="x1*y0 - 0.5*x0*y1", dw="0.02*u0*d*y2", dd="0.01*u0*t - 0.01*u0*d", leaks={"t": 100}, factors=3,
        traces={"x1": (1.0, 20.5)},
    )  # fmt: skip
    found = [fitted.rule, read_rule(dw=" 2^-7 *u7*y1* x1", x1_impulse=1.5, x1_tau=240)]
    for seed in range(40):
        case = random_case(seed)
        found.append(LearningRule.of({"factors": case["factors"], **case["rule"]}))
    return [canonical(rule) for rule in found]


@needs_lava
def test_executed_in_lava_the_code_gives_an_equal_rule():
    expected = rules()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", READ_BACK],
        input=json.dumps([lava_code(rule, ("Units: none.",)) for rule in expected]),
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    assert json.loads(done.stdout) == [plain(rule) for rule in expected]


def test_the_keywords_make_the_rule():
    for rule in rules():
        assert LearningRule.of({"factors": rule.factors, **lava_keywords(rule)}) == rule


def test_comments_stay_comments():
    code = lava_code(read_rule(dw="x0"), ("one\ntwo", "x = 1"))
    assert "\n# one\n# two\n# x = 1\nlearning_rule = " in code


def test_three_factors_say_who_supplies_the_traces():
    code = lava_code(LearningRule.three_factor(dw="x0*y1"))
    assert "Loihi3FLearningRule(" in code and "supplies y1, y2 and y3" in code and "y1_tau" not in code


@pytest.mark.parametrize("seed", [None, 5])
def test_the_seed_is_always_written(seed):
    assert lava_keywords(read_rule(dw="x0", rng_seed=seed))["rng_seed"] == (seed or 0)
