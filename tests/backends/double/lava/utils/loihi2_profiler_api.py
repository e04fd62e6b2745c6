"""Stand-in for the profiler behind ``lava.utils.profiler.Profiler`` (interface B).

It does not import ``lava.utils.profiler``, which imports it. What it answers, a test sets:

* ``HMN_LAVA_DOUBLE_LEARNING``: microseconds of learning per step, one number for each profiler in turn;
* ``HMN_LAVA_DOUBLE_NO_ENERGY=1``: a board whose energy cannot be measured.
"""

import os

import numpy as np
from extension_calls import CALLS, record

MICRO = 1e-6


class Loihi2HWProfiler:
    """Answers with constants, and only for what was asked of it."""

    num_alloc_chips = 1
    num_available_chips = 1

    def __init__(self, run_cfg) -> None:
        before = sum(name == "Loihi2HWProfiler" for name, _ in CALLS)
        given = os.environ.get("HMN_LAVA_DOUBLE_LEARNING", "3.0").split(",")
        self._learning = float(given[min(before, len(given) - 1)])
        self._steps = self._energy_steps = None
        record("Loihi2HWProfiler", run_cfg=type(run_cfg).__name__)

    def execution_time_probe(self, num_steps=None, t_start=None, t_end=None, dt=None, buffer_size=None) -> None:
        record("execution_time_probe", num_steps=num_steps)
        self._steps = num_steps

    def energy_probe(self, num_steps=None, t_start=None, t_end=None, dt=None, buffer_size=None) -> None:
        record("energy_probe", num_steps=num_steps)
        if os.environ.get("HMN_LAVA_DOUBLE_NO_ENERGY") == "1":
            raise NotImplementedError("this board has no energy probe")
        self._energy_steps = num_steps

    def activity_probe(self) -> None:
        record("activity_probe")

    def memory_probe(self) -> None:
        record("memory_probe")

    def _times(self, microseconds: float) -> np.ndarray:
        if self._steps is None:
            raise ValueError("no execution time probe")
        return np.full(self._steps, microseconds * MICRO)

    def _energy(self, value: float) -> float:
        if self._energy_steps is None:
            raise ValueError("no energy probe")
        return value

    execution_time = property(lambda self: self._times(58.42))
    spiking_time = property(lambda self: self._times(20.0))
    management_time = property(lambda self: self._times(5.0))
    learning_time = property(lambda self: self._times(self._learning))
    pre_lrn_mgtm_time = property(lambda self: self._times(1.0))
    host_time = property(lambda self: self._times(2.0))
    power = property(lambda self: self._energy(1.8))
    static_power = property(lambda self: self._energy(1.78))
    dynamic_power = property(lambda self: self._energy(0.02))
    vdd_power = property(lambda self: self._energy(1.0))
    vddm_power = property(lambda self: self._energy(0.5))
    vddio_power = property(lambda self: self._energy(0.3))
    energy = property(lambda self: self._energy(1e-4))
    static_energy = property(lambda self: self._energy(9e-5))
    dynamic_energy = property(lambda self: self._energy(1e-5))
