"""Train a spiking network by three plasticities, merge them to one tensor a layer, and run it in the chip's integers.

scikit-learn's digits, half a minute. λ of each layer says how much a mechanism counts; the last lines, what is left of
the accuracy in the float model of the chip, and in its integers.
"""

from pathlib import Path

import hmn_lava as hl
from hmn_lava.training.choose import chosen_settings
from hmn_lava.training.data import samples_at
from hmn_lava.training.deploy import deploy, integers, load_run
from hmn_lava.training.fit import test_accuracy, train

FOLDER = Path("demo-output") / "mpsl"
DATA = "digits"


def main() -> None:
    """Train, merge, compile and test."""
    settings = chosen_settings(DATA)
    samples = samples_at(DATA, settings.steps, settings.seed)
    trained = train(samples, settings, FOLDER, show, DATA)
    print(f"{settings.name} on {DATA}: {settings.layers}, {settings.epochs} epochs")
    for number, scales in enumerate(trained.network.lambdas(), 1):
        print(f"layer {number}: " + ", ".join(f"lambda_{n} {value:.2f}" for n, value in enumerate(scales, 1)))
    print(f"test accuracy: {test_accuracy(trained.network, samples):.3f}")
    run = load_run(FOLDER)
    deployed = deploy(run)
    bundle = hl.compile(deployed.spec, seed=0)
    bundle.save(f"{FOLDER}.bundle")
    found = integers(run, deployed, len(samples.labels("test")))
    print(f"merged, compiled for {bundle.profile.name}: {bundle.placement.cores} cores")
    print(f"float model of the chip: {found.reference:.3f}; its integers: {found.integers:.3f}; backend fast")


def show(done: int, total: int) -> None:
    """A point for each tenth."""
    if done and done * 10 // total > (done - 1) * 10 // total:
        print(".", end="" if done < total else "\n", flush=True)


if __name__ == "__main__":
    main()
