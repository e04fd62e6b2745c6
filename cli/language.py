"""``hmn-lava language``: fit a language model with plastic adapters, tune its rule, and measure it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from hmn_lava.cli.options import EncoderOption, PlasticityOption, SpecArgument
from hmn_lava.cli.output import JsonOption, note, print_json, print_table

app = typer.Typer(help="A frozen six-layer Transformer with HMN adapters that learn on the chip.")

PHASES = ("P0", "P1", "P2", "P3")

OutputOption = Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Where to write the spec.")]


@app.callback(invoke_without_command=True)
def language(context: typer.Context, as_json: JsonOption = False) -> None:
    """Fit, measure and tune a frozen Transformer with HMN adapters; without a command, list the texts at hand."""
    if context.invoked_subcommand is not None:
        if as_json:  # given before the subcommand, it means the subcommand's output
            context.default_map = {context.invoked_subcommand: {"as_json": True}}
        return
    from hmn_lava.language.texts import AT_HAND

    if as_json:
        print_json("language", {"texts": dict(AT_HAND), "backend": None})
        return
    print_table(["text", "what it is"], list(AT_HAND.items()), "texts at hand; any other name is a path")


@app.command()
def fit(
    folder: OutputOption,
    texts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TEXT]...",
            help="Files or folders of text, none that is to be evaluated; or else, Python's own reference.",
        ),
    ] = None,
    encoder: EncoderOption = None,
    plasticity: PlasticityOption = "neurocore",
    known: Annotated[int, typer.Option("--known", metavar="V", min=2, help="Tokens with a score of their own.")] = 2048,
    width: Annotated[int, typer.Option("--width", metavar="D", min=2, help="Neurons of an adapter.")] = 64,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Of the fit.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Fit the softmax head behind the frozen encoder, and write the adapters' spec."""
    from hmn_lava.drive import check_folder
    from hmn_lava.language.fitting import fit_language
    from hmn_lava.spec import dump_spec

    check_folder(folder)
    found = fit_language(
        texts or (), encoder=encoder, plasticity=plasticity, known=known, width=width, seed=seed, tell=note
    )
    file = dump_spec(found.spec, folder)
    if as_json:
        content = {"file": str(file), "plasticity": plasticity, "tokens": found.tokens, "held": found.held}
        print_json("language fit", {**content, "perplexity": found.perplexity, "backend": None})
        return
    others = f"; perplexity of {found.held} others: {found.perplexity:.1f}" if found.held else ""
    note(f"fitted on {found.tokens} tokens{others}")
    note(f"wrote {file}; next: hmn-lava compile {folder} --plasticity {plasticity} -o {folder}.bundle")


