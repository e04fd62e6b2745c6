"""What a child process is given to run, and what it gives back: a folder. No Lava here.

::

    bundle/        the bundle
    job.json       steps, probes, what is observed, when it began
    given.npz      the host's input, messages in flight and states
    NAME.npy       what a probe recorded
    found.npz      messages in flight and states after the run
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.fixed import Integers
from hmn_lava.simulator.probes import Probe, Recorder

if TYPE_CHECKING:
    from hmn_lava.bundle import Bundle

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Job:
    """``steps`` steps of the model, from a snapshot on. ``driven`` is the host's input, (steps, size) each.

    ``probes`` are recorded, and ``observe`` names the observables among them, by group. ``settings`` are what a backend
    needs besides.
    """

    bundle: Bundle
    steps: int
    driven: Mapping[str, Integers]
    snapshot: Arrays
    probes: tuple[Probe, ...]
    observe: Mapping[str, tuple[str, ...]]
    settings: Mapping[str, Any]

    @property
    def start(self) -> int:
        """Steps of the chip that were run before."""
        return int(self.snapshot["time"][0])

    def write(self, folder: Path) -> None:
        """Write all that a child needs, and the files that it fills."""
        self.bundle.save(folder / "bundle")
        plain = {
            "steps": self.steps,
            "probes": [asdict(probe) for probe in self.probes],
            "observe": {group: list(names) for group, names in self.observe.items()},
            "settings": dict(self.settings),
        }
        (folder / "job.json").write_text(json.dumps(plain))
        given = {f"driven/{name}": values for name, values in self.driven.items()}
        np.savez(folder / "given.npz", **given, **{f"snapshot/{name}": value for name, value in self.snapshot.items()})
        for number, probe in enumerate(self.probes):
            shape = (len(probe.samples(self.steps)), *self.bundle.network.signals[probe.signal].shape)
            np.save(recorded(folder, number), np.zeros(shape, np.int64))

    @classmethod
    def read(cls, folder: Path) -> Job:
        """Read what :meth:`write` wrote."""
        from hmn_lava.bundle import load

        plain = json.loads((folder / "job.json").read_text())
        with np.load(folder / "given.npz") as file:
            given = {name: file[name] for name in file.files}
        return cls(
            load(folder / "bundle"),
            plain["steps"],
            _part(given, "driven/"),
            _part(given, "snapshot/"),
            tuple(Probe(**probe) for probe in plain["probes"]),
            {group: tuple(names) for group, names in plain["observe"].items()},
            plain["settings"],
        )


def recorded(folder: Path, number: int) -> Path:
    """The file of the probe with this number."""
    return folder / f"probe-{number}.npy"


def finish(folder: Path, snapshot: Arrays) -> None:
    """Leave the state after the run; the child's last word."""
    np.savez(folder / "found.npz", **snapshot)


def collect(folder: Path, job: Job, recorder: Recorder) -> Arrays:
    """Fill ``recorder`` with what was recorded; returns the snapshot after the run."""
    for number, probe in enumerate(job.probes):
        recorder.data[probe.signal][...] = np.load(recorded(folder, number))
    with np.load(folder / "found.npz") as file:
        return {name: file[name] for name in file.files}


def _part(arrays: Arrays, prefix: str) -> Arrays:
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}
