"""``hmn-lava compile``: from a spec to a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hmn_lava.cli.options import PlasticityOption, ProfileOption, SeedOption, SideBySideOption, SpecArgument
from hmn_lava.cli.output import JsonOption, note, print_json


def compile(
    spec: SpecArgument,
    folder: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="Where to write the bundle; an older one is replaced.")
    ],
    profile: ProfileOption = "loihi2",
    plasticity: PlasticityOption = "neurocore",
    seed: SeedOption = 0,
    calibrate: Annotated[
        Path | None,
        typer.Option(
            "--calibrate", metavar="IN.npz", help="Choose formats by a float run on this input, (samples,) steps, size."
        ),
    ] = None,
    percentile: Annotated[
        float, typer.Option("--percentile", metavar="P", help="Of the messages that a calibrated format has room for.")
    ] = 100.0,
    scale: Annotated[
        str | None,
        typer.Option("--scale", metavar="S", help="Static weights share a scale per tensor (default) or per channel."),
    ] = None,
    allow_lossy: Annotated[
        bool, typer.Option("--allow-lossy", help="Warn about lost parameters instead of refusing them.")
    ] = False,
    side_by_side: SideBySideOption = False,
    as_json: JsonOption = False,
) -> None:
    """Compile a network for a chip, and say what it takes and what was lost."""
    import hmn_lava as hl
    from hmn_lava.cli.describe import describe, print_description, print_findings, print_side_by_side
    from hmn_lava.drive import read_inputs
    from hmn_lava.spec.records import InputPopulation

    network = hl.load_spec(spec)
    inputs = [name for name, population in network.populations.items() if isinstance(population, InputPopulation)]
    calibration = None if calibrate is None else read_inputs(calibrate, inputs, batch=True)
    parts = hl.side_by_side(network, profile=profile, seed=seed, allow_lossy=allow_lossy) if side_by_side else []
    if parts and not as_json:  # first: the lowering that was chosen may be refused
        print_side_by_side(parts)
    bundle = hl.compile(
        network,
        profile=profile,
        plasticity=plasticity,
        seed=seed,
        calibration=calibration,
        percentile=percentile,
        scale=scale,
        allow_lossy=allow_lossy,
    )
    bundle.save(folder)
    content = describe(bundle)
    if side_by_side:
        content["side_by_side"] = [part.as_dict() for part in parts]
    if as_json:
        content["lowering"]["rows"] = bundle.lowering
        print_json("compile", {"bundle": str(folder), **content})
        return
    print_description(content)
    if bundle.findings:
        print_findings(bundle.findings)
    if bundle.spec.host is None:
        note(f"wrote {folder}; next: hmn-lava run {folder}, or hmn-lava compare {folder}")
    else:
        note(f"wrote {folder}; next: hmn-lava run {folder} --text FILE")
