"""When each message of a framed network arrives: offsets in steps of the chip, and how long a frame is.

Where synapses learn, the payloads that they learn from are at their axons in the first step of a frame, and their
neurons read the current in the second. By the last step of the trace epoch the neurons have sent y0 and written y1, by
that of the weight epoch the third factors. The frame is the shortest power of two in which that is possible.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from hmn_lava.compiler.schedule import Schedule, longest_paths, modulation_offset
from hmn_lava.errors import Finding
from hmn_lava.fixed import Integers
from hmn_lava.spec.model import Connection, Hebbian, Model, Rule
from hmn_lava.topology import compact

SHORTEST, LONGEST = 4, 32
"""Steps of a frame."""

SHORTEST_HEBBIAN = 2
"""The same where all that learns is hebbian: x is at the axons in the one step, the voltage in its trace in the other.
"""

THIRD_STEPS = 1
"""Steps from a neuron's z to the first third factor that its program can write in the same frame."""

PAYLOAD_STEPS = 3
"""Steps from z to the payload of attention: to the terms of the context, to their sum, to the presynaptic side."""


@dataclass(frozen=True, eq=False)
class EngineSchedule(Schedule):
    """Offsets as in :class:`Schedule`; ``update`` is when a neuron writes the third factor of a connection."""

    payload: Mapping[str, int] = field(default_factory=dict)
    """Connection -> when the payloads of attention leave."""
    third_lag: Mapping[str, int] = field(default_factory=dict)
    """Connection -> steps of the model by which its third factor is older than the eligibility it meets."""

    @property
    def epoch(self) -> int:
        """Steps of an epoch of the learning engine, of which a frame has two."""
        return self.frame // 2

    def start(self, post: str) -> int:
        """When the payloads to a population are at the axons: the first step of a frame, if synapses onto it learn."""
        return self.arrive[post] - 1


def schedule(model: Model, max_delay: int) -> tuple[EngineSchedule, list[Finding]]:
    """The schedule with the shortest frame among those with the least lag of the third factors; its findings."""
    found = []
    frame = SHORTEST_HEBBIAN if hebbian(model) and not learning(model) else SHORTEST
    while frame <= LONGEST:
        attempt = _framed(model, frame, max_delay)
        if attempt is not None:
            found.append(attempt)
        frame *= 2
    return min(found, key=lambda result: (sum(result[0].third_lag.values()), result[0].frame))


def learning(model: Model) -> list[tuple[Connection, Rule]]:
    """The connections whose weights the engine changes by the HMN rule."""
    return [(c, c.rule) for c in model.connections.values() if c.rule is not None and c.rule.learning]


def hebbian(model: Model) -> list[tuple[Connection, Hebbian]]:
    """The hebbian connections whose weights the engine changes."""
    return [(c, c.hebbian) for c in model.connections.values() if c.hebbian is not None and c.hebbian.learning]


def _framed(model: Model, frame: int, max_delay: int) -> tuple[EngineSchedule, list[Finding]] | None:
    """The schedule with this frame; None if it is too short.

    Where what modulates a rule takes more steps from the host's input than x, learning starts a frame later.
    """
    found = [_starting(model, frame, first, max_delay) for first in (0, frame)]
    return min((f for f in found if f is not None), key=lambda f: sum(f[0].third_lag.values()), default=None)


def _starting(model: Model, frame: int, first: int, max_delay: int) -> tuple[EngineSchedule, list[Finding]] | None:
    """The schedule in which the first payloads that are learned from are at their axons in step ``first``."""
    learns = frozenset(c.post for c in model.connections.values() if c.learns)
    arrive, emit = longest_paths(model, dict.fromkeys(model.connections, 1), frame, learns, 1 + first)
    delay: dict[str, Integers] = {}
    message_delay: dict[str, Integers] = {}
    modulate: dict[str, int] = {}
    update: dict[str, int] = {}
    payload: dict[str, int] = {}
    lag: dict[str, int] = {}
    findings = []
    epoch = frame // 2
    for name, c in model.connections.items():
        slack = arrive[c.post] - emit[c.pre] - 1
        asked = compact(c.delay)
        wanted = frame * asked + slack
        extra = np.where(wanted < 0, -(wanted // frame), 0)  # whole frames more, where a loop is too short
        delay[name] = asked + extra
        message_delay[name] = wanted + frame * extra
        if extra.max(initial=0) > 0:
            remedy = "A loop takes the time of its messages; ask for a longer delay, or run the reference as compiled."
            longer = f"{int(extra.max())} steps longer than asked for"
            findings.append(Finding("loop-latency", f"connections.{name}.delay", longer, 0, "warning", remedy))
        longest = int(message_delay[name].max(initial=0))
        if c.rule is not None and c.rule.learning:
            start, z = arrive[c.post] - 1, emit[c.post]
            if z > start + epoch - 1:
                return None
            modulate[name] = modulation_offset(model, c.rule, emit)
            earliest = z + THIRD_STEPS
            if c.rule.attention is not None:
                payload[name] = max(z + PAYLOAD_STEPS, start + epoch)
                earliest = payload[name] + 1
                if earliest > start + frame - 1:
                    return None
                longest = max(longest, int((frame * delay[name] + payload[name] - emit[c.pre] - 1).max(initial=0)))
            third = modulate[name] + 1
            lag[name] = max(0, -((start + frame - 1 - third) // frame))
            update[name] = max(third - lag[name] * frame, earliest)
            if update[name] > start + frame - 1:
                return None
            if lag[name]:
                remedy = "What modulates these synapses comes from behind another learning layer; or use neurocore."
                late = f"{lag[name]} steps of the model behind the eligibility"
                findings.append(Finding("third-factor-lag", f"connections.{name}", late, 0, "warning", remedy))
        if longest > max_delay:
            remedy = f"Lower the delay: a step of the model takes {frame} steps of the chip."
            findings.append(Finding("max-delay", f"connections.{name}.delay", longest, max_delay, "error", remedy))
    weight_lag = {name: 0 for name, c in model.connections.items() if c.learns}
    return (
        EngineSchedule(
            arrive, emit, delay, message_delay, modulate, update, weight_lag, frame, payload=payload, third_lag=lag
        ),
        findings,
    )
