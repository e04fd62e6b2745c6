"""Stand-in for the callbacks that measure on a board (interface A of lava-dl's benchmark notebooks)."""

import numpy as np
from extension_calls import record
from lava.magma.core.callback_fx import NxSdkCallbackFx

MICROSECONDS = 58.42
"""Per step: any number would do."""


class _Callback(NxSdkCallbackFx):
    def __init__(self, **arguments) -> None:
        record(type(self).__name__, **arguments)

    def pre_run_callback(self, board=None, var_id_to_var_model_map=None) -> None:
        """Nothing is there to be set up."""

    def post_run_callback(self, board=None, var_id_to_var_model_map=None) -> None:
        """Nothing is there to be read."""


class Loihi2Power(_Callback):
    """Power of the rails, in W."""

    def __init__(self, num_steps: int = 0) -> None:
        super().__init__(num_steps=num_steps)
        self.vdd_power = np.full(3, 0.2)
        self.vddm_power = np.full(3, 0.1)
        self.vddio_power = np.full(3, 0.05)
        self.total_power = np.full(3, 0.35)
        self.static_vdd_power = 0.15
        self.static_total_power = 0.25


class Loihi2ExecutionTime(_Callback):
    """Time per step, in microseconds."""

    def __init__(self) -> None:
        super().__init__()
        self.time_per_step = np.full(4, MICROSECONDS)
        self.execution_time_per_step = self.time_per_step
        self.avg_time_per_step = MICROSECONDS


class Loihi2Memory(_Callback):
    """Memory in use, by core."""

    core_idx = np.zeros(1, int)
    total_mpds = np.zeros(1, int)


class Loihi2Activity(_Callback):
    """Activity, by core."""

    core_idx = np.zeros(1, int)
    syn_ops = dendrite_updates = axon_out = spikes_in = np.zeros(1, int)
