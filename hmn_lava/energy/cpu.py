"""The same updates on this computer: time, and energy where its counters can be read.

Linux shows the energy counters of a processor package (RAPL) as files, ``energy_uj`` in microjoules, which wrap at
``max_energy_range_uj`` (Linux kernel, Documentation/power/powercap/powercap.rst). They count everything that the
package does meanwhile, not this program alone. Where they cannot be read, the energy is unknown.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from hmn_lava.bundle import Bundle

POWERCAP = Path("/sys/class/powercap")
MICROJOULE = 1e6
"""pJ."""


@dataclass(frozen=True)
class OnCpu:
    """Time and energy of ``updates`` weight updates by ``backend`` on ``threads`` (None: all) threads.

    ``seconds`` is the time by the clock. ``energy`` is in pJ and None where it is unknown; ``why`` says why. It is that
    of the whole package, of which this program is one user.
    """

    backend: str
    threads: int | None
    updates: int
    seconds: float
    energy: float | None
    why: str

    def as_dict(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "energy_unit": "pJ",
            "ns_per_update": self.seconds * 1e9 / self.updates if self.updates else None,
            "energy_per_update": self.energy / self.updates if self.updates and self.energy is not None else None,
        }

    def texts(self) -> tuple[str, str]:
        """Energy and time of an update, or where there is none of the run, to read."""
        each, of = (self.updates, "update") if self.updates else (1, "run")
        energy = f"unknown: {self.why}" if self.energy is None else f"{self.energy / each:.4g} pJ a {of} ({self.why})"
        return energy, f"{self.seconds * 1e9 / each:.4g} ns a {of}"


def measure(
    bundle: Bundle,
    inputs: Mapping[str, ArrayLike] | None,
    steps: int,
    updates: int,
    threads: int | None = None,
    powercap: Path = POWERCAP,
) -> OnCpu:
    """Run ``steps`` steps on the fast executor, without counting, and measure; the second of two runs counts."""
    session = bundle.session("fast", threads=threads)
    session.run(inputs, steps, outputs=False)  # machine code is made, arrays are in memory
    before, start = _counters(powercap), time.perf_counter()
    session.run(inputs, steps, outputs=False)
    seconds, after = time.perf_counter() - start, _counters(powercap)
    if not before or before.keys() != after.keys():
        reason = f"no energy counter of a processor package can be read in {powercap}"
        return OnCpu("fast", threads, updates, seconds, None, reason)
    joined = sum((now - then) % span for (then, span), (now, _) in zip(before.values(), after.values(), strict=True))
    return OnCpu("fast", threads, updates, seconds, joined * MICROJOULE, "RAPL, all that the packages did meanwhile")


def _counters(folder: Path) -> dict[str, tuple[int, int]]:
    """(microjoules, range) of each processor package; none where any cannot be read."""
    found: dict[str, tuple[int, int]] = {}
    for zone in sorted(folder.glob("*rapl:*")):
        try:
            if (zone / "name").read_text().startswith("package"):
                span = int((zone / "max_energy_range_uj").read_text()) + 1
                found[zone.name] = (int((zone / "energy_uj").read_text()), span)
        except (OSError, ValueError):
            return {}
    return found
