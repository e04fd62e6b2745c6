"""A learning rule as Python code that constructs it in Lava."""

from __future__ import annotations

from dataclasses import replace

from hmn_lava.learning.records import TRACES
from hmn_lava.learning.rule import LearningRule


def lava_keywords(rule: LearningRule) -> dict[str, str | float | int]:
    """The keywords of Lava's Loihi2FLearningRule or Loihi3FLearningRule that make ``rule``, but for those at 0."""
    keywords: dict[str, str | float | int] = {}
    for parsed in rule.rules:
        keywords[parsed.target] = str(parsed)
    for trace in TRACES:
        if rule.supplied and trace[0] == "y":
            continue
        for name in (f"{trace}_impulse", f"{trace}_tau"):
            value = getattr(rule, name)
            if value:
                keywords[name] = int(value) if value == int(value) else value
    keywords["t_epoch"] = int(rule.t_epoch)
    keywords["rng_seed"] = int(rule.rng_seed or 0)  # left out, Lava draws another one each time
    return keywords


def canonical(rule: LearningRule) -> LearningRule:
    """The same rule as :func:`lava_code` writes it: its texts in normal form, and a seed, 0 if it has none."""
    return replace(rule, rng_seed=int(rule.rng_seed or 0), **{str(parsed.target): str(parsed) for parsed in rule.rules})  # type: ignore[arg-type]


def lava_code(rule: LearningRule, comments: tuple[str, ...] = ()) -> str:
    """Python code that makes ``learning_rule``, the Lava object that equals ``rule``; ``comments`` go above it.

    Run in Lava, ``LearningRule.of(learning_rule)`` equals :func:`canonical` of the rule. With three factors the neuron
    has to supply y1..y3, and the code says so.
    """
    kind = "Loihi3FLearningRule" if rule.supplied else "Loihi2FLearningRule"
    notes = list(comments)
    if rule.supplied:
        notes.append("The postsynaptic neuron supplies y1, y2 and y3 in every step.")
    arguments = "".join(f"    {name}={value!r},\n" for name, value in lava_keywords(rule).items())
    above = "".join(f"# {line}\n" for note in notes for line in note.splitlines())
    return (
        f"from lava.magma.core.learning.learning_rule import {kind}\n\n{above}learning_rule = {kind}(\n{arguments})\n"
    )
