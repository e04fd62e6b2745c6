"""References between the records of a spec: they exist, are of the right kind, and make sense together."""

from __future__ import annotations

from collections.abc import Iterable

from hmn_lava.spec.neurons import LifPopulation, ResonatorPopulation, SigmaDeltaPopulation
from hmn_lava.spec.problems import Problem, clean, did_you_mean
from hmn_lava.spec.records import (
    BernoulliStimulus,
    ConstantStimulus,
    HebbianConnection,
    HmnConnection,
    HmnPopulation,
    InputPopulation,
    NpzStimulus,
    PopulationRecord,
    Spec,
    UncertaintyModulator,
)

GLOBAL = "global"  # object name of the global attention's signals


def check(spec: Spec) -> list[Problem]:
    """Return all problems of the references of a spec; empty if there are none."""
    return [
        *_names(spec),
        *_connections(spec),
        *_modulators(spec),
        *_global_attention(spec),
        *_meta_learning(spec),
        *_formats(spec),
        *_stimulus(spec),
    ]


def signals(spec: Spec) -> dict[str, tuple[str, ...]]:
    """Return the symbols of each object: what a probe, a format or a comparison may name as ``object.symbol``."""
    found: dict[str, tuple[str, ...]] = {}
    for name, population in spec.populations.items():
        if isinstance(population, InputPopulation):
            found[name] = ("x",)
        elif isinstance(population, HmnPopulation) and population.activation != "lif":
            found[name] = ("a", "z")
        elif isinstance(population, SigmaDeltaPopulation):
            found[name] = ("a", "z", "sigma", "act")
        elif isinstance(population, ResonatorPopulation):
            found[name] = ("a", "a_im", "z", "re", "im")
        else:
            found[name] = ("a", "z", "u", "v")
    for name, connection in spec.connections.items():
        plastic = ("w", "psi_fast", "psi_slow", "alpha", "c", "dw", "G", "gate")
        found[name] = plastic if isinstance(connection, HmnConnection) else ("w",)
    for name in spec.modulators:
        found[name] = ("E",)
    if spec.global_attention is not None:
        found[GLOBAL] = ("C",)
    return found


def _names(spec: Spec) -> Iterable[Problem]:
    seen: dict[str, str] = {}
    for section in ("populations", "connections", "modulators", "oscillators"):
        for name in getattr(spec, section):
            field = f"{section}.{name}"
            if name == GLOBAL:
                yield Problem(field, f"'{GLOBAL}' is the name of the global attention", "rename it")
            elif name in seen:
                yield Problem(field, f"{seen[name]}.{name} has the same name", "give each object a name of its own")
            seen[name] = section


def _population(spec: Spec, field: str, name: str) -> PopulationRecord | Problem:
    found = spec.populations.get(name)
    return (
        found if found is not None else Problem(field, "no such population", did_you_mean(name, spec.populations), name)
    )


def _connections(spec: Spec) -> Iterable[Problem]:
    for name, connection in spec.connections.items():
        field = f"connections.{name}"
        source = _population(spec, f"{field}.source", connection.source)
        if isinstance(source, Problem):
            yield source
        target = _population(spec, f"{field}.target", connection.target)
        if isinstance(target, Problem):
            yield target
        elif isinstance(target, InputPopulation):
            problem = "an input population takes its values from outside"
            yield Problem(f"{field}.target", problem, "target an hmn or lif population", connection.target)
        if isinstance(connection, HebbianConnection):
            if not isinstance(target, (Problem, InputPopulation)):
                yield from _hebbian(field, connection, target)
            continue
        if not isinstance(connection, HmnConnection):
            if connection.component == "imaginary" and not isinstance(target, (Problem, ResonatorPopulation)):
                remedy = "remove it, or target a resonator population"
                yield Problem(f"{field}.component", "is of a resonator alone", remedy, connection.component)
            continue
        if isinstance(target, (SigmaDeltaPopulation, ResonatorPopulation)):
            remedy = "target an hmn or lif population"
            yield Problem(f"{field}.target", "synapses that learn need neurons that do", remedy, connection.target)
        for index, modulator in enumerate(connection.modulators or ()):
            place = f"{field}.modulators.{index}"
            if modulator not in spec.modulators:
                yield Problem(place, "no such modulator", did_you_mean(modulator, spec.modulators), modulator)
            elif modulator in (connection.modulators or ())[:index]:
                yield Problem(place, "is named twice", "name each modulator once", modulator)
        gate = connection.phase_gate
        if gate is not None and gate.oscillator not in spec.oscillators:
            remedy = (
                did_you_mean(gate.oscillator, spec.oscillators) if spec.oscillators else "declare it under oscillators"
            )
            yield Problem(f"{field}.phase_gate.oscillator", "no such oscillator", remedy, gate.oscillator)


