"""``hmn-lava inspect``: what a bundle holds."""

from __future__ import annotations

from typing import Annotated

import typer

from hmn_lava.cli.options import BundleArgument
from hmn_lava.cli.output import JsonOption, print_json, print_table


def inspect(
    bundle: BundleArgument,
    programs: Annotated[bool, typer.Option("--programs", help="Also list the programs.")] = False,
    lowering: Annotated[bool, typer.Option("--lowering", help="Also list every lowered parameter.")] = False,
    cores: Annotated[bool, typer.Option("--cores", help="List every core, not only the fullest.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what a bundle holds, after all its checks have passed."""
    import hmn_lava as hl
    from hmn_lava.cli.describe import core_rows, describe, print_cores, print_description, print_findings
    from hmn_lava.microcode.text import to_text

    found = hl.load(bundle)
    content = describe(found)
    texts = {group.name: to_text(group.program) for group in found.network.groups.values()} if programs else {}
    if as_json:
        if programs:
            content["programs"] = texts
        if lowering:
            content["lowering"]["rows"] = found.lowering
        content["placement"]["cores_used"] = core_rows(found.placement)
        print_json("inspect", {"bundle": str(bundle), **content})
        return
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
