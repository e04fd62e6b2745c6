"""``hmn-lava mpsl``: train a spiking network with three plasticities, merge them, and deploy what comes out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hmn_lava.cli.output import JsonOption, note, percent, print_json, print_table

if TYPE_CHECKING:
    from hmn_lava.estimate import Estimate

app = typer.Typer(help="Train with three plasticities (MPSL), merge, deploy.")

RunArgument = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a training run.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELD=VALUE", help="Any other field of the settings; may be repeated."),
]
DataOption = Annotated[
    str,
    typer.Option("--data", metavar="DATA", help="mnist, digits, or a path: MNIST's files, DVS-Gesture or N-MNIST."),
]
LayersOption = Annotated[
    str | None, typer.Option("--layers", metavar="L", help="Hidden layers, such as 12c5s2,p2,128; or the data's usual.")
]
EpochsOption = Annotated[int | None, typer.Option("--epochs", metavar="N", min=1, help="Passes over the samples.")]
BatchesOption = Annotated[int | None, typer.Option("--batch", metavar="N", min=1, help="Samples of a batch.")]
StepsOption = Annotated[int | None, typer.Option("--steps", metavar="T", min=1, help="Time steps of a sample.")]
MovedOption = Annotated[
    str | None, typer.Option("--data", metavar="DATA", help="Where the run's data are, if they have moved.")
]
MechanismsOption = Annotated[
    str | None, typer.Option("--mechanisms", metavar="M", help="Which learn: stbp,hebbian,sbp or fewer. [all]")
]
FusionOption = Annotated[
    str | None, typer.Option("--fusion", metavar="F", help="learned, equal, or three numbers. [learned]")
]
GuidedOption = Annotated[
    bool | None, typer.Option("--guided/--unguided", help="The global error trains eta, beta and kappa. [guided]")
]
ReuseOption = Annotated[
    bool | None, typer.Option("--reuse/--no-reuse", help="SBP takes up the Hebbian changes. [reuse]")
]


@app.callback(invoke_without_command=True)
def mpsl(context: typer.Context, as_json: JsonOption = False) -> None:
    """Train, test, export and compare networks; without a command, list the data at hand and the experiments."""
    if context.invoked_subcommand is not None:
        if as_json:  # given before the subcommand, it means the subcommand's output
            context.default_map = {context.invoked_subcommand: {"as_json": True}}
        return
    from hmn_lava.training.data import BUILT_IN
    from hmn_lava.training.variants import EXPERIMENTS

    if as_json:
        print_json("mpsl", {"data": dict(BUILT_IN), "experiments": dict(EXPERIMENTS), "backend": None})
        return
    print_table(["data", "what it is"], list(BUILT_IN.items()), "data at hand; any other name is a path")
    print_table(["experiment", "what is compared"], list(EXPERIMENTS.items()))


@app.command()
def train(
    folder: RunArgument,
    data: DataOption = "mnist",
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Of weights, order and split.")] = 0,
    layers: LayersOption = None,
    steps: StepsOption = None,
    epochs: EpochsOption = None,
    batch: BatchesOption = None,
    mechanisms: MechanismsOption = None,
    fusion: FusionOption = None,
    guided: GuidedOption = None,
    reuse: ReuseOption = None,
    others: SetOption = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", metavar="FILE.png", help="Draw lambda and what it weighs, by epoch.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Train a network into DIR, and test it. A run that was stopped goes on.

    Example: hmn-lava mpsl train run --data mnist --picture lambda.png
    """
    from hmn_lava.drive import check_folder, check_output
    from hmn_lava.pictures import check_picture
    from hmn_lava.training import require_torch
    from hmn_lava.training.choose import chosen_settings

    require_torch()
    if picture is not None:
        check_picture(picture)
        check_output(picture)
    settings = chosen_settings(
        data,
        others or (),
        seed=seed,
        layers=layers,
        steps=steps,
        epochs=epochs,
        batch=batch,
        mechanisms=mechanisms,
        fusion=fusion,
        guided=guided,
        reuse=reuse,
    )
    from hmn_lava.training.data import full_name, samples_at
    from hmn_lava.training.fit import test_accuracy
    from hmn_lava.training.fit import train as run
    from hmn_lava.training.pictures import draw_lambdas

    check_folder(folder)
    samples = samples_at(data, settings.steps, settings.seed)
    note(f"each epoch is kept in {folder}; the same command goes on with a run that was stopped")
    with percent("training") as tell:
        trained = run(samples, settings, folder, tell, full_name(data))
    accuracy = test_accuracy(trained.network, samples)
    if picture is not None:
        draw_lambdas(trained, picture)
    last = trained.history[-1]
    if as_json:
        content = {
            "folder": str(folder),
            "data": data,
            "settings": settings.model_dump(mode="json"),
            "backend": "torch",
        }
        print_json("mpsl train", {**content, "test_accuracy": accuracy, "history": trained.history})
        return
    rows = [
        (number, *(f"{value:.3f}" for value in scales), *(f"{value:.2f}" for value in norms))
        for number, (scales, norms) in enumerate(zip(last["lambda"], last["norm"], strict=True), 1)
    ]
    columns = ["layer", "lambda_1", "lambda_2", "lambda_3", "STBP's norm", "Hebbian's", "SBP's"]
    print_table(
        columns, rows, f"{settings.name} on {data}: {settings.epochs} epochs, {settings.layers}, seed {settings.seed}"
    )
    note(f"right about {last['accuracy']:.4f} of the training samples in the last epoch, {accuracy:.4f} of the test")
    note(f"next: hmn-lava mpsl export {folder} -o SPEC")


