"""The constants and the picture of the results on continual learning (docs/results/p1.md).

``python -m benchmarks.roadmap.continual grid``: rates of the other learners, on seeds that no result is reported on;
``... matrix -o p1.png``: figures and mean accuracy matrices of seeds 0 to 4, also as p1.npz.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

import hmn_lava as hl
from hmn_lava.pictures import check_picture, new_figure, save_picture
from hmn_lava.tasks import TASKS, Metric, rivals
from hmn_lava.tasks.continual import accuracy_matrix, plain
from hmn_lava.tasks.image_sets import built_in
from hmn_lava.tasks.stages import Floats, Stage, draw_stages, measured

CHOSEN_ON = range(100, 108)
"""Seeds that constants are chosen on."""

Stages = list[list[Stage]]


def grid() -> None:
    """Print final accuracy and forgetting of every learner with each constant that was tried, and the best."""
    stages = [draw_stages(built_in(), seed) for seed in CHOSEN_ON]
    rates = [(rate,) for rate in rivals.GRID]
    pairs = [(rate, strength) for rate in rivals.GRID for strength in rivals.STRENGTHS]
    choose("delta rule", rivals.delta_rule, rates, stages)
    choose("delta rule in integers", in_integers, rates, stages)
    choose("elastic weights", rivals.elastic_weights, pairs, stages)
    choose("frozen", rivals.frozen, rates, stages)


def in_integers(stages: list[Stage], rate: float = rivals.RATE_IN_INTEGERS, plasticity: str = "neurocore") -> Floats:
    """The accuracy matrix of the network as a plain delta rule."""
    spec = plain(TASKS["mnist-c"].spec(), rate)
    return accuracy_matrix(hl.compile(spec, plasticity=plasticity).session(), stages)


def choose(name: str, learner: Callable[..., Floats], tried: Iterable[tuple[float, ...]], stages: Stages) -> None:
    """Print the figures of a learner with each choice of its constants, and which has the highest final accuracy."""
    reached = {}
    for constants in tried:
        found = [measured(learner(drawn, *constants)) for drawn in stages]
        final, lost = (float(np.mean([one[key] for one in found])) for key in ("final_accuracy", "forgetting"))
        reached[constants] = final
        print(f"{name:24} {constants!s:14} final {final:.4f} forgetting {lost:.4f}", flush=True)
    print(f"{name}: best {max(reached, key=reached.__getitem__)}", flush=True)


def matrix(picture: Path, seeds: int) -> None:
    """Print the figures of the HMN rule and of the others; write their mean matrices, as numbers and as a picture."""
    check_picture(picture, "--output")

    def hmn(stages: list[Stage], seed: int, plasticity: str) -> Floats:
        bundle = hl.compile(TASKS["mnist-c"].spec(), plasticity=plasticity, seed=seed)
        return accuracy_matrix(bundle.session(), stages)

    learners: dict[str, Callable[[list[Stage], int], Floats]] = {
        "HMN, neurocore": lambda stages, seed: hmn(stages, seed, "neurocore"),
        "HMN, engine": lambda stages, seed: hmn(stages, seed, "engine"),
        "delta rule": lambda stages, seed: rivals.delta_rule(stages),
        "delta, neurocore": lambda stages, seed: in_integers(stages),
        "delta, engine": lambda stages, seed: in_integers(stages, plasticity="engine"),
        "elastic weights": lambda stages, seed: rivals.elastic_weights(stages),
        "frozen": lambda stages, seed: rivals.frozen(stages),
    }
    drawn = [draw_stages(built_in(), seed) for seed in range(seeds)]
    matrices = {}
    for name, learner in learners.items():
        each = [learner(stages, seed) for seed, stages in enumerate(drawn)]
        figures = [measured(one) for one in each]
        print(name, *(f"{key} {Metric.of([one[key] for one in figures]).mean:.4f}" for key in figures[0]), flush=True)
        print(f"    per seed {[round(one['final_accuracy'], 4) for one in figures]}", flush=True)
        matrices[name] = np.mean(each, 0)
    np.savez(picture.with_suffix(".npz"), **{name.replace(", ", "_"): found for name, found in matrices.items()})
    figure = new_figure(11, 2.9)
    axes = figure.subplots(1, 4)
    for axis, name in zip(axes, ("HMN, neurocore", "delta rule", "elastic weights"), strict=False):
        shown = axis.imshow(matrices[name], vmin=0.1, vmax=0.9)
        axis.set(title=name, xlabel="stage examined", ylabel="stages learned")
    figure.colorbar(shown, ax=axes[2], label="accuracy")
    for name in ("HMN, neurocore", "HMN, engine", "delta rule", "elastic weights", "frozen"):
        found = matrices[name]
        seen = [found[i, :i].mean() for i in range(1, len(found))]
        axes[3].plot(range(1, len(found)), seen, label=name)
    axes[3].set(title="stages learned so far", xlabel="stages learned", ylabel="mean accuracy")
    axes[3].legend(fontsize="x-small")
    save_picture(figure, picture, dpi=80)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("grid")
    drawing = commands.add_parser("matrix")
    drawing.add_argument("-o", "--output", type=Path, default=Path("p1.png"))
    drawing.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    if arguments.command == "grid":
        grid()
    else:
        matrix(arguments.output, arguments.seeds)


if __name__ == "__main__":
    main()
