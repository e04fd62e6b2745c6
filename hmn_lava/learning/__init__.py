"""The on-chip learning engine: rules of sums of products, and an integer model of what the hardware makes of them.

::

    from hmn_lava.learning import LearningRule, simulate

    rule = LearningRule.two_factor(dw="2^-2*x1*y0 - 2^-2*y1*x0", x1_impulse=64, x1_tau=20, y1_impulse=64, y1_tau=20)
    history = simulate(rule, pre, post, weights=weights)
    history.weights  # (steps, n_post, n_pre)
"""

from hmn_lava.learning.checks import check_rule
from hmn_lava.learning.coefficients import CoefficientRange
from hmn_lava.learning.connection import LearningConnection
from hmn_lava.learning.engine import LAVA, Engine, Levels
from hmn_lava.learning.explain import Explanation, ProductExplanation, VariableExplanation, algebra, explain_rule
from hmn_lava.learning.export import canonical, lava_code, lava_keywords
from hmn_lava.learning.fit import FittedRule, fit_rule
from hmn_lava.learning.fit_report import ReportRow
from hmn_lava.learning.ideal import IdealRule, ideal_run
from hmn_lava.learning.parser import parse_float_rule, parse_rule
from hmn_lava.learning.products import down_scaling
from hmn_lava.learning.reading import is_real, read_rule, split_rule
from hmn_lava.learning.records import Factor, FloatProduct, FloatRule, Product, Rule
from hmn_lava.learning.report import RuleReport, report_rule
from hmn_lava.learning.request import RuleRequest, sign_mode_of
from hmn_lava.learning.rounding import ElementRounding, LavaRounding, Rounding, decay_factor
from hmn_lava.learning.rule import LearningRule
from hmn_lava.learning.search import Scale
from hmn_lava.learning.simulate import LearningHistory, simulate
from hmn_lava.learning.window import UpdateWindow, plot_window, update_window

Loihi2FLearningRule = LearningRule.two_factor
Loihi3FLearningRule = LearningRule.three_factor

__all__ = [
    "LAVA",
    "CoefficientRange",
    "ElementRounding",
    "Engine",
    "Explanation",
    "Factor",
    "FittedRule",
    "FloatProduct",
    "FloatRule",
    "IdealRule",
    "LavaRounding",
    "LearningConnection",
    "LearningHistory",
    "LearningRule",
    "Levels",
    "Loihi2FLearningRule",
    "Loihi3FLearningRule",
    "Product",
    "ProductExplanation",
    "ReportRow",
    "Rounding",
    "Rule",
    "RuleReport",
    "RuleRequest",
    "Scale",
    "UpdateWindow",
    "VariableExplanation",
    "algebra",
    "canonical",
    "check_rule",
    "decay_factor",
    "down_scaling",
    "explain_rule",
    "fit_rule",
    "ideal_run",
    "is_real",
    "lava_code",
    "lava_keywords",
    "parse_float_rule",
    "parse_rule",
    "plot_window",
    "read_rule",
    "report_rule",
    "sign_mode_of",
    "simulate",
    "split_rule",
    "update_window",
]
