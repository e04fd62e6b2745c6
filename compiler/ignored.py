"""What a spec asks for and the compiler does not do: formats that it chooses itself, and tuning of parameters."""

from __future__ import annotations

from hmn_lava.compiler.quantise import TRACE_BITS, WEIGHT_BITS
from hmn_lava.errors import Finding
from hmn_lava.microcode.ir import WORD
from hmn_lava.spec.formats import bits_of
from hmn_lava.spec.model import Model


def ignored(model: Model, plasticity: str = "neurocore") -> list[Finding]:
    """A warning for each request that changes nothing, or less than it says."""
    findings = []
    for signal, asked in model.formats.items():
        most = _most_bits(model, signal, plasticity)
        if isinstance(asked, str) and most is not None and _is_static(model, signal):
            continue  # taken as it is
        used, bits = (asked if isinstance(asked, str) else f"{asked} bits"), bits_of(asked, 0)
        if most is None or bits > most or isinstance(asked, str):
            limit = "chosen by the compiler" if most is None else f"at most {most} bits"
            remedy = "Remove the entry: it changes nothing." if most is None else "Ask for fewer bits."
            if most is not None and isinstance(asked, str):
                limit, remedy = "bits alone", "Give a number of bits: the compiler places the binary point."
            findings.append(Finding("format-ignored", f"formats.{signal}", used, limit, "warning", remedy))
    if model.meta_learning is not None:
        findings.append(
            Finding(
                "meta-learning",
                "meta_learning",
                model.meta_learning.method,
                "recorded only",
                "warning",
                "A run does not tune parameters: hmn_lava.meta does, around runs (docs/meta_learning.md).",
            )
        )
    return findings


def _is_static(model: Model, signal: str) -> bool:
    """Whether the quantiser takes a whole format of a signal: of static weights, and of populations."""
    c = model.connections.get(signal.rpartition(".")[0])
    return c is None or (c.rule is None and not c.learns)


def _most_bits(model: Model, signal: str, plasticity: str) -> float | None:
    """The most bits that the quantiser gives a signal when asked; None where it does not ask."""
    owner, _, symbol = signal.rpartition(".")
    if owner in model.connections:
        rule, hebbian = model.connections[owner].rule, model.connections[owner].hebbian
        if hebbian is not None:
            return None if hebbian.learning else float("inf")
        plastic = rule is not None
        if rule is not None and plasticity == "engine":
            return None if rule.learning or symbol != "w" else float("inf")
        bits: dict[str, float] = {"w": WEIGHT_BITS if plastic else float("inf")}
        return (bits | {"psi_fast": TRACE_BITS[1], "psi_slow": TRACE_BITS[1]}).get(symbol)
    if owner not in model.populations:
        return None
    population = model.populations[owner]
    if symbol == "a":
        return WORD - 1
    chosen = population.signal == "graded" and population.activation != "sigmoid"
    return float("inf") if chosen and symbol in ("x", "z") else None