@app.command()
def evaluate(
    spec: SpecArgument,
    phase: Annotated[
        list[str] | None, typer.Option("--phase", metavar="P", help="P0, P1, P2 or P3; may be repeated. [all]")
    ] = None,
    backend: Annotated[str, typer.Option("--backend", metavar="B", help="fast, interpreter or reference.")] = "fast",
    seeds: Annotated[int, typer.Option("--seeds", metavar="N", min=1, help="Sections of the texts.")] = 3,
    prose: Annotated[str, typer.Option("--prose", metavar="TEXT", help="What it begins with.")] = "topics",
    style: Annotated[
        list[str] | None, typer.Option("--style", metavar="TEXT", help="Texts in another style; may be repeated.")
    ] = None,
    ablate: Annotated[bool, typer.Option("--ablate/--no-ablate", help="P2 with each subsystem switched off.")] = True,
    encoder: EncoderOption = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE.json", help="Keep the figures.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure the road map: harm (P0), a new style (P1), forgetting (P2), energy of a token (P3).

    TEXT is topics, code or licences, which are at hand, or a path: plain text, WikiText-2 or Persona-Chat. P2 goes from
    the prose to the first style and back.
    """
    import json

    import hmn_lava as hl
    from hmn_lava.drive import check_output
    from hmn_lava.errors import InputError
    from hmn_lava.files import write_output
    from hmn_lava.language.evaluation import Bench
    from hmn_lava.language.report import run_phases

    for name in phase or ():
        if name.upper() not in PHASES:
            remedy = f"one of: {', '.join(PHASES)}"
            raise InputError("no such phase", field="--phase", value=name, remedy=remedy)
    if output is not None:
        check_output(output)
    styles = style or ["code", "licences"]
    bench = Bench(
        hl.load_spec(spec),
        backend=backend,
        encoder=encoder,
        prose=prose,
        code=styles[0],
        tell=note,
    )
    wanted = tuple(name.upper() for name in phase or PHASES)
    content = {"spec": str(spec), "backend": backend, "plasticity": bench.plasticity, "seeds": seeds}
    content |= run_phases(bench, wanted, seeds, styles, ablate)
    if output is not None:
        text = json.dumps(content, indent=1)
        write_output(output, lambda stream: stream.write(text.encode()))
    if as_json:
        print_json("language evaluate", content)
        return
    print_phases(content)


def print_phases(content: dict[str, Any]) -> None:
    """Print a table for each phase."""
    if "P0" in content:
        rows = [
            (n, f"{r['frozen']:.1f}", f"{r['adapted']:.1f}", f"{r['ratio']:.3f}") for n, r in enumerate(content["P0"])
        ]
        print_table(
            ["section", "frozen", "with adapters", "ratio"], rows, "P0: perplexity of prose, read with learning on"
        )
    if "P1" in content:
        shown: list[tuple[Any, ...]] = [
            (r["text"], r["tokens"], f"{r['frozen']:.1f}", f"{r['adapted']:.1f}", f"{r['ratio']:.3f}")
            for r in content["P1"]
        ]
        columns = ["text", "tokens read", "frozen", "with adapters", "ratio"]
        count = content["P1"][0]["sentences"]
        print_table(columns, shown, f"P1: perplexity after {count} sentences of another style, on the next {count}")
    if "P2" in content:
        means = [
            (r["learner"], r["rate"], r["adaptation"], r["forgetting"], r["left_after_prose"])
            for r in content["P2"]["mean"]
        ]
        columns = ["learner", "rate", f"{content['styles'][0]} / frozen", "forgotten", "left in the end"]
        shown = [tuple(_three(cell) for cell in row) for row in means]
        print_table(columns, shown, f"P2: {content['prose']}, {content['styles'][0]}, and back; means over sections")
    if "P3" in content:
        print_cost(content["P3"])


def print_cost(cost: dict[str, Any]) -> None:
    """Print what a token costs."""
    rows = [
        (name.replace("_", " "), *(f"{cost[name][end] / 1e6:.4g}" for end in ("low", "typical", "high")))
        for name in ("adapters", "adapters_without_lessons", "host", "token")
    ]
    over = cost["overhead"]
    rows.append(("adapters / host", *(f"{over[end]:.3g}" for end in ("low", "typical", "high"))))
    print_table(["uJ a token", "low", "typical", "high"], rows, f"P3: {cost['formula']}")
    note(f"N = {cost['multiplications']} multiplications a token; e: {cost['source']}")
    changed, all_of = cost["weights_changed_per_token"], cost["plastic_synapses"]
    note(f"a token changes {changed:.0f} of {all_of} weights ({100 * changed / all_of:.0f} %)")


def _three(cell: Any) -> Any:
    return f"{cell:.3f}" if isinstance(cell, float) else cell


@app.command()
def tune(
    spec: SpecArgument,
    folder: OutputOption,
    steps: Annotated[int, typer.Option("--steps", metavar="N", min=1, help="Steps of the outer loop.")] = 20,
    encoder: EncoderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let SPSA move the rule's rates and temperatures, and write the spec with what it found."""
    import hmn_lava as hl
    from hmn_lava.drive import check_folder
    from hmn_lava.meta.language import tune_language
    from hmn_lava.spec import dump_spec

    check_folder(folder)
    found = tune_language(hl.load_spec(spec), steps, encoder=encoder, tell=note)
    file = dump_spec(found.spec, folder)
    content: dict[str, Any] = {"file": str(file), "backend": "fast", "start": found.start, "learned": found.learned}
    content |= {"loss_before": found.before, "loss_after": found.after, "history": found.history}
    if as_json:
        print_json("language tune", content)
        return
    rows = [(name, f"{found.start[name]:.4g}", f"{found.learned[name]:.4g}") for name in found.learned]
    losses = f"{found.before:.4f} to {found.after:.4f}"
    print_table(["parameter", "before", "after"], rows, f"loss over the frozen model's: {losses}")
    note(f"wrote {file}")
