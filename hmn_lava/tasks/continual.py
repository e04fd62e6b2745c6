"""Continual learning: images under one corruption after the other, learned online, all of them examined in between.

A stage is a corruption with its lessons. A lesson takes ``LESSON`` steps. Step 0, free: the image alone; the network
answers, and the teaching signal -1 makes it unlearn that answer. Step 1, clamped: the image with its label, which
drives the right neurons up and the others down; +1 makes it learn this. The sum of the two is the delta rule, see
:mod:`hmn_lava.tasks.digits`. The other steps are silent, so that the update has come back before the next image.

After each stage, the test images of all stages are shown for a step each, without teaching: the accuracy matrix
``R[i, j]`` is the share of stage j's that are recognised after i stages, (T + 1, T). The network has ``READOUTS``
readouts of ten neurons each; the answer is the class whose neurons have the largest sum of ``a``. Nobody tells it where
a stage ends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

import hmn_lava as hl
from hmn_lava.errors import InputError
from hmn_lava.session import Session
from hmn_lava.simulator.probes import Probe
from hmn_lava.spec import Spec
from hmn_lava.spec.parameters import with_parameters
from hmn_lava.spec.records import MetaLearningSpec
from hmn_lava.tasks import rivals
from hmn_lava.tasks.base import Meta, Task, Tick, latency_below
from hmn_lava.tasks.digits import Images
from hmn_lava.tasks.image_sets import CLASSES, ImageSet, built_in, cifar_at, mnist_at
from hmn_lava.tasks.stages import Floats, Stage, Stages, draw_stages, measured
from hmn_lava.tasks.subsystems import present, without

LESSON = 8
"""Steps of a lesson."""

READOUTS = 3

EXCERPT = 50
"""Lessons to count operations on."""

EPISODE = (4, 150, 50)
"""Stages, lessons and tests of an episode of meta-learning."""


def lesson(shown: Images) -> dict[str, Floats]:
    """The input that teaches these images, one after the other: (n LESSON, size) for each input population."""
    n, size = len(shown), shown.pixels.shape[1]
    pixels, teach = np.zeros((n, LESSON, size)), np.zeros((n, LESSON, 1))
    label = np.zeros((n, LESSON, READOUTS * CLASSES))
    pixels[:, :2] = shown.pixels[:, None]
    label[:, 1] = np.tile(np.where(np.arange(CLASSES) == shown.digit[:, None], 1.0, -1.0), READOUTS)
    teach[:, 0], teach[:, 1] = -1.0, 1.0
    return {name: values.reshape(n * LESSON, -1) for name, values in zip(_INPUTS, (pixels, label, teach), strict=True)}


_INPUTS = ("pixels", "label", "teach")


def learn(session: Session, shown: Images) -> None:
    """Teach these images."""
    if "readout.w" in session.signals:  # it learns
        latency_below(session, "readout.w", LESSON - 1)
    session.run(lesson(shown), outputs=False)


def examine(session: Session, stages: Sequence[Stage]) -> Floats:
    """Show the test images of all stages, one a step: the share of each stage's that is recognised, (T,)."""
    late = session.latency("out.a")
    shown = np.concatenate([stage.test.pixels for stage in stages])
    pixels = np.concatenate([shown, np.zeros((late, shown.shape[1]))])
    sums = session.run({"pixels": pixels}, probes=[Probe("out.a", start=late)], outputs=False).real("out.a")
    taken_for = sums.reshape(len(shown), -1, CLASSES).sum(1).argmax(1)
    right = taken_for == np.concatenate([stage.test.digit for stage in stages])
    shares: Floats = right.reshape(len(stages), -1).mean(1)
    return shares


def accuracy_matrix(session: Session, stages: Sequence[Stage], tick: Tick = lambda: None) -> Floats:
    """R (T + 1, T): after i stages (0: before the first), the accuracy on stage j."""
    rows = [examine(session, stages)]
    for stage in stages:
        learn(session, stage.train)
        rows.append(examine(session, stages))
        tick()
    return np.array(rows)


def run(session: Session, seed: int, tick: Tick = lambda: None, *, stages: Stages) -> dict[str, float]:
    """Learn the seed's stages one after the other; the figures of :func:`hmn_lava.tasks.stages.measured`."""
    return measured(accuracy_matrix(session, stages(seed), tick))


