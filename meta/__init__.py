"""Meta-learning around a compiled bundle: an outer loop moves the rule's constants, and nothing is compiled again.

HMN paper, equation (7) and appendices 10.2 and 10.3. :func:`realise` sets meta-parameters in a bundle,
:class:`MetaLearner` moves them by two-point SPSA or REINFORCE, :class:`Evaluator` runs the episodes that it asks for.
"""

from __future__ import annotations

from hmn_lava.meta.episodes import Evaluator
from hmn_lava.meta.in_place import Realised, Realiser, Step, realise
from hmn_lava.meta.learner import MetaLearner

__all__ = ["Evaluator", "MetaLearner", "Realised", "Realiser", "Step", "realise"]
