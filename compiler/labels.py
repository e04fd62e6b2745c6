"""The fidelity label of every signal: what is behind a random draw is equal to a chip's in distribution only.

A draw is noise, a sampling competition or a probabilistic gate. Whatever depends on it is ``statistical``: along the
connections, through plasticity, modulators and the global context, and around every loop. Else a host input and Lava's
LIF are ``exact``, and everything that this project defines is ``defined``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from hmn_lava.network import Signal
from hmn_lava.spec.model import Connection, Model, Population, Rule

SYMBOLS = ("x", "a", "a_im", "z", "u", "v", "sigma", "act", "re", "im")


def labels(model: Model, signals: Mapping[str, Signal], engine: bool = False) -> dict[str, str]:
    """The label of each of ``signals``, those of the network that ``model`` was lowered to.

    ``engine``: the learning engine has the plastic synapses, and rounds all of their variables with random draws.
    """
    drawn = {*_drawn(model), *(_rounded(model) if engine else ())}
    random = _reached(drawn, list(_dependencies(model)))
    exact = {f"{p.name}.{symbol}" for p in model.populations.values() if _published(p) for symbol in SYMBOLS}

    def label(signal: str) -> str:
        if signal in random:
            return "statistical"
        return "exact" if signal in exact else "defined"

    return {signal: label(signal) for signal in signals}


def _published(p: Population) -> bool:
    """Whether Lava has the neurons bit for bit: its LIF resets to 0 and has no refractory time in integers."""
    if p.type != "lif" or p.lif is None:
        return p.type in ("input", "sigma_delta", "resonator")
    return p.lif.output == "spike" and p.lif.reset == "value" and not p.lif.v_reset.any() and not p.lif.refractory


def _reached(found: set[str], dependencies: list[tuple[str, str]]) -> set[str]:
    """``found``, and all that depends on it."""
    after = defaultdict(list)
    for cause, effect in dependencies:
        after[cause].append(effect)
    waiting = list(found)
    while waiting:
        for effect in after[waiting.pop()]:
            if effect not in found:
                found.add(effect)
                waiting.append(effect)
    return found


def _drawn(model: Model) -> Iterator[str]:
    """The signals that a random draw enters first."""
    for p in model.populations.values():
        if p.noise > 0:
            yield f"{p.name}.a"
        if p.competition == "sample":
            yield f"{p.name}.z"
    for c in model.connections.values():
        if c.rule is not None and c.rule.learning and c.rule.gate is not None:
            yield f"{c.name}.dw"


def _rounded(model: Model) -> Iterator[str]:
    """What the learning engine rounds."""
    for c in model.connections.values():
        if c.learns:
            yield from (f"{c.name}.{symbol}" for symbol in ("w", "psi_fast", "psi_slow"))


def _dependencies(model: Model) -> Iterator[tuple[str, str]]:
    """Pairs of signals, cause and effect."""
    for p in model.populations.values():
        pairs = [("a", "z"), ("a", "u"), ("u", "v"), ("v", "z"), ("z", "v")]
        pairs += [
            ("a", "sigma"),
            ("sigma", "act"),
            ("a", "re"),
            ("a_im", "im"),
            ("re", "im"),
            ("im", "re"),
            ("re", "z"),
        ]
        yield from ((f"{p.name}.{cause}", f"{p.name}.{effect}") for cause, effect in pairs)
    for c in model.connections.values():
        port = "a" if c.component == "real" else "a_im"
        yield _activity(model.populations[c.pre]), f"{c.post}.{port}"
        if c.rule is not None or c.learns:
            yield f"{c.name}.w", f"{c.post}.a"
        if c.rule is not None and c.rule.learning:
            yield from _plasticity(model, c, c.rule)
    for m in model.modulators.values():
        yield _activity(model.populations[m.source]), f"{m.name}.E"
    attention = model.global_attention
    if attention is not None:
        for d in range(attention.dimensions):
            yield _activity(model.populations[attention.context]), f"global.C_{d}"


def _plasticity(model: Model, c: Connection, rule: Rule) -> Iterator[tuple[str, str]]:
    """What the rule of a connection reads: activities, third factor, attention. Its phase gate reads only the time."""
    x, z = (_activity(model.populations[name]) for name in (c.pre, c.post))
    for psi in ("psi_fast", "psi_slow"):
        yield from ((x, f"{c.name}.{psi}"), (z, f"{c.name}.{psi}"), (f"{c.name}.{psi}", f"{c.name}.dw"))
    if rule.attention is not None:
        yield from ((x, f"{c.name}.alpha"), (f"{c.name}.alpha", f"{c.name}.dw"))
        for d in range(rule.attention.dimensions):
            yield from ((z, f"{c.name}.c_{d}"), (f"{c.name}.c_{d}", f"{c.name}.alpha"))
    for name in rule.modulators:
        yield f"{name}.E", f"{c.name}.G"
    if rule.modulators and model.global_attention is not None:
        yield from ((f"global.C_{d}", f"{c.name}.G") for d in range(model.global_attention.dimensions))
    yield from ((f"{c.name}.G", f"{c.name}.dw"), (f"{c.name}.dw", f"{c.name}.w"))


def _activity(p: Population) -> str:
    return f"{p.name}.x" if p.type == "input" else f"{p.name}.z"
