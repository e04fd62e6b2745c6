"""``hmn-lava import``: a network of another tool becomes a spec with its arrays."""

from __future__ import annotations

from dataclasses import asdict
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hmn_lava.cli.output import JsonOption, note, print_json, print_table

if TYPE_CHECKING:
    from hmn_lava.interchange.imported import Imported


NETX, NIR, WEIGHTS = "lava-dl's .net", "NIR graphs", "Weights: .safetensors, .npz"


class Timing(str, Enum):
    """Whether messages between layers take a step."""

    lava = "lava"
    aligned = "aligned"


def import_network(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="lava-dl's .net, a graph .nir, or weights.")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="DIR", help="The folder to write the spec into.")],
    layers: Annotated[
        int | None, typer.Option("--layers", metavar="N", help="Only the first N layers.", rich_help_panel=NETX)
    ] = None,
    skip: Annotated[
        int | None, typer.Option("--skip", metavar="N", help="Without the first N layers.", rich_help_panel=NETX)
    ] = None,
    timing: Annotated[
        Timing | None,
        typer.Option(
            "--timing",
            help="lava: each layer's messages take a step; aligned: they take none. Else lava.",
            rich_help_panel=NETX,
        ),
    ] = None,
    spike_exp: Annotated[
        int | None,
        typer.Option(
            "--spike-exp", metavar="N", help="Bits behind the point of sigma-delta messages, else 6.",
            rich_help_panel=NETX,
        ),
    ] = None,
    input_shape: Annotated[
        str | None,
        typer.Option(
            "--input-shape", metavar="C,H,W", help="Shape of the input, if the file has none.", rich_help_panel=NETX
        ),
    ] = None,
    graded: Annotated[
        bool,
        typer.Option("--graded", help="The input is no spikes, if the file has no input.", rich_help_panel=NETX),
    ] = False,
    reset_interval: Annotated[
        int | None,
        typer.Option(
            "--reset-interval", metavar="N", help="Spiking neurons begin anew every N steps.", rich_help_panel=NETX
        ),
    ] = None,
    reset_offset: Annotated[
        int | None,
        typer.Option(
            "--reset-offset", metavar="N", help="The step in which the first layer begins anew.", rich_help_panel=NETX
        ),
    ] = None,
    dt: Annotated[
        float | None,
        typer.Option(
            "--dt", metavar="SECONDS", help="The time step, in the unit of the time constants.", rich_help_panel=NIR
        ),
    ] = None,
    convention: Annotated[
        str | None,
        typer.Option(
            "--convention", help="Whose graph it is: nir, snntorch, norse, sinabs, spikingjelly.", rich_help_panel=NIR
        ),
    ] = None,
    discretisation: Annotated[
        str | None, typer.Option("--discretisation", help="euler or exponential.", rich_help_panel=NIR)
    ] = None,
    reset: Annotated[
        str | None,
        typer.Option("--reset", help="value, value_held, subtract or subtract_late.", rich_help_panel=NIR),
    ] = None,
    threshold: Annotated[
        str | None,
        typer.Option("--threshold", help="A spike where v is above it, or has reached it.", rich_help_panel=NIR),
    ] = None,
    synapse: Annotated[
        str | None,
        typer.Option("--synapse", help="Of CubaLIF and CubaLI: integrated or jump.", rich_help_panel=NIR),
    ] = None,
    integrator: Annotated[
        str | None, typer.Option("--integrator", help="Of IF and I: time or step.", rich_help_panel=NIR)
    ] = None,
    voltage_max: Annotated[
        float | None,
        typer.Option(
            "--voltage-max", metavar="V", help="Where voltages that are sent saturate.", rich_help_panel=NIR
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Of the spec, else the file's.", rich_help_panel=NIR)
    ] = None,
    input_range: Annotated[
        str | None,
        typer.Option(
            "--input-range", metavar="LOW,HIGH|spike", help="What the input's values are, else 0,1.",
            rich_help_panel=NIR,
        ),
    ] = None,
    spec: Annotated[
        Path | None,
        typer.Option("--spec", metavar="SPEC", help="The network that they are for.", rich_help_panel=WEIGHTS),
    ] = None,
    names: Annotated[
        list[str] | None,
        typer.Option(
            "--map", metavar="TENSOR=CONNECTION", help="Which is for which, where names differ.",
            rich_help_panel=WEIGHTS,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Write a network of another tool as a spec: DIR/spec.yaml, and its arrays beside it.

    The integers of a .net file become the integers of the chip; the real numbers of a .nir graph are the spec's. What
    a spec cannot hold is told, or refused.
    """
    from hmn_lava.interchange.importing import import_network as read

    if file.suffix in (".safetensors", ".npz"):
        _weights(file, spec, names or [], out, as_json)
        return
    given = {
        "layers": layers,
        "skip": skip,
        "timing": None if timing is None else timing.value,
        "spike_exp": spike_exp,
        "input_shape": _shape(input_shape),
        "graded_input": graded or None,
        "reset_interval": reset_interval,
        "reset_offset": reset_offset,
        "dt": dt,
        "convention": convention,
        "discretisation": discretisation,
        "reset": reset,
        "threshold": threshold,
        "synapse": synapse,
        "integrator": integrator,
        "voltage_max": voltage_max,
        "name": name,
        "input_range": input_range if input_range in (None, "spike") else str(input_range).split(","),
    }
    found = read(file, **{key: value for key, value in given.items() if value is not None})
    written = found.save(out)
    if as_json:
        print_json("import", _content(found, file, written))
        return
    rows = [(row.name, row.kind, " x ".join(map(str, row.shape)), row.neuron, row.connection) for row in found.layers]
    print_table(("layer", "kind", "shape", "neurons", "synapses"), rows, title=found.spec.name)
    for finding in found.findings:
        note(str(finding))
    note(f"wrote {written}; next: hmn-lava compile {written} -o {out}/bundle")


def _weights(file: Path, spec: Path | None, names: list[str], out: Path, as_json: bool) -> None:
    """Put weights into a spec."""
    import hmn_lava as hl
    from hmn_lava.errors import InputError
    from hmn_lava.interchange.weights import load_weights

    if spec is None:
        raise InputError("holds weights alone", where=str(file), field="--spec", remedy="give the spec they are for")
    for name in names:
        if name.count("=") != 1:
            raise InputError("is no pair", field="--map", value=name, remedy="write TENSOR=CONNECTION")
    loaded = load_weights(file, hl.load_spec(spec), dict(name.split("=") for name in names))
    written = loaded.save(out)
    if as_json:
        findings = [finding.as_dict() for finding in loaded.findings]
        content = {"file": str(file), "spec": str(written), "name": loaded.spec.name, "findings": findings}
        print_json("import", {**content, "backend": None})
        return
    for finding in loaded.findings:
        note(str(finding))
    note(f"wrote {written}; next: hmn-lava compile {written} -o {out}/bundle")


def _shape(text: str | None) -> tuple[int, ...] | None:
    from hmn_lava.errors import InputError

    if text is None:
        return None
    parts = text.split(",")
    if not 1 <= len(parts) <= 3 or not all(part.strip().isdecimal() and len(part) < 8 for part in parts):
        remedy = "write channels, height and width, such as 3,32,32"
        raise InputError("is no shape", field="--input-shape", value=text, remedy=remedy)
    return tuple(int(part) for part in parts)


def _content(found: Imported, file: Path, written: Path) -> dict[str, object]:
    return {
        "file": str(file),
        "spec": str(written),
        "name": found.spec.name,
        "input": found.input,
        "output": found.output,
        "transform": None if found.transform is None else asdict(found.transform),
        "layers": [row.as_dict() for row in found.layers],
        "findings": [finding.as_dict() for finding in found.findings],
        "backend": None,
    }
