"""Elementary functions as pieces of program: polynomials, select chains and Newton steps; no tables.

Every function takes the builder and values, and returns a value with proven bounds. The errors in the docstrings are
maxima over all inputs, found by sweeping them through the golden interpreter (tests/microcode/test_functions.py asserts
them).
"""

from hmn_lava.microcode.functions.exponential import exponential, sigmoid
from hmn_lava.microcode.functions.logarithm import logarithm
from hmn_lava.microcode.functions.quantiles import gumbel, normal
from hmn_lava.microcode.functions.reciprocal import reciprocal
from hmn_lava.microcode.functions.roots import inverse_square_root, square_root
from hmn_lava.microcode.functions.trigonometric import cosine, sine

__all__ = [
    "cosine",
    "exponential",
    "gumbel",
    "inverse_square_root",
    "logarithm",
    "normal",
    "reciprocal",
    "sigmoid",
    "sine",
    "square_root",
]
