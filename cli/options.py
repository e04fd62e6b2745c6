"""Options and arguments that several commands share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hmn_lava.backends.contained import Limits

BundleArgument = Annotated[
    Path, typer.Argument(metavar="DIR", help="A bundle: the folder that `hmn-lava compile -o` wrote.")
]
SpecArgument = Annotated[Path, typer.Argument(metavar="SPEC", help="A spec in YAML, or a folder that holds spec.yaml.")]
ProfileOption = Annotated[
    str, typer.Option("--profile", metavar="NAME", help="Hardware profile: a name, or a .yaml file.")
]
PlasticityOption = Annotated[
    str, typer.Option("--plasticity", metavar="P", help="Lowering of the plasticity: neurocore or engine.")
]
SideBySideOption = Annotated[
    bool, typer.Option("--side-by-side", help="Show what both lowerings keep, approximate and refuse.")
]
SeedOption = Annotated[int, typer.Option("--seed", metavar="N", help="The one seed of all that is random.")]
InputOption = Annotated[
    Path | None,
    typer.Option("--input", metavar="IN.npz", help="An array (steps, size) per input; or else, the spec's stimulus."),
]
StepsOption = Annotated[
    int | None, typer.Option("--steps", metavar="N", min=1, help="Steps: as many as the input, or 1000.")
]
TimeLimitOption = Annotated[
    float | None,
    typer.Option("--time-limit", metavar="SECONDS", help="Stop a run of lava, rehearsal or board after this. [3600]"),
]
HostOption = Annotated[
    str | None,
    typer.Option(
        "--host",
        metavar="HOST",
        help="The board's host: slurm[:partition=P|board=B] or ethernet:ADDRESS; or else, the environment's.",
    ),
]
TranslatorOption = Annotated[
    str | None,
    typer.Option("--translator", metavar="NAME", help="Microcode translator for the board, if there are several."),
]
ThreadsOption = Annotated[
    int | None, typer.Option("--threads", metavar="N", min=1, help="Threads of the fast executor.")
]

EncoderOption = Annotated[
    Path | None,
    typer.Option("--encoder", metavar="DIR", help="A BERT encoder's folder from Hugging Face; or else, the MiniLM."),
]
TextOption = Annotated[
    list[str] | None,
    typer.Option(
        "--text", metavar="TEXT", help="Of a language model: a text to read, a path or topics, code, licences."
    ),
]
TokensOption = Annotated[
    int | None, typer.Option("--tokens", metavar="N", min=2, help="With --text: tokens of each text that are read.")
]
DataOption = Annotated[
    Path | None, typer.Option("--data", metavar="PATH", help="Your own data, for a task that takes some.")
]

RowWorkersOption = Annotated[
    int | None, typer.Option("--workers", metavar="N", help="Worker processes here: as many as processors.")
]
SchedulerOption = Annotated[
    str | None,
    typer.Option("--scheduler", metavar="ADDRESS", help="Run on the Dask cluster there, not on workers here."),
]
EncodeOption = Annotated[
    str | None,
    typer.Option(
        "--encode",
        metavar="E",
        help="Encode arrays (samples, size) by rate, even, graded or bias:WEIGHT,OFFSET, series by delta.",
    ),
]
DecodeOption = Annotated[
    str, typer.Option("--decode", metavar="D", help="What an answer is read from: count, last or membrane.")
]
PopulationOption = Annotated[
    str | None,
    typer.Option("--population", metavar="NAME", help="The population whose neurons are the classes, if not the last."),
]


def check_text(text: list[str] | None, alone: Mapping[str, object], beside: Mapping[str, object]) -> None:
    """Raise InputError for an option of ``alone`` that was given with --text, or one of ``beside`` without it."""
    from hmn_lava.errors import InputError

    others, problem = (alone, "has no meaning with --text") if text else (beside, "has no meaning without --text")
    for option, value in others.items():
        if value not in (None, False, []):
            remedy = "leave one of them out" if text else "leave it out, or give --text"
            raise InputError(problem, field=option, value=str(value), remedy=remedy)


def limits(seconds: float | None) -> Limits:
    """The limits of a contained run, with this time limit or the usual one."""
    from hmn_lava.backends.contained import Limits
    from hmn_lava.errors import InputError

    if seconds is None:
        return Limits()
    try:
        return Limits(wall=seconds)
    except InputError as error:
        raise InputError(error.problem, field="--time-limit", value=seconds, remedy=error.remedy) from None
