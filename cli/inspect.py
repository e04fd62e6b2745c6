"""``hmn-lava inspect``: what a bundle holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hmn_lava.cli.options import BundleArgument
from hmn_lava.cli.output import JsonOption, note, print_json, print_table


def inspect(
    bundle: BundleArgument,
    programs: Annotated[bool, typer.Option("--programs", help="Also list the programs.")] = False,
    lowering: Annotated[bool, typer.Option("--lowering", help="Also list every lowered parameter.")] = False,
    cores: Annotated[bool, typer.Option("--cores", help="List every core, not only the fullest.")] = False,
    picture: Annotated[
        Path | None, typer.Option("--picture", metavar="FILE.png", help="Also draw the network.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a bundle holds, after all its checks have passed: its layers, cores and signals."""
    import hmn_lava as hl
    from hmn_lava.cli.describe import core_rows, describe, print_cores, print_description, print_findings, print_layers
    from hmn_lava.layers import draw, layers
    from hmn_lava.microcode.text import to_text
    from hmn_lava.pictures import check_picture

    if picture is not None:
        check_picture(picture)
    found = hl.load(bundle)
    content = describe(found)
    rows = layers(found)
    content["layers"] = [row.as_dict() for row in rows]
    if picture is not None:
        draw(found, picture)
        note(f"the picture is in {picture}")
    texts = {group.name: to_text(group.program) for group in found.network.groups.values()} if programs else {}
    if as_json:
        if programs:
            content["programs"] = texts
        if lowering:
            content["lowering"]["rows"] = found.lowering
        content["placement"]["cores_used"] = core_rows(found.placement)
        print_json("inspect", {"bundle": str(bundle), **content})
        return
    print_layers(rows)
    print_description(content)
    print_cores(core_rows(found.placement), every=cores)
    if lowering:
        print_table(
            ["parameter", "target", "format", "count", "requested", "stored", "relative error", "note"],
            [
                (
                    r["parameter"],
                    r["target"],
                    r["format"],
                    r["count"],
                    f"{r['requested']:.6g}",
                    r["stored"],
                    f"{r['relative_error']:.2g}",
                    r["note"],
                )
                for r in found.lowering
            ],
            title="Lowered parameters; of an array, the worst element",
        )
    if found.findings:
        print_findings(found.findings)
    for text in texts.values():
        print(text)
