"""What a graph does not say of a spec, and what of it is no longer as the graph was that it was imported from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hmn_lava.errors import Finding
from hmn_lava.interchange.nir_kept import Kept
from hmn_lava.spec import Model
from hmn_lava.spec.model import Connection, Population
from hmn_lava.spec.nir import NirConvention


def not_in_nir(model: Model, links: Iterable[Connection], how: NirConvention) -> list[Finding]:
    """A finding for each field of LIF neurons that no node has, and for synapses that learn."""
    found = [finding for name, population in model.populations.items() for finding in _neurons(name, population, how)]
    remedy = "The graph has its weights of now; only hmn-lava reads its rule."
    learning = [link.name for link in links if link.rule is not None or link.learns]
    return found + [Finding("not-in-nir", name, "synapses that learn", "weights", "info", remedy) for name in learning]


def changed(kept: Kept, model: Model) -> list[Finding]:
    """A finding that names the populations that are not as the graph has them, where there is one."""
    if kept.whole or not kept.nodes:
        return []
    names = [name for name in model.populations if name not in kept.same]
    remedy = "They, and the weights onto them, are made anew; nested graphs are laid flat."
    return [Finding("changed-since-import", ", ".join(names)[:100], len(names), "0 populations", "info", remedy)]


def _neurons(name: str, population: Population, how: NirConvention) -> list[Finding]:
    lif, found = population.lif, []

    def tell(rule: str, used: Any, remedy: str, severity: Any = "warning") -> None:
        found.append(Finding(rule, name, used, "not in NIR", severity, remedy))

    if lif is None:
        return []
    if lif.output == "spike" and lif.reset == "subtract" and not how.reset.startswith("subtract"):
        tell("reset-mode", "subtract", "Read the graph with a reset by subtraction.")
    if lif.refractory and how.reset != "value_held":
        tell("refractory", f"{lif.refractory} steps", "Neurons of NIR do not rest.")
    if population.restart is not None:
        tell("restart", population.restart[0], "Reset the states of each sample.")
    if lif.output == "voltage":
        tell("saturation", f"±{lif.z_max:g}", "Voltages of NIR do not saturate.", "info")
    if population.noise or population.competition != "none":
        tell("not-in-nir", "noise or competition", "Only hmn-lava reads it.")
    return found
