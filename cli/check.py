"""``hmn-lava check``: whether a network fits a chip, with every finding, before anything is built."""

from __future__ import annotations

import typer

from hmn_lava.cli.options import PlasticityOption, ProfileOption, SeedOption, SideBySideOption, SpecArgument
from hmn_lava.cli.output import JsonOption, note, print_json


def check(
    spec: SpecArgument,
    profile: ProfileOption = "loihi2",
    plasticity: PlasticityOption = "neurocore",
    seed: SeedOption = 0,
    side_by_side: SideBySideOption = False,
    as_json: JsonOption = False,
) -> None:
    """Check whether a network fits a chip: all findings. Exit code 1 if one is an error, 2 if the spec is wrong."""
    import hmn_lava as hl
    from hmn_lava.cli.describe import print_findings, print_side_by_side
    from hmn_lava.compiler import attempt
    from hmn_lava.errors import FitError
    from hmn_lava.spec import load_spec

    network = load_spec(spec)
    try:
        _, findings = attempt(network, profile=profile, plasticity=plasticity, seed=seed)
    except FitError as error:
        findings = list(error.findings)
    parts = hl.side_by_side(network, profile=profile, seed=seed) if side_by_side else []
    fits = not any(finding.severity == "error" for finding in findings)
    if as_json:
        content = {"name": network.name, "profile": profile, "plasticity": plasticity, "seed": seed, "backend": None}
        content |= {"fits": fits, "findings": [finding.as_dict() for finding in findings]}
        if side_by_side:
            content["side_by_side"] = [part.as_dict() for part in parts]
        print_json("check", content)
    else:
        if parts:
            print_side_by_side(parts)
        if findings:
            print_findings(findings)
        note(f"{network.name} {'fits' if fits else 'does not fit'} {profile}: {len(findings)} findings")
    if not fits:
        raise typer.Exit(1)
