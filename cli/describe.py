"""What `compile` and `inspect` say of a bundle, as plain values and as tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from hmn_lava.cli.output import print_table

if TYPE_CHECKING:
    from hmn_lava.bundle import Bundle
    from hmn_lava.compiler.fidelity import Part
    from hmn_lava.errors import Finding


def describe(bundle: Bundle) -> dict[str, Any]:
    """The contents of a bundle under the keys that docs/cli.md documents, but for the rows of the lowering."""
    network = bundle.network
    cores = Counter(part["group"] for part in bundle.placement.get("slices", []))
    return {
        "name": network.name,
        "profile": {"name": bundle.profile_name, "sha256": bundle.profile_sha256},
        "plasticity": bundle.plasticity,
        "seed": bundle.seed,
        "backend": None,
        "inputs": {i.name: {"size": i.size, "format": str(i.format)} for i in network.inputs.values()},
        "groups": {
            g.name: {"compartments": g.size, "cores": cores[g.name], "instructions": len(g.program.instructions)}
            for g in network.groups.values()
        },
        "learning": {
            s.name: {
                "synapses": s.size,
                "neuron": s.neuron,
                "t_epoch": s.rule.t_epoch,
                **{rule.target: str(rule) for rule in s.rule.rules},
            }
            for s in network.learning.values()
        },
        "frame": network.frame,
        "compartments": sum(g.size for g in network.groups.values()),
        "cores": sum(cores.values()),
        "signals": {
            name: {
                "format": str(s.format),
                "label": s.label,
                "offset": network.latency(name),
                "shape": list(s.shape),
                "kind": s.kind,
            }
            for name, s in network.signals.items()
        },
        "latencies": {
            "weight_lag": dict(network.weight_lag),
            "delay": {
                name: {"min": int(d.min(initial=1 << 30)), "max": int(d.max(initial=0))}
                for name, d in network.delay.items()
                if d.size
            },
        },
        "lowering": {"summary": lowering_summary(bundle.lowering)},
        "findings": [finding.as_dict() for finding in bundle.findings],
    }


def lowering_summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """How many parameters were lowered, the worst relative error and whose it is, and what was clipped or lost."""
    worst = max(rows, key=lambda row: row["relative_error"], default=None)
    return {
        "parameters": len(rows),
        "worst_relative_error": worst["relative_error"] if worst else 0.0,
        "worst_parameter": worst["parameter"] if worst else None,
        "clipped": [row["parameter"] for row in rows if row["note"] == "clipped"],
        "underflow": [row["parameter"] for row in rows if row["note"] == "underflow"],
    }


def print_description(content: dict[str, Any]) -> None:
    """Print the tables of :func:`describe`."""
    title = (
        f"{content['name']}: {content['profile']['name']}, plasticity {content['plasticity']}, seed {content['seed']}"
    )
    groups = [(name, g["compartments"], g["cores"], g["instructions"]) for name, g in content["groups"].items()]
    print_table(
        ["group", "compartments", "cores", "instructions"],
        [*groups, ("total", content["compartments"], content["cores"], None)] if groups else groups,
        title=title,
    )
    for name, synapses in content["learning"].items():
        rows = [(target, synapses[target]) for target in ("dw", "dt", "dd") if target in synapses]
        title = f"{name}: {synapses['synapses']} synapses of the learning engine, epochs of {synapses['t_epoch']} steps"
        print_table(["", "rule"], rows, title=title)
    if content["frame"] > 1:
        print_table(["frame", "steps of the chip"], [("one step of the model", content["frame"])])
    lags, delays = content["latencies"]["weight_lag"], content["latencies"]["delay"]
    if delays:
        print_table(
            ["connection", "delay", "weight lag"],
            [(name, _span(delay["min"], delay["max"]), lags.get(name)) for name, delay in delays.items()],
            title="Latencies, in steps",
        )
    print_table(
        ["signal", "format", "shape", "offset", "label"],
        [
            (name, s["format"], " x ".join(map(str, s["shape"])), s["offset"], s["label"])
            for name, s in content["signals"].items()
        ],
        title="Signals",
    )
    summary = content["lowering"]["summary"]
    worst = f", of {summary['worst_parameter']}" if summary["worst_parameter"] else ""
    print_table(
        ["lowering", ""],
        [
            ("parameters", str(summary["parameters"])),
            ("worst relative error", f"{summary['worst_relative_error']:.2g}{worst}"),
            ("clipped", ", ".join(summary["clipped"]) or "none"),
            ("underflow", ", ".join(summary["underflow"]) or "none"),
        ],
    )


def print_findings(findings: Iterable[Finding]) -> None:
    """Print findings as a table."""
    print_table(
        ["rule", "object", "used", "limit", "severity", "remedy"],
        [(f.rule, f.object, f.used, f.limit, f.severity, f.remedy) for f in findings],
    )


def print_side_by_side(parts: Iterable[Part]) -> None:
    """Print what each lowering makes of each part of each rule."""
    print_table(
        ["connection", "part", "lowering", "fidelity", "how", "error", "of what"],
        [
            (p.connection, p.part, p.lowering, p.fidelity, p.how, None if p.error is None else f"{p.error:.2g}", p.unit)
            for p in sorted(parts, key=lambda p: (p.connection, p.part, p.lowering))
        ],
        title="Both lowerings",
    )


def _span(low: int, high: int) -> str:
    return str(low) if low == high else f"{low} to {high}"
