"""Where a printed joule comes from: the counts, coefficients and sources behind a term, as text."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from hmn_lava.energy.lines import Line, Range, total
from hmn_lava.energy.report import Report
from hmn_lava.energy.terms import TERMS, Terms
from hmn_lava.errors import InputError
from hmn_lava.network import IntegerNetwork

DEFINITIONS = {
    "neuron_update_active": "a compartment in a step of the chip, where a message that is not zero arrives or leaves",
    "neuron_update_inactive": "a compartment in a step of the chip, where none does",
    "microcode_instruction": "an instruction that a compartment executes: all that no skip jumps over",
    "synaptic_operation": "a message that is not zero, read by one synapse or one compartment",
    "spike_within_tile": "a message that is not zero, delivered to one core",
    "hop_east_west": "a message on its way to one core, from a tile to the next in its row",
    "hop_north_south": "a message on its way to one core, from a tile to the next in its column",
    "hop_between_chips": "a message on its way to one core, from a chip to the next",
    "learning_trace_update": "a trace of a neuron that a product has as a factor, at the end of an epoch",
    "learning_product": "a product for a synapse, at the end of an epoch in which its dependency holds",
    "learning_write": "a variable of a synapse, at the end of an epoch in which any of its products counts",
    "embedded_message": "a value that an embedded processor writes: a host input that is not zero, or a third factor",
    "static_power_per_chip": "ns of the run, times the chips in use",
    "embedded_power_per_chip": "ns of the run, times the chips in use",
}
"""One of what is counted, by operation; docs/energy.md says more."""


def explain(report: Report, name: str) -> str:
    """How the energy of a term, a component, a part or an operation is made; ``total`` for all of it.

    Raises InputError for a name that is none of these.
    """
    check_name(name, report.names)
    return "\n".join(_text(report, name, [line for line in report.lines if name in ("total", *_names(line))]))


def names(network: IntegerNetwork, terms: Terms) -> frozenset[str]:
    """Components and parts of a network."""
    parts = {*network.groups, *network.learning, *network.inputs}
    links = {terms.link(number) for number in range(len(network.links))}
    return frozenset(parts | {terms.component(part) for part in parts} | links | {"chip"})


def check_name(name: str, known: Collection[str]) -> None:
    """Raise InputError for a name that :func:`explain` does not know; ``known`` are the network's own names."""
    everything = ("total", *TERMS, *DEFINITIONS, *sorted(known))
    if name not in everything:
        remedy = f"one of: {', '.join(everything)}"
        raise InputError("nothing of that name is counted", field="explain", value=name, remedy=remedy)


def _names(line: Line) -> tuple[str, ...]:
    return line.key.term, line.key.component, line.key.operation, line.key.part


def _text(report: Report, name: str, chosen: list[Line]) -> Iterator[str]:
    energy, whole = total(line.energy for line in chosen), f"in {report.steps} steps of {report.name}"
    yield f"{name}: {joules(energy) if chosen else 'nothing counted'} {whole} ({report.plasticity}, {report.origin})"
    if report.updates:
        each = energy.times(1.0 / report.updates)
        yield (
            f"  = {joules(each)} for each of {report.updates} weight updates "
            f"({report.plastic_synapses} synapses x {report.steps} steps)"
        )
    yield f"  coefficients of {report.profile}, sha256 {report.profile_sha256[:12]}"
    for line in sorted(chosen, key=lambda line: -line.energy.typical):
        yield ""
        key = line.key
        where = " ".join(word for word in (key.component, f"({key.part})", key.kind) if word)
        yield f"{key.term}: {key.operation} of {where}, phase {key.phase}, for {key.purpose}"
        yield f"  count        {_number(line.count)}  {DEFINITIONS[key.operation]}"
        if line.times is not None:
            yield f"               from {_number(line.times.low)} to {_number(line.times.high)}"
        c = line.coefficient
        yield f"  coefficient  {c.typical:g} {line.unit} (from {c.low:g} to {c.high:g}), {line.basis}"
        yield f"  source       {line.source}"
        reference = report.coefficients.profile.references.get(line.source.split(",")[0].strip())
        if reference is not None and line.basis != "assumed":
            yield f"               {reference.citation}"
        yield f"  energy       {_number(line.count)} x {c.typical:g} = {joules(line.energy)}"


def joules(energy: Range) -> str:
    """A range of pJ in a unit that reads well."""
    unit, scale = _unit(energy.typical or energy.high)
    low, typical, high = (value / scale for value in (energy.low, energy.typical, energy.high))
    return f"{typical:.4g} {unit} (from {low:.3g} to {high:.3g})"


def _unit(picojoules: float) -> tuple[str, float]:
    for unit, scale in (("J", 1e12), ("mJ", 1e9), ("uJ", 1e6), ("nJ", 1e3)):
        if picojoules >= scale:
            return unit, scale
    return "pJ", 1.0


def _number(count: float) -> str:
    return f"{count:,d}" if isinstance(count, int) else f"{count:,.6g}"
