"""The first three experiments on arXiv:2508.13673, and the variants that each compares.

mechanisms   all three, each one left out, each one alone
fusion       learned λ, equal ones, and λ set by hand
robustness   the variants of mechanisms, tested under noise and cropping
"""

from __future__ import annotations

from collections.abc import Sequence

from hmn_lava.errors import InputError
from hmn_lava.training.settings import MECHANISMS, Settings

EXPERIMENTS = {
    "mechanisms": "all three mechanisms, without each one, and each one alone",
    "fusion": "learned lambda, equal lambda, and lambda set by hand",
    "robustness": "the variants of mechanisms, under noise and cropping",
}
BY_HAND = (1.0, 0.5, 0.25)
"""λ_1..3 of the experiment on fusion, unless others are given."""


FIXED = ("seed", "mechanisms", "fusion")
"""Fields of the settings that an experiment sets itself."""


def variants(
    experiment: str, settings: Settings, by_hand: Sequence[float] = BY_HAND, only: Sequence[str] = ()
) -> dict[str, Settings]:
    """The settings of each variant, or of ``only`` some, the first of which the others are compared with.

    Raises InputError for a name that is unknown.
    """
    chosen = _all(experiment, settings, by_hand)
    for name in only:
        if name not in chosen:
            remedy = f"one of: {', '.join(chosen)}"
            raise InputError("no such variant", field="variant", value=name, remedy=remedy)
    return {name: each for name, each in chosen.items() if not only or name in only}


def _all(experiment: str, settings: Settings, by_hand: Sequence[float]) -> dict[str, Settings]:
    everything = settings.model_copy(update={"mechanisms": MECHANISMS})
    alone = [everything.model_copy(update={"mechanisms": (name,)}) for name in MECHANISMS]
    if experiment == "fusion":
        fixed = {"equal": (1.0, 1.0, 1.0), "by hand": tuple(by_hand)}
        learned = {"learned": everything.model_copy(update={"fusion": "learned"})}
        return learned | {name: everything.model_copy(update={"fusion": values}) for name, values in fixed.items()}
    if experiment not in EXPERIMENTS:
        remedy = f"one of: {', '.join(EXPERIMENTS)}"
        raise InputError("no such experiment", field="experiment", value=experiment, remedy=remedy)
    without = [
        everything.model_copy(update={"mechanisms": tuple(name for name in MECHANISMS if name != left)})
        for left in MECHANISMS
    ]
    return {each.name: each for each in (everything, *without, *alone)}