@app.command()
def test(
    folder: RunArgument,
    perturbation: Annotated[
        str | None, typer.Option("--perturbation", metavar="P", help="gaussian, salt-and-pepper or crop.")
    ] = None,
    level: Annotated[
        list[float] | None, typer.Option("--level", metavar="X", help="How much of it; may be repeated.")
    ] = None,
    data: MovedOption = None,
    as_json: JsonOption = False,
) -> None:
    """Test a trained network on its test samples, as they are or perturbed."""
    from hmn_lava.training import require_torch

    require_torch()
    from hmn_lava.training.deploy import load_run
    from hmn_lava.training.robustness import tested

    run = load_run(folder, data)
    rows = tested(run, perturbation, level or ())
    if as_json:
        content = [{"perturbation": name, "level": each, "accuracy": found} for name, each, found in rows]
        print_json("mpsl test", {"folder": str(folder), "data": run.data, "backend": "torch", "tests": content})
        return
    print_table(["test samples", "level", "accuracy"], [(name, each, f"{found:.4f}") for name, each, found in rows])


@app.command()
def export(
    folder: RunArgument,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Where to write the spec.")],
    graph: Annotated[Path | None, typer.Option("--graph", metavar="FILE.nir", help="Also write the NIR graph.")] = None,
    plastic: Annotated[
        bool, typer.Option("--plastic", help="Keep the last layer's Hebbian rule: it learns on, with labels as input.")
    ] = False,
    samples: Annotated[
        int, typer.Option("--samples", metavar="N", min=0, help="Test samples to compare integers with floats on.")
    ] = 1000,
    inputs: Annotated[
        Path | None, typer.Option("--inputs", metavar="IN.npz", help="Also write ten test samples, for `run --input`.")
    ] = None,
    data: MovedOption = None,
    as_json: JsonOption = False,
) -> None:
    """Merge a trained network, write it as a spec, and say what its integers keep of its accuracy."""
    import hmn_lava as hl
    from hmn_lava.drive import check_folder, check_output
    from hmn_lava.training import require_torch

    require_torch()
    from hmn_lava.training.deploy import deploy, integers, load_run, write_inputs

    check_folder(output)
    for written in (graph, inputs):
        if written is not None:
            check_output(written)
    run = load_run(folder, data)
    deployed = deploy(run, plastic=plastic, graph=graph)
    file = hl.dump_spec(deployed.spec, output)
    if inputs is not None:
        write_inputs(run, deployed, inputs)
    with percent("samples") as tell:
        found = integers(run, deployed, samples, tell) if samples else None
    if as_json:
        content: dict[str, Any] = {"file": str(file), "data": run.data, "backend": "fast", "plastic": plastic}
        content["findings"] = [finding.as_dict() for finding in deployed.findings]
        print_json("mpsl export", {**content, "accuracy": None if found is None else found.as_dict()})
        return
    for finding in deployed.findings:
        note(str(finding))
    if found is not None:
        rows = [
            ("PyTorch, as it was trained", f"{found.trained:.4f}"),
            ("float reference of the spec", f"{found.reference:.4f}"),
            ("integers of the chip", f"{found.integers:.4f}"),
            ("the same answer in floats and integers", f"{found.agreement:.4f}"),
        ]
        print_table(["", "accuracy"], rows, f"{found.samples} test samples of {run.data}")
    engine = " --plasticity engine" if plastic else ""
    note(f"wrote {file}; next: hmn-lava compile {output}{engine} -o {output}.bundle")
    if inputs is not None:
        note(f"then: hmn-lava run {output}.bundle --input {inputs}")