def plain(spec: Spec, rate: float) -> Spec:
    """The same network as a plain delta rule of this rate: all subsystems off, but for the third factor.

    The three readouts do the same then, and their sum answers as one would.
    """
    cut = without(spec, [name for name in present(spec) if name != "modulation"])
    return with_parameters(cut, {"eta_global": rate})


def loss(session: Session, seed: int) -> float:
    """1 - final accuracy of an episode."""
    return 1.0 - measured(accuracy_matrix(session, _episode(seed)))["final_accuracy"]


def baselines(seed: int) -> dict[str, float]:
    """Losses of answering always 0, as the network does before it learns, and of the delta rule, in an episode."""
    stages = _episode(seed)
    blind = 1.0 - float(np.mean([stage.test.digit == 0 for stage in stages]))
    return {"chance": blind, "delta rule": 1.0 - measured(rivals.delta_rule(stages))["final_accuracy"]}


@lru_cache(maxsize=64)
def _episode(seed: int) -> list[Stage]:
    limit, lessons, tests = EPISODE
    return draw_stages(built_in(), seed, limit=limit, lessons=lessons, tests=tests)


def _task(name: str, title: str, load: Callable[[], ImageSet], parts: int) -> Task:
    """The task on the images that ``load`` gives."""

    @lru_cache(maxsize=2)
    def stages(seed: int) -> list[Stage]:
        return draw_stages(load(), seed)

    def in_integers(seed: int) -> dict[str, float]:
        return run(hl.compile(plain(task.spec(), rivals.RATE_IN_INTEGERS), seed=seed).session(), seed, stages=stages)

    def excerpt(seed: int) -> dict[str, Floats]:
        return lesson(draw_stages(load(), seed, lessons=EXCERPT, tests=1, limit=1)[0].train)

    def rival(learner: Callable[[Sequence[Stage]], Floats], seed: int) -> dict[str, float]:
        return measured(learner(stages(seed)))

    task = Task(
        name=name,
        title=title,
        metrics={
            "final_accuracy": "share of the test images of all stages that are recognised in the end",
            "forgetting": "what was recognised of a stage at best before the last, less what is in the end; mean",
            "backward_transfer": "what is recognised of a stage in the end, less what was right after it; mean",
            "forward_transfer": "what is recognised of a stage right before it, less what was at first; mean",
            "learned_accuracy": "share of a stage's test images that are recognised right after it; mean",
        },
        chance={
            "final_accuracy": 1 / CLASSES,
            "forgetting": 0.0,
            "backward_transfer": 0.0,
            "forward_transfer": 0.0,
            "learned_accuracy": 1 / CLASSES,
        },
        parts=parts,
        run=partial(run, stages=stages),
        file="mnist-c.yaml",
        baselines={
            "delta rule": partial(rival, rivals.delta_rule),
            "delta rule in integers": in_integers,
            "elastic weights": partial(rival, rivals.elastic_weights),
            "frozen": partial(rival, rivals.frozen),
        },
        excerpt=excerpt,
    )
    return task


def _on(name: str, title: str, read: Callable[[Path], ImageSet], path: Path) -> Task:
    images = read(path)
    return _task(name, title, lambda: images, len(images.names))


def _nothing() -> ImageSet:
    remedy = "name the folder of CIFAR-10-C: --data PATH"
    raise InputError("the task cifar-c needs your data", field="data", remedy=remedy)


_MNIST_C = ("mnist-c", "Digits under one corruption after the other")
_CIFAR_C = ("cifar-c", "Pictures under one corruption after the other (your CIFAR-10-C)")

MNIST_C = replace(
    _task(*_MNIST_C, built_in, 16),
    on=partial(_on, *_MNIST_C, mnist_at),
    meta=Meta(
        loss,
        baselines,
        MetaLearningSpec(
            parameters=("eta_global",),
            every=2,
            rate=3.0,
            rate_decay=0.6,
            epsilon=0.3,
            scale="log",
            bounds={"eta_global": (0.25, 128.0)},
        ),
        start={"eta_global": 0.5},
    ),
)

CIFAR_C = replace(
    _task(*_CIFAR_C, _nothing, 15), on=partial(_on, *_CIFAR_C, cifar_at), needs_data="the folder of CIFAR-10-C"
)
