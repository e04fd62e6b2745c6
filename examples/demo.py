"""Learn handwritten digits in the chip's integers, next to the float model: `make demo`.

Prints a table and writes demo-output/digits.png, with the learned weights and both learning curves.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import hmn_lava as hl
from hmn_lava.tasks import digits

HERE = Path(__file__).parent
PICTURE = Path("demo-output", "digits.png")
SEED = 0
WINDOW = 200
"""Images that a point of the learning curve averages over."""


@dataclass(frozen=True)
class Outcome:
    """What one backend learned."""

    right: NDArray[np.bool_]  # of each training image in its order: recognised before its label was shown
    test_accuracy: float
    weights: NDArray[np.float64]  # (10, 64)
    seconds: float


def learn(bundle: hl.Bundle, backend: str) -> Outcome:
    """Learn and take the test on a backend."""
    begin = time.perf_counter()
    lessons, test = digits.split(SEED)
    session = bundle.session(backend)
    right = []
    for epoch, shown in enumerate(lessons, 1):
        print(f"  {backend}: epoch {epoch} of {len(lessons)}", file=sys.stderr)
        right.append(digits.learn(session, shown) == shown.digit)
    accuracy = float(np.mean(digits.examine(session, test) == test.digit))
    return Outcome(np.concatenate(right), accuracy, session.real("readout.w"), time.perf_counter() - begin)


def table(integers: Outcome, exact: Outcome) -> str:
    """Compare the two in a few lines."""
    w, v = integers.weights.ravel(), exact.weights.ravel()
    cosine = w @ v / (np.linalg.norm(w) * np.linalg.norm(v))
    first, last = slice(0, digits.TRAIN), slice(-digits.TRAIN, None)
    rows = [
        ("", "integers", "float"),
        ("test accuracy", f"{integers.test_accuracy:.3f}", f"{exact.test_accuracy:.3f}"),
        ("accuracy, first pass", f"{integers.right[first].mean():.3f}", f"{exact.right[first].mean():.3f}"),
        ("accuracy, last pass", f"{integers.right[last].mean():.3f}", f"{exact.right[last].mean():.3f}"),
        ("largest |weight|", f"{np.abs(w).max():.3f}", f"{np.abs(v).max():.3f}"),
        ("seconds", f"{integers.seconds:.1f}", f"{exact.seconds:.1f}"),
    ]
    lines = [f"{name:<22}{a:>10}{b:>10}" for name, a, b in rows]
    lines.append(f"weights: cosine similarity {cosine:.5f}, largest difference {np.abs(w - v).max():.4f}")
    return "\n".join(lines)


def draw(integers: Outcome, exact: Outcome, file: Path) -> None:
    """Write the picture: weights as 8 x 8 images, float above integers, and the learning curves below."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(11, 6.5), layout="constrained")
    grid = figure.add_gridspec(3, 10, height_ratios=[1, 1, 2.2])
    limit = max(np.abs(integers.weights).max(), np.abs(exact.weights).max())
    for row, (label, outcome) in enumerate([("float", exact), ("integers", integers)]):
        for digit in range(10):
            axes = figure.add_subplot(grid[row, digit])
            axes.imshow(outcome.weights[digit].reshape(8, 8), cmap="RdBu_r", vmin=-limit, vmax=limit)
            axes.set(xticks=[], yticks=[])
            if digit == 0:
                axes.set_ylabel(label)
            if row == 0:
                axes.set_title(str(digit))
    axes = figure.add_subplot(grid[2, :])
    for label, outcome, style in [("float", exact, "-"), ("integers", integers, "--")]:
        curve = np.convolve(outcome.right, np.full(WINDOW, 1 / WINDOW), "valid")
        seen = np.arange(WINDOW, WINDOW + len(curve))
        axes.plot(seen, curve, style, label=f"{label}, test {outcome.test_accuracy:.3f}")
    for epoch in range(1, digits.EPOCHS):
        axes.axvline(epoch * digits.TRAIN, color="0.85", zorder=0)
    axes.axhline(0.1, color="0.6", linestyle=":", label="chance")
    axes.set(xlabel="images seen", ylabel=f"recognised before told, mean of {WINDOW}")
    axes.set(xlim=(0, len(exact.right)), ylim=(0, 1))
    axes.legend(loc="lower right")
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=120)
    plt.close(figure)


def main() -> None:
    """Compile, learn twice, compare."""
    bundle = hl.compile(HERE / "digits.yaml", profile="loihi2", seed=SEED)
    synapses = bundle.model.connections["readout"].n_syn
    print(f"digits: {synapses} plastic synapses, compiled for {bundle.profile.name}, plasticity {bundle.plasticity}")
    integers, exact = learn(bundle, "fast"), learn(bundle, "reference")
    print(table(integers, exact))
    draw(integers, exact, PICTURE)
    print(f"picture: {PICTURE}")


if __name__ == "__main__":
    main()