@app.command()
def adapt(
    folder: RunArgument,
    perturbation: Annotated[
        str, typer.Option("--perturbation", metavar="P", help="gaussian, salt-and-pepper or crop.")
    ] = "gaussian",
    level: Annotated[float, typer.Option("--level", metavar="X", min=0.0, max=1.0, help="How much of it.")] = 0.2,
    lessons: Annotated[int, typer.Option("--lessons", metavar="N", min=1, help="Labelled training samples.")] = 500,
    samples: Annotated[int, typer.Option("--samples", metavar="N", min=1, help="Test samples.")] = 500,
    gain: Annotated[
        float, typer.Option("--gain", metavar="G", min=1e-3, help="How much faster than in training it learns.")
    ] = 1.0,
    data: MovedOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let the last layer's Hebbian rule learn on, in the chip's integers, from perturbed samples with labels."""
    from hmn_lava.training import require_torch

    require_torch()
    from hmn_lava.training.deploy import load_run
    from hmn_lava.training.online import adapt as teach

    found = teach(load_run(folder, data), perturbation, level, lessons, samples, gain)
    content = {"before": found.before, "after": found.after, "lessons": found.lessons, "samples": found.samples}
    if as_json:
        print_json("mpsl adapt", {"folder": str(folder), "backend": "fast", "plasticity": "engine", **content})
        return
    rows = [("before", f"{found.before:.4f}"), (f"after {found.lessons} lessons", f"{found.after:.4f}")]
    print_table(["", "accuracy"], rows, f"{found.samples} test samples, {perturbation} {level:g}; plasticity engine")


@app.command()
def experiment(
    name: Annotated[str, typer.Argument(metavar="NAME", help="mechanisms, fusion or robustness.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="The networks, a folder each; what is there goes on.")
    ],
    data: DataOption = "mnist",
    seeds: Annotated[int, typer.Option("--seeds", metavar="N", min=1, help="Run with the seeds 0 to N-1.")] = 3,
    layers: LayersOption = None,
    steps: StepsOption = None,
    epochs: EpochsOption = None,
    batch: BatchesOption = None,
    variant: Annotated[
        list[str] | None, typer.Option("--variant", metavar="V", help="A variant to train; may be repeated. [all]")
    ] = None,
    by_hand: Annotated[
        str | None, typer.Option("--by-hand", metavar="A,B,C", help="Of fusion: lambda set by hand. [1,0.5,0.25]")
    ] = None,
    level: Annotated[
        list[str] | None,
        typer.Option("--level", metavar="P=X,...", help="Of robustness: levels of a perturbation; may be repeated."),
    ] = None,
    workers: Annotated[int, typer.Option("--workers", metavar="N", min=1, help="Processes that train.")] = 1,
    others: SetOption = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", metavar="FILE.png", help="Draw the accuracies with their intervals.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Train variants over seeds at an equal budget, and compare them: the paper's first three experiments.

    Example: hmn-lava mpsl experiment robustness -o runs --picture robustness.png
    """
    from hmn_lava.drive import check_folder, check_output
    from hmn_lava.pictures import check_picture
    from hmn_lava.training import require_torch
    from hmn_lava.training.choose import check_experiment, chosen_levels, chosen_settings, three_numbers
    from hmn_lava.training.variants import BY_HAND, variants

    require_torch()
    if picture is not None:
        check_picture(picture)
        check_output(picture)
    check_experiment(name, others or (), by_hand, level)
    settings = chosen_settings(data, others or (), layers=layers, steps=steps, epochs=epochs, batch=batch)
    wanted, numbers = chosen_levels(level), three_numbers(by_hand, "--by-hand") if by_hand else BY_HAND
    variants(name, settings, numbers, variant or ())  # unknown names are told before PyTorch is loaded
    from hmn_lava.training.data import full_name
    from hmn_lava.training.experiments import run_experiment
    from hmn_lava.training.pictures import draw_experiment

    check_folder(output)
    with percent("networks") as tell:
        found = run_experiment(
            name,
            full_name(data),
            settings,
            output,
            seeds=seeds,
            by_hand=numbers,
            levels=wanted,
            only=variant or (),
            workers=workers,
            tell=tell,
            say=note,
        )
    if picture is not None:
        draw_experiment(found, picture)
    if as_json:
        print_json("mpsl experiment", {"backend": "torch", **found.as_dict()})
        return
    rows = [
        (row.variant, row.perturbation, f"{row.level:g}", *_with_interval(row.accuracy), *_with_interval(row.behind))
        for row in found.rows
    ]
    columns = ["variant", "test samples", "level", "accuracy", "95 %", f"{found.rows[0].variant} is ahead by", "95 %"]
    print_table(columns, rows, f"{name}: {data}, {settings.layers}, {settings.epochs} epochs, {seeds} seeds")


def _with_interval(estimate: Estimate | None) -> tuple[str, str]:
    if estimate is None:
        return "", ""
    if estimate.low is None or estimate.high is None:
        return f"{estimate.mean:.4f}", ""
    return f"{estimate.mean:.4f}", f"{estimate.low:.4f} to {estimate.high:.4f}"
