"""``hmn-lava accuracy``: a bundle on labelled data, in floats and in integers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hmn_lava.cli.options import BundleArgument, DecodeOption, EncodeOption, PopulationOption
from hmn_lava.cli.output import JsonOption, note, print_json, print_table, progress

if TYPE_CHECKING:
    from hmn_lava.accuracy import Accuracy


def accuracy(
    bundle: BundleArgument,
    data: Annotated[
        Path, typer.Argument(metavar="DATA.npz", help="An array (samples, ...) per input, and label (samples,).")
    ],
    encode: EncodeOption = None,
    decode: DecodeOption = "count",
    population: PopulationOption = None,
    steps: Annotated[
        int | None, typer.Option("--steps", metavar="N", min=1, help="Steps of a sample, with --encode.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run labelled samples in the float reference and in integers: accuracy before and after, layer by layer."""
    import hmn_lava as hl
    from hmn_lava.accuracy import measure
    from hmn_lava.drive import read_labelled

    network = hl.load(bundle)
    inputs, labels = read_labelled(data, network.network.inputs)
    with progress("samples", len(labels)) as tick:
        found = measure(
            network, inputs, labels, output=population, decode=decode, encoder=encode, steps=steps, progress=tick
        )
    if as_json:
        print_json("accuracy", {"bundle": str(bundle), "data": str(data), "backend": "fast", **found.as_dict()})
        return
    _print(found)
    for finding in found.findings:
        note(str(finding))


def _print(found: Accuracy) -> None:
    print_table(
        ["", "float", "integers"],
        [
            (
                f"accuracy of {found.output}, {found.samples} samples",
                _share(found.float_accuracy),
                _share(found.accuracy),
            ),
            ("the same answer in both", None, _share(found.agreement)),
            ("always the commonest label", _share(found.commonest), _share(found.commonest)),
        ],
    )
    print_table(
        ["population", "rate, float", "rate, integers", "SNR (dB)", "saturated", "outside"],
        [
            (
                layer.name,
                f"{layer.rate[0]:.4f}",
                f"{layer.rate[1]:.4f}",
                "" if layer.snr_db is None else f"{layer.snr_db:.1f}",
                f"{layer.saturated:.2%}",
                f"{layer.outside:.2%}",
            )
            for layer in found.layers
        ],
    )


def _share(value: float) -> str:
    return f"{value:.4f}"
