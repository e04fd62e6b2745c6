"""Two backends side by side: where they part first, by how much, and which lowering decision touches that signal."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hmn_lava.errors import InputError
from hmn_lava.files import write_output
from hmn_lava.simulator.result import Result

if TYPE_CHECKING:
    from hmn_lava.backends.contained import Limits
    from hmn_lava.bundle import Bundle

TOLERANCE = 1.0 / 64.0
"""How far a float and an integer signal may be apart.

As a share of the float signal's largest magnitude, before they count as parted.
"""


@dataclass(frozen=True)
class Divergence:
    """The first place where two backends differ.

    ``step`` is the executors' step; ``lowering`` names the parameters that shape the signal.
    """

    signal: str
    step: int
    index: tuple[int, ...]
    a: float
    b: float
    lowering: tuple[str, ...]


@dataclass(frozen=True)
class SignalError:
    """How far a signal is off over the whole run.

    ``snr_db`` = 10 log10(Σ a² / Σ (a - b)²), None where a and b are equal or a is zero throughout. ``bound`` is the
    largest error that counts as agreement: 0 between integers.
    """

    max_abs_error: float
    snr_db: float | None
    label: str
    bound: float
    unit: float


@dataclass(frozen=True)
class Comparison:
    """The outcome of :func:`compare`."""

    backends: tuple[str, str]
    steps: int
    equal: bool
    first_divergence: Divergence | None
    signals: dict[str, SignalError]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def compare(
    bundle: Bundle,
    a: str,
    b: str,
    *,
    inputs: Mapping[str, ArrayLike] | None = None,
    steps: int | None = None,
    signals: Iterable[str] | None = None,
    tolerance: float = TOLERANCE,
    threads: int | None = None,
    limits: Limits | None = None,
    host: str | None = None,
    translator: str | None = None,
) -> Comparison:
    """Run ``bundle`` on backends ``a`` and ``b`` with the same input and compare every signal at every step.

    Two integer backends agree if every integer is equal. Against the float reference, a signal agrees while its error
    stays within ``tolerance`` of its largest magnitude; behind a threshold or a random choice the two part for good
    once a choice fell differently, and the first divergence tells where. Raises InputError, also where there is no
    signal to compare, and BackendError for a backend that is not here.
    """
    if not (math.isfinite(tolerance) and tolerance >= 0):
        raise InputError(
            "must be finite and not negative", field="tolerance", value=tolerance, remedy="a share such as 0.01"
        )
    if "board" not in (a, b) and (host, translator) != (None, None):
        remedy = "leave them out, or compare with the backend board"
        raise InputError("only a board has these", field="host, translator", value=(host, translator), remedy=remedy)
    sessions = []
    for name in (a, b):
        place, plug_in = (host, translator) if name == "board" else (None, None)
        sessions.append(bundle.session(name, threads=threads, limits=limits, host=place, translator=plug_in))
    shared = [name for name in bundle.network.signals if all(name in session.signals for session in sessions)]
    if signals is not None:
        wanted = list(signals)
        if unknown := [name for name in wanted if name not in shared]:
            raise InputError(
                "no signal of both backends", field="signals", value=unknown[0], remedy=f"one of: {', '.join(shared)}"
            )
        if not wanted:
            raise InputError(
                "no signal to compare", field="signals", value=signals, remedy="name some, or leave it out for all"
            )
        shared = wanted
    if not shared:
        raise InputError("the backends share no signal", field="backends", value=f"{a},{b}", remedy="choose others")
    first, second = (session.run(inputs, steps, shared) for session in sessions)
    exact = all(np.issubdtype(r.raw[name].dtype, np.integer) for r in (first, second) for name in shared)
    errors, divergences = {}, []
    for name in shared:
        errors[name], divergence = _signal(name, bundle, first, second, exact, tolerance)
        if divergence is not None:
            divergences.append(divergence)
    # Where several part at one model step, the one that comes first on the way of the messages is the cause.
    earliest = min(divergences, key=lambda d: (d.step - bundle.network.latency(d.signal), d.step), default=None)
    return Comparison((first.backend, second.backend), first.steps, earliest is None, earliest, errors)


def keep_record(file: str | os.PathLike[str], bundle: str | os.PathLike[str], found: Comparison) -> None:
    """Write a comparison as JSON, with what it was made of: the bundle's manifest hash, versions, the time.

    Raises InputError if the file cannot be written; then the old one stays.
    """
    content = {
        "hmn_lava": metadata.version("hmn-lava"),
        "when": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "bundle": str(bundle),
        "manifest_sha256": hashlib.sha256((Path(bundle) / "manifest.json").read_bytes()).hexdigest(),
        **found.as_dict(),
    }
    text = json.dumps(content, indent=2)
    write_output(Path(file), lambda stream: stream.write(text.encode()))


def _signal(
    name: str, bundle: Bundle, first: Result, second: Result, exact: bool, tolerance: float
) -> tuple[SignalError, Divergence | None]:
    signal = bundle.network.signals[name]
    if exact:
        apart: NDArray[Any] = first.raw[name] != second.raw[name]
        x, y, bound = first.real(name), second.real(name), 0.0
        error = np.abs(x - y)
    else:
        x, y = first.real(name), second.real(name)
        error = np.abs(x - y)
        error[: bundle.network.latency(name)] = (
            0.0  # before the model's first step has come through, the signal means nothing
        )
        # Rounding may cost two units; a spike is there or not.
        rounding = 2.0 * signal.format.unit if signal.format.bits > 1 else 0.5
        bound = max(tolerance * float(np.abs(x).max(initial=0.0)), rounding)
        apart = error > bound
    power, noise = float(np.sum(x**2)), float(np.sum(error**2))
    snr = 10.0 * math.log10(power / noise) if power > 0 and noise > 0 else None
    result = SignalError(float(error.max(initial=0.0)), snr, signal.label, bound, signal.format.unit)
    if not apart.any():
        return result, None
    place = tuple(int(n) for n in np.argwhere(apart)[0])
    touches = tuple(row["parameter"] for row in bundle.lowering if row["target"].rpartition(".")[0] == signal.owner)
    return result, Divergence(
        name, place[0], place[1:], float(x[place]), float(y[place]), tuple(dict.fromkeys(touches))
    )
