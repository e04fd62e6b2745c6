"""``hmn-lava export``: a spec or a bundle as a graph for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hmn_lava.cli.output import JsonOption, note, print_json


def export(
    what: Annotated[Path, typer.Argument(metavar="WHAT", help="A spec, or a bundle: numbers as on the chip.")],
    out: Annotated[
        Path, typer.Option("-o", "--out", metavar="OUT", help="The file, or for Lava the folder, to write.")
    ],
    to: Annotated[str, typer.Option("--to", metavar="nir|lava", help="A NIR graph, or a Lava script.")] = "nir",
    dt: Annotated[
        float | None, typer.Option("--dt", metavar="SECONDS", help="The time step, else the import's, else 1e-3.")
    ] = None,
    file: Annotated[Path | None, typer.Option("--input", metavar="IN.npz", help="Lava: the input to play.")] = None,
    steps: Annotated[int | None, typer.Option("--steps", help="Lava: how many steps the script runs.")] = None,
    only_stock: Annotated[bool, typer.Option("--only-stock", help="Lava: refuse what needs hmn-lava to run.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a network as a NIR graph, or as a Lava script; what the other side cannot say is told."""
    import hmn_lava as hl
    from hmn_lava.bundle import MANIFEST
    from hmn_lava.drive import drive
    from hmn_lava.errors import InputError
    from hmn_lava.interchange.lava_export import export_lava
    from hmn_lava.interchange.nir_export import export_nir

    if to not in ("nir", "lava"):
        raise InputError("is no format of an export", field="--to", value=to, remedy="use nir or lava")
    wrong = {"--input": file, "--steps": steps, "--only-stock": only_stock or None} if to == "nir" else {"--dt": dt}
    for option, value in wrong.items():
        if value is not None:
            raise InputError(f"has no meaning with --to {to}", field=option, value=value, remedy="remove it")
    network = hl.load(what) if (what / MANIFEST).is_file() else hl.load_spec(what)
    if to == "lava":
        bundle = network if isinstance(network, hl.Bundle) else hl.compile(network)
        inputs, count = drive(bundle, file, steps)
        script = export_lava(bundle, out, inputs, count, only_stock=only_stock)
        if as_json:
            told = [f.as_dict() for f in script.findings]
            shown = {"folder": str(out), "processes": dict(script.processes), "findings": told, "backend": None}
            print_json("export", shown)
            return
        for finding in script.findings:
            note(str(finding))
        note(f"wrote {out}: {len(script.processes)} Processes; run python {out}/network.py")
        return
    made = export_nir(network, out, dt=dt)
    if as_json:
        nodes = {name: type(node).__name__ for name, node in made.graph.nodes.items()}
        content = {"file": str(out), "nodes": nodes, "findings": [f.as_dict() for f in made.findings], "backend": None}
        print_json("export", content)
        return
    for finding in made.findings:
        note(str(finding))
    note(f"wrote {out}: {len(made.graph.nodes)} nodes")
