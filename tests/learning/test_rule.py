"""The record of a learning rule: Lava's keywords, the checks, and the ways to make one."""

from __future__ import annotations

import math

import pytest

from hmn_lava.errors import InputError
from hmn_lava.learning import LearningRule


def test_the_keywords_are_lavas():
    rule = LearningRule.two_factor(
        dw="x0*y1", dt="y0*x1", x1_impulse=16, x1_tau=20, y1_impulse=8.5, y1_tau=30, t_epoch=4, rng_seed=1
    )
    assert rule.factors == 2 and not rule.supplied and rule.decimation is None
    assert [str(r) for r in rule.rules] == ["x0*y1", "y0*x1"] and [r.target for r in rule.rules] == ["dw", "dt"]
    three = LearningRule.three_factor(dd="u2*t", x1_tau=3)
    assert three.supplied and three.decimation == 2 and three.y1_tau == 65535 and three.y1_impulse == 0


def test_rules_are_made_of_mappings_and_of_lavas_objects():
    keywords = {"dw": "u1*y1", "x1_impulse": 5, "x1_tau": 7, "rng_seed": 3}
    assert LearningRule.of(keywords) == LearningRule.two_factor(**keywords)
    assert LearningRule.of({"factors": 3, **keywords}) == LearningRule.three_factor(**keywords)
    rule = LearningRule.three_factor(**keywords)
    assert LearningRule.of(rule) is rule

    class LoihiLearningRule:
        def __init__(self, made):
            for name in ("dw", "dd", "dt"):
                setattr(self, f"{name}_str", getattr(made, name))
            for name in (
                "t_epoch",
                "rng_seed",
                *(f"{t}_{w}" for t in ("x1", "x2", "y1", "y2", "y3") for w in ("impulse", "tau")),
            ):
                setattr(self, name, getattr(made, name))

    class Loihi3FLearningRule(LoihiLearningRule):
        pass

    assert LearningRule.of(Loihi3FLearningRule(rule)) == rule
    assert LearningRule.of(LoihiLearningRule(LearningRule.of(keywords))) == LearningRule.of(keywords)


WRONG = [
    ({}, "changes something"),
    ({"dw": "x0", "dt": ""}, "dt: character 1: the rule is empty"),
    ({"dw": "u1", "dt": "u2*t"}, "one decimation"),
    ({"dw": 3}, "a rule is a text"),
    ({"dw": "x0", "x1_impulse": 128}, "x1_impulse: an impulse goes from 0 to 127"),
    ({"dw": "x0", "x1_impulse": -1}, "x1_impulse"),
    ({"dw": "x0", "y3_impulse": math.nan}, "y3_impulse"),
    ({"dw": "x0", "x2_impulse": "5"}, "x2_impulse"),
    ({"dw": "x0", "y1_tau": -3}, "y1_tau: a time constant"),
    ({"dw": "x0", "x1_tau": math.inf}, "x1_tau"),
    ({"dw": "x0", "t_epoch": 0}, "t_epoch: an epoch has 1 to 63 steps"),
    ({"dw": "x0", "t_epoch": 64}, "t_epoch"),
    ({"dw": "x0", "t_epoch": 2.0}, "t_epoch"),
    ({"dw": "x0", "t_epoch": True}, "t_epoch"),
    ({"dw": "x0", "rng_seed": -1}, "rng_seed"),
    ({"dw": "x0", "rng_seed": "a"}, "rng_seed"),
    ({"dw": "x0", "x3_tau": 2}, "x3_tau"),
    ({"factors": 3, "dw": "x0", "y1_tau": 2}, "y1_tau"),
    ("dw=x0", "no learning rule"),
    (None, "no learning rule"),
]


@pytest.mark.parametrize(("given", "problem"), WRONG, ids=str)
def test_wrong_rules_are_one_clear_error(given, problem):
    with pytest.raises(InputError) as caught:
        LearningRule.of(given)
    assert problem in str(caught.value) and caught.value.remedy


def test_a_rule_has_two_or_three_factors():
    with pytest.raises(InputError, match="two or three"):
        LearningRule(4, dw="x0")  # type: ignore[arg-type]