def _hebbian(field: str, connection: HebbianConnection, target: PopulationRecord) -> Iterable[Problem]:
    """The target has a voltage, and it is said which one is full."""
    if not isinstance(target, LifPopulation):
        remedy = "target a population of type lif, or use type: hmn"
        yield Problem(f"{field}.target", "has no voltage to learn from", remedy, connection.target)
    elif connection.full is None and target.output == "voltage":
        yield Problem(f"{field}.full", f"is missing: {connection.target} has no threshold", "say which voltage is full")
    elif connection.full is None and not isinstance(target.vth, float):
        problem = f"is missing: {connection.target} has a threshold for each neuron"
        yield Problem(f"{field}.full", problem, "give one voltage for all neurons")


def _modulators(spec: Spec) -> Iterable[Problem]:
    for name, modulator in spec.modulators.items():
        field = f"modulators.{name}.source"
        source = _population(spec, field, modulator.source)
        if isinstance(source, Problem):
            yield source
        elif isinstance(modulator, UncertaintyModulator):
            if isinstance(source, InputPopulation):
                yield Problem(
                    field, "uncertainty is of an hmn or lif population", "name such a population", modulator.source
                )
        elif not isinstance(source, InputPopulation):
            yield Problem(
                field, f"{modulator.type} needs an input population", "name an input population", modulator.source
            )
        elif modulator.type != "novelty" and source.size != 1:
            problem = f"{modulator.type} needs an input population of size 1, {modulator.source} has size {source.size}"
            yield Problem(field, problem, "use a population of size 1", modulator.source)


def _global_attention(spec: Spec) -> Iterable[Problem]:
    attention = spec.global_attention
    if attention is None:
        return
    field = "global_attention.context"
    context = _population(spec, field, attention.context)
    if isinstance(context, Problem):
        yield context
    elif isinstance(context, InputPopulation):
        if context.size != attention.dimensions:
            problem = f"{attention.context} has size {context.size}, an input context needs {attention.dimensions}"
            yield Problem(field, problem, "make size and dimensions equal", attention.context)
        if "key" in attention.model_fields_set and attention.key != 1.0:
            yield Problem("global_attention.key", "has no meaning with an input context", "remove it")
    if not spec.modulators:
        yield Problem("global_attention", "there is no modulator to attend to", "declare modulators, or remove it")


def _meta_learning(spec: Spec) -> Iterable[Problem]:
    if spec.meta_learning is None:
        return
    rules = [connection for connection in spec.connections.values() if isinstance(connection, HmnConnection)]
    has = {
        "eta_local": bool(rules),
        "eta_global": bool(rules),
        "beta_attention": any(rule.attention for rule in rules),
        "beta_gate": any(rule.probabilistic_gate for rule in rules),
        "tau_fast": bool(rules),
        "tau_slow": any(rule.traces.tau_slow is not None for rule in rules),
    }
    for index, parameter in enumerate(spec.meta_learning.parameters):
        if not has[parameter]:
            problem = "no hmn connection has this parameter"
            yield Problem(
                f"meta_learning.parameters.{index}", problem, "remove it, or add what it belongs to", parameter
            )


def _formats(spec: Spec) -> Iterable[Problem]:
    known = signals(spec)
    for signal in spec.formats:
        field = f"formats.{clean(signal)}"
        name, dot, symbol = signal.partition(".")
        if not dot:
            yield Problem(field, "is not of the form object.symbol", "write, for example, out.a", signal)
        elif name not in known:
            yield Problem(field, "no such object", did_you_mean(name, known), signal)
        elif symbol not in known[name]:
            yield Problem(field, f"{name} has no such signal", f"use one of: {', '.join(known[name])}", signal)


def _stimulus(spec: Spec) -> Iterable[Problem]:
    for name, stimulus in spec.stimulus.items():
        field = f"stimulus.{name}"
        population = spec.populations.get(name)
        if not isinstance(population, InputPopulation):
            inputs = [name for name, record in spec.populations.items() if isinstance(record, InputPopulation)]
            yield Problem(field, "is not an input population", did_you_mean(name, inputs))
            continue
        if isinstance(stimulus, NpzStimulus):
            continue
        low, high = population.range
        values = [stimulus.value, 0.0] if isinstance(stimulus, BernoulliStimulus) else [stimulus.value]
        for value in values:
            if not low <= value <= high:
                problem = f"value outside the range [{low:g}, {high:g}] of {name}"
                yield Problem(f"{field}.value", problem, "use a value in range, or widen range", value)
        if population.signal == "spike" and values[0] not in (0.0, 1.0):
            kind = "constant" if isinstance(stimulus, ConstantStimulus) else "bernoulli"
            yield Problem(f"{field}.value", f"{kind} value of a spike input", "use 0 or 1", values[0])
