"""One row, run: what a worker is sent, what it does, and what it sends back."""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import hmn_lava as hl
from hmn_lava.drive import drive
from hmn_lava.errors import BackendError, HmnError
from hmn_lava.hardware_profiles import Profile
from hmn_lava.spec import Spec, spec_from_dict, spec_to_dict

ARRAYS = "arrays.npz"


@dataclass(frozen=True)
class Job:
    """Everything that a row depends on, as plain values and arrays: a worker needs no file of the client's.

    ``spec`` and ``arrays`` are what :func:`spec_to_dict` makes, ``profile`` the whole content of the hardware profile,
    ``task`` the name of a task, or None for a run of ``steps`` steps on the spec's stimulus; ``data`` the path of a
    user's own data for the task, which the worker reads. ``version`` is the client's.
    """

    spec: dict[str, Any]
    arrays: dict[str, NDArray[Any]]
    seed: int
    plasticity: str
    backend: str
    profile: dict[str, Any]
    task: str | None
    steps: int | None
    version: str
    data: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What a row gave: its metrics, or the text of its error; and the versions that it ran with."""

    metrics: Mapping[str, float] = field(default_factory=dict)
    error: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)


def spec_content(spec: Spec) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The spec and its arrays, with every file that it refers to read. Raises InputError."""
    return spec_to_dict(spec, ARRAYS, empty=False)


def versions() -> dict[str, str]:
    """The versions that a row may depend on."""
    return {"hmn_lava": version("hmn-lava"), "numpy": np.__version__, "python": platform.python_version()}


def run_job(job: Job) -> Outcome:
    """Run one row. What goes wrong in it is its outcome; a worker with another hmn-lava raises BackendError."""
    here = versions()
    if here["hmn_lava"] != job.version:
        raise BackendError(
            f"a worker has hmn-lava {here['hmn_lava']}, this sweep needs {job.version}: install the same on all workers"
        )
    try:
        return Outcome(_measure(job), None, here)
    except HmnError as error:
        return Outcome({}, str(error), here)
    except Exception as error:
        # A task may meet a network that its protocol was not written for. The others go on.
        return Outcome({}, f"{type(error).__name__}: {error}", here)


def _measure(job: Job) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="hmn-lava-sweep-") as name:
        folder = Path(name)
        if job.arrays:
            np.savez(folder / ARRAYS, **job.arrays)
        spec = spec_from_dict(job.spec, folder)
        profile = Profile.model_validate(job.profile)
        bundle = hl.compile(spec, profile=profile, plasticity=job.plasticity, seed=job.seed)
        if job.task is None:
            return _observe(bundle, job.backend, job.steps)
    from hmn_lava.tasks import find_task

    session, task = bundle.session(job.backend, threads=1), find_task(job.task, job.data)
    return {name: float(value) for name, value in task.run(session, job.seed, lambda: None).items()}


def _observe(bundle: hl.Bundle, backend: str, steps: int | None) -> dict[str, float]:
    """What a run on the spec's stimulus gives.

    ``mean.P``: mean of z over steps and neurons of population P; ``messages.P``: how many of these were not zero;
    ``weight_change.C``: mean of |w(end) - w(start)| over the synapses of connection C; ``cores`` that it takes.
    """
    inputs, length = drive(bundle, None, steps)
    session = bundle.session(backend, threads=1)
    learning = [name for name in bundle.spec.connections if f"{name}.w" in bundle.network.signals]
    before = {name: session.real(f"{name}.w").copy() for name in learning}
    result = session.run(inputs, length)
    found: dict[str, float] = {}
    for signal, values in result.outputs.items():
        population = signal.removesuffix(".z")
        known = values[np.isfinite(values)]
        found[f"mean.{population}"] = float(known.mean())
        found[f"messages.{population}"] = float(result.counts[signal])
    for name, start in before.items():
        found[f"weight_change.{name}"] = float(np.abs(session.real(f"{name}.w") - start).mean())
    return {**found, "cores": float(bundle.placement.cores)}
