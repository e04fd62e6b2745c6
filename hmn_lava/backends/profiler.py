"""Time, power and energy of a run on a board, through either of the extension's two public interfaces.

* ``profiler``: ``lava.utils.profiler.Profiler.init(run_cfg)`` (lava-nc 0.10.0) and what it hands out: phases of the
  step, power and energy. Preferred.
* ``callbacks``: ``lava.utils.loihi2_profiler.Loihi2Power`` and ``Loihi2ExecutionTime`` in the run configuration's
  ``callback_fxs`` (lava-dl's benchmark notebooks): time per step and power, no phases and no energy.

For the child only: it imports Lava. Both measure one run of one run configuration, which must be a ``Loihi2HwCfg``
itself: ``run_cfg_dict`` of lava/utils/profiler.py is keyed by the exact type, so a subclass is refused there, and here
before anything is built.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hmn_lava.errors import BackendError

Interface = Literal["profiler", "callbacks"]
Quantity = float | NDArray[np.float64]

MICROSECOND = 1e-6
"""Unit of ``Loihi2ExecutionTime`` (lava-dl, netx benchmark notebooks), in s."""


@dataclass(frozen=True, eq=False)
class BoardMeasurement:
    """What a board measured over ``steps`` time steps of the chip; None where it does not measure it.

    Times are in s per step (an array has one entry a step), power in W, energy in J, as the extension gives them: a
    float or an array. ``notes`` says what could not be measured, and why.
    """

    interface: Interface
    steps: int
    execution_time: Quantity | None = None
    spiking_time: Quantity | None = None
    management_time: Quantity | None = None
    pre_learning_management_time: Quantity | None = None
    learning_time: Quantity | None = None
    host_time: Quantity | None = None
    power: Quantity | None = None
    static_power: Quantity | None = None
    dynamic_power: Quantity | None = None
    vdd_power: Quantity | None = None
    vddm_power: Quantity | None = None
    vddio_power: Quantity | None = None
    energy: Quantity | None = None
    static_energy: Quantity | None = None
    dynamic_energy: Quantity | None = None
    allocated_chips: int | None = None
    available_chips: int | None = None
    notes: tuple[str, ...] = ()

    def total(self, name: str) -> float | None:
        """A time over all steps, in s: the sum of an array, or a mean per step times the steps."""
        value = getattr(self, name)
        if value is None:
            return None
        return float(np.sum(value)) if isinstance(value, np.ndarray) else float(value) * self.steps


class Measurement:
    """A measurement that is set up; :meth:`read` it once the run is over and before the Processes are stopped."""

    def __init__(
        self, interface: Interface, steps: int, sources: Mapping[str, Callable[[], Any]], notes: tuple[str, ...]
    ) -> None:
        self.interface, self.steps, self._sources, self._notes = interface, steps, sources, notes

    def read(self) -> BoardMeasurement:
        """Everything that the board gives; what it refuses is None, with a note."""
        values: dict[str, Any] = {}
        notes = list(self._notes)
        for name, source in self._sources.items():
            try:
                values[name] = (int if name.endswith("_chips") else _quantity)(source())
            except Exception as error:  # boards differ in what they measure, and the extension in how it says so
                notes.append(f"{name} was not measured ({_line(error)})")
        return BoardMeasurement(self.interface, self.steps, **values, notes=tuple(notes))


def attach(run_cfg: Any, steps: int, interface: Interface | None = None) -> Measurement:
    """Set up the measurement of the one run that ``run_cfg`` (a Loihi2HwCfg) configures, of ``steps`` steps.

    Call it before the run is compiled. Without ``interface`` it is ``profiler`` where the extension has it, else
    ``callbacks``; the result says which. Raises BackendError where ``run_cfg`` cannot be measured or is measured
    already.
    """
    configurations: Any = import_module("lava.magma.core.run_configs")
    if type(run_cfg) is not configurations.Loihi2HwCfg:
        raise BackendError(
            f"only a run configured by Loihi2HwCfg itself can be measured, and this is {type(run_cfg).__name__}; "
            "nothing was run."
        )
    if getattr(run_cfg, _MARK, False):
        raise BackendError(
            "this run configuration is measured already: the profiler can be configured for one run; make a new one."
        )
    if interface is None:
        interface = "profiler" if _has_profiler(configurations.Loihi2HwCfg) else "callbacks"
    try:
        measurement = (_attach_profiler if interface == "profiler" else _attach_callbacks)(run_cfg, steps)
    except (ImportError, NotImplementedError) as error:
        raise BackendError(f"Lava's extension for Loihi has no {interface} to measure with ({_line(error)}).") from None
    setattr(run_cfg, _MARK, True)
    return measurement


_MARK = "_hmn_lava_measured"

_PROFILER = {
    "execution_time": "execution_time",
    "spiking_time": "spiking_time",
    "management_time": "management_time",
    "pre_learning_management_time": "pre_lrn_mgtm_time",  # as it is spelt there
    "learning_time": "learning_time",
    "host_time": "host_time",
    "allocated_chips": "num_alloc_chips",
    "available_chips": "num_available_chips",
}
_PROFILER_ENERGY = (
    *("power", "static_power", "dynamic_power", "vdd_power", "vddm_power", "vddio_power"),
    *("energy", "static_energy", "dynamic_energy"),
)


def _attach_profiler(run_cfg: Any, steps: int) -> Measurement:
    profiler = import_module("lava.utils.profiler").Profiler.init(run_cfg)
    profiler.execution_time_probe(num_steps=steps)
    sources = dict(_PROFILER)
    notes: tuple[str, ...] = ()
    try:
        profiler.energy_probe(num_steps=steps)
        sources |= {name: name for name in _PROFILER_ENERGY}
    except Exception as error:  # some boards have none; time is measured all the same
        notes = (f"power and energy were not measured: this board has no energy probe ({_line(error)})",)
    return Measurement("profiler", steps, {name: _reader(profiler, what) for name, what in sources.items()}, notes)


def _attach_callbacks(run_cfg: Any, steps: int) -> Measurement:
    module: Any = import_module("lava.utils.loihi2_profiler")
    time = module.Loihi2ExecutionTime()
    sources: dict[str, Callable[[], Any]] = {"execution_time": lambda: _time_per_step(time)}
    run_cfg.callback_fxs.append(time)
    notes: tuple[str, ...] = ("the callbacks measure neither the phases of a step nor energy",)
    try:
        power = module.Loihi2Power(num_steps=steps)
        run_cfg.callback_fxs.append(power)
        sources |= {"power": _reader(power, "total_power"), "static_power": _reader(power, "static_total_power")}
        sources |= {name: _reader(power, name) for name in ("vdd_power", "vddm_power", "vddio_power")}
    except Exception as error:
        notes += (f"power was not measured ({_line(error)})",)
    return Measurement("callbacks", steps, sources, notes)


def _time_per_step(time: Any) -> Any:
    """Seconds per step; the attribute has had two names."""
    name = "execution_time_per_step" if hasattr(time, "execution_time_per_step") else "time_per_step"
    return np.asarray(getattr(time, name), np.float64) * MICROSECOND


def _reader(source: Any, name: str) -> Callable[[], Any]:
    return lambda: getattr(source, name)


def _quantity(value: Any) -> Quantity:
    array = np.array(value, np.float64)  # a copy: the extension's own may go with the board
    return float(array) if array.ndim == 0 else array


def _has_profiler(kind: type) -> bool:
    """Whether the extension has a profiler; asked of Lava's own module, which the extension's may import back."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where there is none
        try:
            return kind in import_module("lava.utils.profiler").run_cfg_dict
        except ImportError:
            return False


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}".rstrip(": ")
