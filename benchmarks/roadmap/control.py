"""Learning curves of the control tasks: ``python -m benchmarks.roadmap.control NAME ... -o FOLDER``.

Each side of a task on each seed is a line of ``FOLDER/NAME.jsonl``, with the mean reward of every episode; what is
there already is not run again. From the lines come a table of the metrics, printed, and ``FOLDER/control.png``.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import hmn_lava as hl
from hmn_lava.pictures import check_picture, new_figure, save_picture
from hmn_lava.tasks import TASKS
from hmn_lava.tasks.control import SMOOTH, WORLDS, Floats, measured, play
from hmn_lava.tasks.policy_gradient import actor_critic, blind

SIDES = ("integers", "engine", "float", "learning off", "actor-critic", "random")
"""HMN in both lowerings and in the float reference, without learning, and who else does the same."""

WITHOUT = "without "
COLOURS = ("tab:blue", "tab:cyan", "black", "tab:gray", "tab:orange", "tab:red")

Curves = dict[str, dict[int, Floats]]
"""Mean reward of each episode, by side and seed."""


def curve(name: str, side: str, seed: int) -> Floats:
    """Mean reward of each episode of one side; ``without A+B`` is the network without these subsystems."""
    world = WORLDS[name]
    if side in ("actor-critic", "random"):
        return (actor_critic if side == "actor-critic" else blind)(world, seed, world.episodes)
    cut = side.removeprefix(WITHOUT).split("+") if side.startswith(WITHOUT) else []
    spec = TASKS[name].spec(learning=side != "learning off", without=cut)
    bundle = hl.compile(spec, plasticity="engine" if side == "engine" else "neurocore", seed=seed)
    return play(bundle.session("reference" if side == "float" else "fast"), world, seed)


def curves(name: str, sides: Sequence[str], seeds: int, file: Path) -> Curves:
    """The curves of these sides on seeds 0 .. ``seeds`` - 1, from the file or run and written to it."""
    found: Curves = {}
    for line in file.read_text().splitlines() if file.exists() else ():
        row = json.loads(line)
        found.setdefault(row["side"], {})[row["seed"]] = np.array(row["rewards"])
    for seed in range(seeds):
        for side in sides:
            if seed not in found.setdefault(side, {}):
                found[side][seed] = curve(name, side, seed)
                row = {"side": side, "seed": seed, "rewards": np.round(found[side][seed], 5).tolist()}
                with file.open("a") as out:
                    out.write(json.dumps(row) + "\n")
                print(f"{name}, {side}, seed {seed}: {found[side][seed].mean():.3f}", file=sys.stderr, flush=True)
    return {side: {seed: found[side][seed] for seed in range(seeds)} for side in sides}


def table(name: str, found: Curves) -> str:
    """Mean and sample standard deviation of each metric over the seeds, as Markdown."""
    metrics = list(TASKS[name].metrics)
    rows = [f"| {name} | {' | '.join(metrics)} |", "|---" * (len(metrics) + 1) + "|"]
    for side, of in found.items():
        values = [measured(WORLDS[name], rewards) for rewards in of.values()]
        cells = []
        for metric in metrics:
            each = np.array([value[metric] for value in values])
            digits = 0 if metric == "steps_to_level" else 3
            cells.append(f"{each.mean():.{digits}f} ± {each.std(ddof=1) if len(each) > 1 else 0.0:.{digits}f}")
        rows.append(f"| {side} | {' | '.join(cells)} |")
    return "\n".join(rows)


def draw(found: dict[str, Curves], file: Path) -> None:
    """The mean curve of each side over the seeds, smoothed over five episodes, with its standard error."""
    check_picture(file)
    figure = new_figure(4.2 * len(found), 3.2)
    for axes, (name, sides) in zip(figure.subplots(1, len(found), squeeze=False)[0], found.items(), strict=True):
        for side, colour in zip(SIDES, COLOURS, strict=True):
            if side not in sides:
                continue
            each = np.array([np.convolve(r, np.ones(SMOOTH) / SMOOTH, "valid") for r in sides[side].values()])
            steps = (np.arange(each.shape[1]) + SMOOTH) * WORLDS[name].actions
            mean, error = each.mean(0), each.std(0) / len(each) ** 0.5
            axes.plot(steps, mean, color=colour, lw=1.2, label=side)
            axes.fill_between(steps, mean - error, mean + error, color=colour, alpha=0.15, lw=0)
        axes.set_title(name, fontsize=10)
        axes.set_xlabel("actions")
        axes.set_ylim(0.0, 1.0)
    figure.axes[0].set_ylabel("mean reward")
    max(figure.axes, key=lambda axes: len(axes.lines)).legend(fontsize=7)
    save_picture(figure, file, dpi=52)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is missing, print the tables, draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+", choices=WORLDS, metavar="NAME", help=", ".join(WORLDS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sides", nargs="+", default=list(SIDES), metavar="SIDE", help='also "without SUBSYSTEM"')
    parser.add_argument("-o", "--folder", type=Path, required=True)
    given = parser.parse_args(arguments)
    given.folder.mkdir(parents=True, exist_ok=True)
    found = {name: curves(name, given.sides, given.seeds, given.folder / f"{name}.jsonl") for name in given.names}
    for name in given.names:
        print(table(name, found[name]), end="\n\n")
    draw(found, given.folder / "control.png")


if __name__ == "__main__":
    main()
