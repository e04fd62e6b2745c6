"""What `compile` and `inspect` say of a bundle, as plain values and as tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from hmn_lava.cli.output import note, print_table

if TYPE_CHECKING:
    from hmn_lava.bundle import Bundle
    from hmn_lava.compiler.fidelity import Part
    from hmn_lava.errors import Finding
    from hmn_lava.layers import LayerRow
    from hmn_lava.placement import Placement

FULLEST = 16
"""Cores that are listed without being asked for."""


def describe(bundle: Bundle) -> dict[str, Any]:
    """The contents of a bundle under the keys that docs/cli.md documents, but for the rows of the lowering."""
    network = bundle.network
    cores = Counter(part.group for part in bundle.placement.slices)
    return {
        "name": network.name,
        "profile": {"name": bundle.profile.name, "sha256": bundle.profile.sha256},
        "plasticity": bundle.plasticity,
        "seed": bundle.seed,
        "host": None
        if bundle.spec.host is None
        else {"encoder": bundle.spec.host.encoder, "sha256": bundle.spec.host.sha256},
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
        "cores": bundle.placement.cores,
        "placement": placement_summary(bundle.placement),
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


def placement_summary(placement: Placement) -> dict[str, Any]:
    """How many cores and chips are used, the binding limit, and what the fullest core and all on average take."""
    cores = max(1, placement.cores)
    return {
        "cores": placement.cores,
        "chips": placement.chips,
        "binding": placement.binding,
        "spike_hops": placement.spike_hops,
        "utilisation": {
            name: {
                "limit": limit,
                "most": int(placement.used[name].max(initial=0)),
                "margin": limit - int(placement.used[name].max(initial=0)),
                "mean": float(placement.used[name].sum()) / cores,
            }
            for name, limit in placement.limits.items()
        },
    }


def core_rows(placement: Placement) -> list[dict[str, Any]]:
    """Each used core: where it lies, what it holds, and how full it is."""
    held: dict[int, dict[str, list[int]]] = {}
    for part in placement.slices:
        held.setdefault(part.core, {})[part.group] = [part.first, part.last]
    return [
        {
            "core": core,
            **placement.mesh.place(core)._asdict(),
            "slices": held[core],
            "binding": placement.fullest(number),
            "utilisation": {
                name: {
                    "used": int(placement.used[name][number]),
                    "limit": limit,
                    "margin": limit - int(placement.used[name][number]),
                }
                for name, limit in placement.limits.items()
            },
        }
        for number, core in enumerate(placement.core_numbers.tolist())
    ]


def lowering_summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """How many parameters were lowered, the worst relative error and whose it is, and what was clipped or lost."""
    worst = max(rows, key=lambda row: row["relative_error"], default=None)
    return {
        "parameters": len(rows),
        "worst_relative_error": worst["relative_error"] if worst else 0.0,
        "worst_parameter": worst["parameter"] if worst else None,
        "clipped": [*dict.fromkeys(row["parameter"] for row in rows if row["note"] == "clipped")],
        "underflow": [*dict.fromkeys(row["parameter"] for row in rows if row["note"] == "underflow")],
    }


def print_description(content: dict[str, Any]) -> None:
    """Print the tables of :func:`describe`."""
    title = (
        f"{content['name']}: {content['profile']['name']}, plasticity {content['plasticity']}, seed {content['seed']}"
    )
    if content["host"] is not None:
        note(f"host: {content['host']['encoder']}, sha256 {content['host']['sha256'][:12]}")
    groups = [(name, g["compartments"], g["cores"], g["instructions"]) for name, g in content["groups"].items()]
    print_table(
        ["group", "compartments", "cores", "instructions"],
        [*groups, ("total", content["compartments"], content["cores"], None)] if groups else groups,
        title=title,
    )
    print_placement(content["placement"])
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


def print_layers(rows: Iterable[LayerRow]) -> None:
    """Print each population with what leads to it."""
    print_table(
        ["layer", "neurons", "shape", "from", "synapses", "learning", "formats", "cores"],
        [
            (
                row.name,
                row.type,
                " x ".join(map(str, row.shape)),
                ", ".join(row.sources),
                row.synapses,
                row.learning,
                "; ".join(f"{name.rpartition('.')[2]} {text}" for name, text in row.formats.items()),
                row.cores,
            )
            for row in rows
        ],
        title="Layers",
    )


def print_placement(summary: dict[str, Any]) -> None:
    """Print how full the cores are."""
    print_table(
        ["resource of a core", "limit", "fullest core", "margin", "mean"],
        [(name, u["limit"], u["most"], u["margin"], f"{u['mean']:.1f}") for name, u in summary["utilisation"].items()],
        title=f"Cores: {summary['cores']}, on chips: {summary['chips']}; the binding limit is {summary['binding']}",
    )


def print_cores(rows: list[dict[str, Any]], every: bool) -> None:
    """Print the fullest cores with their binding limit; with ``every``, all resources of all cores."""
    if every:
        for row in rows:
            held = ", ".join(f"{group} [{first}, {last})" for group, (first, last) in row["slices"].items())
            print_table(
                ["resource", "used", "limit", "margin"],
                [(name, u["used"], u["limit"], u["margin"]) for name, u in row["utilisation"].items()],
                title=f"Core {row['core']}, {_where(row)}: {held}",
            )
        return
    limits = [(row, row["utilisation"][row["binding"]]) for row in rows]
    limits.sort(key=lambda found: -found[1]["used"] / found[1]["limit"])
    print_table(
        ["core", "where", "holds", "binding limit", "used", "limit", "margin"],
        [
            (row["core"], _where(row), _held(row), row["binding"], u["used"], u["limit"], u["margin"])
            for row, u in limits[:FULLEST]
        ],
        title=f"The fullest of {len(rows)} cores" if len(rows) > FULLEST else "Cores",
    )


def _where(row: dict[str, Any]) -> str:
    return f"chip {row['chip']}, tile ({row['tile_column']}, {row['tile_row']})"


def _held(row: dict[str, Any]) -> str:
    groups = [*row["slices"]]
    return ", ".join(groups[:3]) + (f" and {len(groups) - 3} more" if len(groups) > 3 else "")


def print_findings(findings: Iterable[Finding]) -> None:
    """Print findings as a table."""
    print_table(
        ["rule", "object", "used", "limit", "margin", "severity", "remedy"],
        [(f.rule, f.object, f.used, f.limit, f.margin, f.severity, f.remedy) for f in findings],
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
