"""``hmn-lava profiles``: which chips and boards there are, what is known of them, and where two differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from hmn_lava.cli.output import JsonOption, print_json, print_table

if TYPE_CHECKING:
    from hmn_lava.hardware_profiles import Entry

_WHAT_FOR = (
    "A network can be compiled for a profile with microcode (Loihi 2). Profiles without it (Loihi 1 and its boards) "
    "serve to price a network that was compiled for another: hmn-lava profile BUNDLE --profile NAME."
)

app = typer.Typer()

_NAME = "A profile's name, or the path of a .yaml file."


@app.callback(
    invoke_without_command=True,
    help=f"List the hardware profiles, show one with the source of each number, or compare two.\n\n{_WHAT_FOR}",
)
def profiles(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the hardware profiles, show one with the source of each number, or compare two."""
    if context.invoked_subcommand is not None:
        if as_json:  # given before the subcommand, it means the subcommand's output
            context.default_map = {context.invoked_subcommand: {"as_json": True}}
        return
    from hmn_lava.hardware_profiles import load_profile, profile_names

    rows = [
        {
            "name": profile.name,
            "title": profile.title,
            "chips": profile.system.chips.value,
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
        ["profile", "system", "chips", "cores per chip", "microcode", "numbers", "of them assumed", "retrieved"],
        [[*list(row.values())[:4], "yes" if row["microcode"] else "no", *list(row.values())[5:8]] for row in rows],
    )


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help=_NAME)],
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
        [(path, *_cells(entry)) for path, entry in profile.entries()],
        title=f"{profile.title} ({profile.name}), retrieved {profile.retrieved}",
    )
    print_table(
        ["reference", "citation", "note"],
        [(key, reference.citation, reference.note) for key, reference in profile.references.items()],
    )


@app.command()
def diff(
    a: Annotated[str, typer.Argument(metavar="A", help=_NAME)],
    b: Annotated[str, typer.Argument(metavar="B", help=_NAME)],
    as_json: JsonOption = False,
) -> None:
    """Show the entries in which two profiles differ, with value, basis and source of each."""
    from hmn_lava.hardware_profiles import differences, load_profile

    profile_a, profile_b = load_profile(a), load_profile(b)
    found = differences(profile_a, profile_b)
    if as_json:
        sides = {
            side: {"name": profile.name, "sha256": profile.sha256}
            for side, profile in (("a", profile_a), ("b", profile_b))
        }
        rows = [
            {
                "entry": difference.path,
                "same_value": difference.same_value,
                "a": difference.a and difference.a.model_dump(mode="json"),
                "b": difference.b and difference.b.model_dump(mode="json"),
            }
            for difference in found
        ]
        print_json("profiles diff", {**sides, "differences": rows})
        return
    lines = [
        line
        for difference in found
        for line in ((difference.path, a, *_cells(difference.a)), ("", b, *_cells(difference.b)))
    ]
    values = sum(not difference.same_value for difference in found)
    print_table(
        ["entry", "profile", "value", "unit", "basis", "source"],
        lines,
        title=f"{a} and {b}: {len(found)} entries differ, {values} of them in value or range",
    )


def _cells(entry: Entry[Any] | None) -> tuple[str | None, ...]:
    """Value with its range if it has one, unit, basis, source."""
    if entry is None:
        return "none", None, None, None
    value = ", ".join(map(str, entry.value)) if isinstance(entry.value, tuple) else str(entry.value)
    low, high = getattr(entry, "low", None), getattr(entry, "high", None)
    if low is not None or high is not None:
        value += f" ({entry.value if low is None else low} to {entry.value if high is None else high})"
    return value, entry.unit, entry.basis, entry.source
