"""Drives parts without Lava: one alone on given input, or several with wires between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from hmn_lava.partition import Part
from hmn_lava.reference.parts import FloatPart
from hmn_lava.simulator.part import PartExecutor

Arrays = dict[str, np.ndarray]
Change = Callable[[Any, int], None]


def alone(
    executor: PartExecutor | FloatPart, inputs: Mapping[str, np.ndarray], steps: int, change: Change | None = None
) -> Arrays:
    """What each port of a part sends, (steps, size); ``change(executor, t)`` is called before step t."""
    sent: dict[str, list[np.ndarray]] = {out.name: [] for out in executor.part.outputs}
    for t in range(steps):
        if change is not None:
            change(executor, t)
        executor.step_once(lambda port, t=t: inputs[port][t], lambda port, values: sent[port].append(np.array(values)))
    return {port: np.array(values) for port, values in sent.items()}


class Wired:
    """Parts with wires (name, port) to (name, port), each stepped as Lava does: early ports wait for their sender.

    Their order must let early messages come from parts before them.
    """

    def __init__(self, parts: Mapping[str, Any], wires: list[tuple[str, str]]) -> None:
        self.parts = dict(parts)
        self.wires = [(tuple(a.split(".")), tuple(b.split("."))) for a, b in wires]
        self._late: dict[tuple[str, ...], Any] = {}

    def step(self, sent: dict[tuple[str, ...], np.ndarray]) -> dict[tuple[str, ...], np.ndarray]:
        """One step; ``sent`` holds what host inputs send, and is filled with what the parts send."""
        kept: dict[str, dict[str, np.ndarray]] = {}
        for name, executor in self.parts.items():
            part = executor.part
            late = {port.name for port in part.inputs if not port.early}
            kept[name] = {port: np.zeros(self._size(part, port)) for port in late}

            def receive(port: str, name: str = name, late: set[str] = late) -> Any:
                return kept[name][port] if port in late else self._arriving(name, port, sent)

            def send(port: str, values: Any, name: str = name) -> None:
                sent[name, port] = np.array(values)

            executor.step_once(receive, send)
        for name, ports in kept.items():  # what is read in the next step is received when all have sent
            executor = self.parts[name]
            for port in ports:
                ring = executor.buffers[port, "x"] if isinstance(executor, PartExecutor) else executor._rings[port]
                ring[(executor.time - 1) % executor.part.depth] = self._arriving(name, port, sent)
        return sent

    def _arriving(self, name: str, port: str, sent: Mapping[tuple[str, ...], np.ndarray]) -> Any:
        return np.sum([sent[a] for a, b in self.wires if b == (name, port)], axis=0)

    @staticmethod
    def _size(part: Part, port: str) -> int:
        return next(p.size for p in part.inputs if p.name == port)
