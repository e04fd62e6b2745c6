"""``hmn-lava profiles``: which chips can be compiled for, and what is known of them."""

from __future__ import annotations

from typing import Annotated

import typer

from hmn_lava.cli.output import JsonOption, print_json, print_table

app = typer.Typer(help="List the hardware profiles, or show one with the source of each number.")


@app.callback(invoke_without_command=True)
def profiles(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the hardware profiles, or show one with the source of each number."""
    if context.invoked_subcommand is not None:
        if as_json:  # given before the subcommand, it means the subcommand's output
            context.default_map = {context.invoked_subcommand: {"as_json": True}}
        return
    from hmn_lava.hardware_profiles import load_profile, profile_names

    rows = [
        {
            "name": profile.name,
            "title": profile.title,
            "cores_per_chip": profile.chip.cores_per_chip.value,
            "microcode": profile.microcode is not None,
            "entries": sum(1 for _ in profile.entries()),
            "assumed": sum(entry.basis == "assumed" for _, entry in profile.entries()),
            "retrieved": profile.retrieved,
            "sha256": profile.sha256,
        }
        for profile in map(load_profile, profile_names())
    ]
    if as_json:
        print_json("profiles", {"profiles": rows})
        return
    print_table(
        ["profile", "chip", "cores per chip", "microcode", "numbers", "of them assumed", "retrieved"],
        [[*list(row.values())[:3], "yes" if row["microcode"] else "no", *list(row.values())[4:7]] for row in rows],
    )


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A profile's name, or the path of a .yaml file.")],
    as_json: JsonOption = False,
) -> None:
    """Show every number of a profile: its value, unit, basis and source."""
    from hmn_lava.hardware_profiles import load_profile

    profile = load_profile(name)
    if as_json:
        print_json("profiles show", {"sha256": profile.sha256, "profile": profile.model_dump(mode="json")})
        return
    print_table(
        ["entry", "value", "unit", "basis", "source"],
        [(path, _value(entry.value), entry.unit, entry.basis, entry.source) for path, entry in profile.entries()],
        title=f"{profile.title} ({profile.name}), retrieved {profile.retrieved}",
    )
    print_table(
        ["reference", "citation", "note"],
        [(key, reference.citation, reference.note) for key, reference in profile.references.items()],
    )


def _value(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
