"""The compiler: pure passes from a resolved spec to an integer network, and the analyses that say whether it fits."""

from hmn_lava.compiler.pipeline import attempt, compile

__all__ = ["attempt", "compile"]
