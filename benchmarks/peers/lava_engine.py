"""Lava's LearningDense in fixed point, in Lava's own runtime, driven by ring buffers."""

from __future__ import annotations

import time
from importlib.metadata import version
from typing import Any

import numpy as np
from lava.magma.core.learning.learning_rule import Loihi2FLearningRule, Loihi3FLearningRule
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.dense.process import LearningDense
from lava.proc.io.source import RingBuffer
from numpy.typing import NDArray

from benchmarks.child import Job, serve

SHOWN = {"weights": "weights", "tag_1": "tag_1", "tag_2": "tag_2", "x1": "x1", "x2": "x2"}


class LavaEngine:
    """The rule, its spikes and what the neurons supply, each from a ring buffer that starts again at its end."""

    def __init__(self, job: Job) -> None:
        keywords = dict(job.settings["rule"])
        three = keywords.pop("factors") == 3
        rule = (Loihi3FLearningRule if three else Loihi2FLearningRule)(**keywords, rng_seed=0)
        given = job.arrays
        self._dense = LearningDense(
            weights=given["weights"],
            tag_1=np.zeros_like(given["weights"]),
            tag_2=np.zeros_like(given["weights"]),
            learning_rule=rule,
        )
        sources = {"pre": "s_in", "y0": "s_in_bap"}
        if three:
            sources |= {f"y{k}": f"s_in_y{k}" for k in (1, 2, 3)}
        for name, port in sources.items():
            RingBuffer(data=given[name].T.astype(np.int32)).s_out.connect(getattr(self._dense, port))
        self._configuration = Loihi2SimCfg(select_tag="fixed_pt")
        self._dense.create_runtime(self._configuration)
        self.about = {"lava-nc": version("lava-nc"), "numpy": np.__version__}

    def run(self, steps: int) -> float:
        started = time.perf_counter()
        self._dense.run(condition=RunSteps(num_steps=steps), run_cfg=self._configuration)
        return time.perf_counter() - started

    def state(self) -> dict[str, NDArray[Any]]:
        return {name: np.asarray(getattr(self._dense, var).get()).astype(np.int64) for name, var in SHOWN.items()}

    def close(self) -> None:
        self._dense.stop()


if __name__ == "__main__":
    serve(LavaEngine)
