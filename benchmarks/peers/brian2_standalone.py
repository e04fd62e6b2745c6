"""Brian2, as C++ standalone or with cython: the same rules in float, of the same spikes and rewards.

Brian2 has no chip's integers, so nothing is compared bit for bit; its state says whether it is as active. Forms:

* ``clock``: every tag and weight is stepped in every step, in one loop over the synapses and without exponentials.
* ``clock-single``: the same with floats of 32 bits.
* ``clock-shared``: the same, and the modulators are one for all neurons, which the others and hmn-lava do not know:
  there a neuron supplies its own.
* ``event``: tags are Brian2's ``(event-driven)`` variables; weights are stepped from the tags as their last event left
  them, which saves the decay in every step and overrates the tags: the most that Brian2's users leave out.
"""

from __future__ import annotations

import math
import time
from typing import Any

import brian2 as b
import numpy as np
from numpy.typing import NDArray

from benchmarks.child import Job, serve

SPEED = 4e8
"""Updates a second that the length of a round is computed from: the number of steps is compiled in."""
SHORTEST = 100

KEEP = 7 / 8
"""What is left of the neurons' traces after a step."""

RULES: dict[str, dict[str, Any]] = {  # those of work/rules.py in real numbers, down-scaling included
    "three-factor": {
        "losses": {"tag_1": 1 / 32, "tag_2": 1 / 16},
        "on_pre": "tag_1 -= 0.5*y1_post",
        "on_post": "tag_1 += 0.5*x1_pre\ntag_2 += 0.25*x2_pre",
        "step": "w = clip(w + tag_1*y2_post/1024.0 - tag_2*y3_post/2048.0, -256.0, 254.0)",
    },
    "r-stdp": {
        "losses": {"tag_1": 1 / 32},
        "on_pre": "tag_1 -= 0.5*y1_post",
        "on_post": "tag_1 += 0.5*x1_pre",
        "step": "w = clip(w + tag_1*(y2_post - y3_post)/2048.0, -256.0, 254.0)",
    },
    "stdp": {
        "losses": {},
        "on_pre": "w = clip(w - 0.125*y1_post, -256.0, 254.0)",
        "on_post": "w = clip(w + 0.125*x1_pre, -256.0, 254.0)",
        "step": None,
    },
}
FORMS = ("clock", "clock-single", "clock-shared", "event")


class Brian2:
    """One network. In C++ it is built once, and each run starts from the beginning."""

    def __init__(self, job: Job) -> None:
        settings = job.settings
        self._project = str(job.folder / "project")
        self._standalone = settings["device"] == "standalone"
        if self._standalone:
            b.set_device("cpp_standalone", build_on_run=False, directory=self._project)
            b.prefs.devices.cpp_standalone.extra_make_args_unix = ["-j2"]
            b.prefs.devices.cpp_standalone.openmp_threads = settings["threads"] if settings["threads"] > 1 else 0
        else:
            b.prefs.codegen.target = "cython"
        if settings["form"] in ("clock-single", "clock-shared"):
            b.prefs.core.default_float_dtype = np.float32
        b.defaultclock.dt = 1 * b.ms
        network = self._network(settings, job.arrays)
        self.about: dict[str, Any] = {"brian2": b.__version__, "form": settings["form"], "device": settings["device"]}
        if self._standalone:
            steps = max(SHORTEST, round(settings["seconds"] * SPEED / job.arrays["weights"].size))
            network.run(steps * b.ms)
            b.device.build(directory=self._project, run=False, with_output=False)
            self.about["steps"] = steps
        else:
            network.run(1 * b.ms)
        self._run = network.run

    def run(self, steps: int) -> float:
        if self._standalone:
            b.device.run(directory=self._project, with_output=False)
            return float(b.device._last_run_time)
        started = time.perf_counter()
        self._run(steps * b.ms)
        return time.perf_counter() - started

    def state(self) -> dict[str, NDArray[Any]]:
        return {name: np.array(getattr(self._plastic, name)[:]) for name in self._variables}

    def close(self) -> None:
        pass

    def _network(self, settings: dict[str, Any], given: dict[str, NDArray[Any]]) -> b.Network:
        rule, keywords, (n_post, n_pre) = RULES[settings["name"]], settings["rule"], given["weights"].shape
        now = f"(t_in_timesteps % {len(given['pre'])})*dt"  # the input starts again at its end
        taus = {f"tau_{k}": max(keywords.get(f"x{k}_tau", 0.0), 1.0) * b.ms for k in (1, 2)}
        pre = b.NeuronGroup(
            n_pre,
            "dx1/dt = -x1/tau_1 : 1\ndx2/dt = -x2/tau_2 : 1",
            threshold=f"pre_spikes({now}, i) > 0.5",
            reset="x1 = clip(x1 + 64, 0, 127)\nx2 = clip(x2 + 32, 0, 127)",
            method="exact",
            namespace={"pre_spikes": b.TimedArray(given["pre"].astype(np.float64), dt=1 * b.ms), **taus},
        )
        shared = " (shared)" if settings["form"] == "clock-shared" else ""
        post = b.NeuronGroup(
            n_post,
            f"y1 : 1\ny2 : 1{shared}\ny3 : 1{shared}",
            threshold=f"post_spikes({now}, i) > 0.5",
            reset="y1 = clip(y1 + 64, 0, 127)",
            namespace={
                "post_spikes": b.TimedArray(given["y0"].astype(np.float64), dt=1 * b.ms),
                "reward": b.TimedArray(given["reward"].astype(np.float64), dt=1 * b.ms),
            },
        )
        decay = post.run_regularly(f"y1 = {KEEP}*y1")
        modulate = post.run_regularly(
            f"y2 = clip({KEEP}*y2 + clip(reward({now}), 0, 127), 0, 127)\n"
            f"y3 = clip({KEEP}*y3 + clip(-reward({now}), 0, 127), 0, 127)"
        )
        event = settings["form"] == "event"
        model, step = ["w : 1"], []
        for tag, loss in rule["losses"].items():
            tau = -1 / math.log(1 - loss)
            model.append(f"d{tag}/dt = -{tag}/({tau}*ms) : 1 (event-driven)" if event else f"{tag} : 1")
            if not event:
                step.append(f"{tag} = {1 - loss}*{tag}")
        if rule["step"] is not None:
            step.append(rule["step"])
        self._plastic = b.Synapses(pre, post, "\n".join(model), on_pre=rule["on_pre"], on_post=rule["on_post"])
        self._plastic.connect()
        self._plastic.w = given["weights"].T.astype(np.float64).ravel()
        self._variables = ("w", *rule["losses"])
        parts = [pre, post, decay, modulate, self._plastic]
        if step:
            parts.append(self._plastic.run_regularly("\n".join(step)))
        return b.Network(*parts)


if __name__ == "__main__":
    serve(Brian2)
