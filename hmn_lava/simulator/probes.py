"""Probes: which signals a run records, at which steps, in memory that is bounded before the run begins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.errors import InputError
from hmn_lava.network import Signal

MEMORY_LIMIT = 1 << 30
"""Bytes that the probes of one run may take together."""

_LAST = 1 << 62  # of a step, a word of the machine


@dataclass(frozen=True)
class Probe:
    """Record ``signal`` after the steps start, start + stride, ...

    below stop (None: to the end). Its text form: NAME[@start:stop:stride].
    """

    signal: str
    start: int = 0
    stop: int | None = None
    stride: int = 1

    @classmethod
    def parse(cls, text: str) -> Probe:
        """A probe from its text form, e.g. ``readout.w@0:1000:10``; raises InputError."""
        name, _, window = text.partition("@")
        parts = window.split(":") if window else []
        try:
            if len(parts) > 3:
                raise ValueError
            start, stop, stride = (int(p) if p else None for p in (*parts, "", "", "")[:3])
            probe = cls(name, start or 0, stop, 1 if stride is None else stride)
            if (
                not 0 <= probe.start <= _LAST
                or not 1 <= probe.stride <= _LAST
                or (probe.stop is not None and probe.stop <= probe.start)
            ):
                raise ValueError
        except ValueError:
            raise InputError(
                "not a probe",
                field="probe",
                value=text,
                remedy="write NAME or NAME@start:stop:stride, as in readout.w@0:1000:10",
            ) from None
        return probe

    def samples(self, steps: int) -> range:
        """The steps of a run of ``steps`` steps after which it records."""
        return range(self.start, steps if self.stop is None else min(self.stop, steps), self.stride)


class Recorder:
    """Holds what the probes of one run record."""

    def __init__(self, probes: Iterable[Probe | str], signals: Mapping[str, Signal], steps: int, dtype: type) -> None:
        self.probes = [p if isinstance(p, Probe) else Probe.parse(p) for p in probes]
        for probe in self.probes:
            if probe.start < 0 or probe.stride < 1:
                remedy = "begin at step 0 or later, with a stride of 1 or more"
                raise InputError("not a probe", field="probe", value=probe, remedy=remedy)
            if probe.signal not in signals:
                raise InputError(
                    "no such signal", field="probe", value=probe.signal, remedy=f"one of: {', '.join(sorted(signals))}"
                )
            if sum(other.signal == probe.signal for other in self.probes) > 1:
                raise InputError("named twice", field="probe", value=probe.signal, remedy="give each signal one probe")
        sizes = {p.signal: (len(p.samples(steps)), *signals[p.signal].shape) for p in self.probes}
        need = sum(int(np.prod(shape, dtype=object)) for shape in sizes.values()) * np.dtype(dtype).itemsize
        if need > MEMORY_LIMIT:
            raise InputError(
                "the probes need too much memory",
                field="probe",
                value=f"{need / 2**20:.0f} MiB",
                remedy=f"stay below {MEMORY_LIMIT >> 20} MiB: a stride or a window, as in NAME@0:1000:10",
            )
        self.data: dict[str, NDArray[Any]] = {name: np.zeros(shape, dtype) for name, shape in sizes.items()}

    def wanted(self, step: int) -> list[str]:
        """The signals to record after ``step`` of this run."""
        return [p.signal for p in self.probes if self._due(p, step)]

    def record(self, step: int, name: str, values: NDArray[Any]) -> None:
        """Keep ``values`` of a signal after ``step``."""
        probe = next(p for p in self.probes if p.signal == name)
        target = self.data[name][(step - probe.start) // probe.stride]
        target[...] = np.asarray(values).reshape(target.shape)

    @staticmethod
    def _due(probe: Probe, step: int) -> bool:
        inside = step >= probe.start and (probe.stop is None or step < probe.stop)
        return inside and (step - probe.start) % probe.stride == 0
