"""The on-chip learning engine: rules of sums of products, and an integer model of what the hardware makes of them.

::

    from hmn_lava.learning import LearningRule, simulate

    rule = LearningRule.two_factor(dw="2^-2*x1*y0 - 2^-2*y1*x0", x1_impulse=64, x1_tau=20, y1_impulse=64, y1_tau=20)
    history = simulate(rule, pre, post, weights=weights)
    history.weights  # (steps, n_post, n_pre)
"""

from hmn_lava.learning.connection import LearningConnection
from hmn_lava.learning.engine import LAVA, Engine, Levels
from hmn_lava.learning.parser import parse_float_rule, parse_rule
from hmn_lava.learning.products import down_scaling
from hmn_lava.learning.records import Factor, FloatProduct, FloatRule, Product, Rule
from hmn_lava.learning.rounding import ElementRounding, LavaRounding, Rounding, decay_factor
from hmn_lava.learning.rule import LearningRule
from hmn_lava.learning.simulate import LearningHistory, simulate

Loihi2FLearningRule = LearningRule.two_factor
Loihi3FLearningRule = LearningRule.three_factor

__all__ = [
    "LAVA",
    "ElementRounding",
    "Engine",
    "Factor",
    "FloatProduct",
    "FloatRule",
    "LavaRounding",
    "LearningConnection",
    "LearningHistory",
    "LearningRule",
    "Levels",
    "Loihi2FLearningRule",
    "Loihi3FLearningRule",
    "Product",
    "Rounding",
    "Rule",
    "decay_factor",
    "down_scaling",
    "parse_float_rule",
    "parse_rule",
    "simulate",
]
