"""Reads a text token by token: the frozen part answers, the adapters correct it, and the next token is their lesson."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Protocol

import numpy as np

from hmn_lava.errors import Finding, FitError, InputError
from hmn_lava.language.adapters import MODULATORS
from hmn_lava.language.encoder import Ints, Singles
from hmn_lava.language.frozen import Floats, Frozen
from hmn_lava.language.modulators import Modulators
from hmn_lava.session import Session
from hmn_lava.simulator.probes import Probe
from hmn_lava.spec.host import LanguageHost


@dataclass(frozen=True, eq=False)
class Lesson:
    """What the token after ``state`` (d,) taught: the ``error`` of the answer (d,), and the ``modulators`` (3,)."""

    state: Floats
    error: Floats
    modulators: Floats


class Learner(Protocol):
    """What stands between the state of a token and the answer."""

    def exchange(self, state: Floats, lesson: Lesson | None) -> Floats:
        """Learn from the lesson of the token before, if there is one; return the state with what it adds, (d,)."""


class Nothing:
    """No adapters: the frozen model."""

    def exchange(self, state: Floats, lesson: Lesson | None) -> Floats:
        return state


class Adapters:
    """The adapters of a session, on any backend: one exchange of ``period`` steps a token.

    Raises InputError for a network that has no such adapters, FitError where the answer comes too late.
    """

    def __init__(self, session: Session, host: LanguageHost) -> None:
        self.session, self.host = session, host
        inputs = session.network.inputs
        wanted = {"state", "error", "sign", *(f"{name}_now" for name in MODULATORS)}
        if inputs.keys() != wanted or "out.z" not in session.signals:
            remedy = "compile a spec that `hmn-lava language fit` wrote"
            raise InputError("has not the inputs of adapters", field="inputs", value=sorted(inputs), remedy=remedy)
        late = host.query + session.latency("out.z")
        if late >= host.period:
            remedy = f"use a period of {late + 1} steps or more"
            finding = Finding("token-period", "host.period", late + 1, host.period, "error", remedy)
            raise FitError(f"the answer comes too late on {session.backend}:", [finding])
        self._probe = Probe("out.z", start=late, stride=host.period)
        self._sizes = {name: source.size for name, source in inputs.items()}
        self._opposite = inputs["state"].size > inputs["error"].size

    def exchange(self, state: Floats, lesson: Lesson | None) -> Floats:
        return self.answer(state, self.inputs(state, lesson))

    def inputs(self, state: Floats, lesson: Lesson | None) -> dict[str, Floats]:
        """The inputs of a token, (period, size) each: the lesson's two steps, and the state."""
        inputs = {name: np.zeros((self.host.period, size)) for name, size in self._sizes.items()}
        inputs["state"][self.host.query] = self._coded(state)
        if lesson is not None:
            error, sign = np.clip(lesson.error, -1.0, 1.0), np.array([[-1.0], [1.0]])
            inputs["state"][:2] = self._coded(lesson.state)
            inputs["error"][:2] = sign * error
            inputs["sign"][:2] = sign
            for name, value in zip(MODULATORS, lesson.modulators, strict=True):
                inputs[f"{name}_now"][:2] = sign * value
        return inputs

    def answer(self, state: Floats, inputs: Mapping[str, Floats]) -> Floats:
        """Run a token's inputs; return the state with what the adapters add to it."""
        result = self.session.run(inputs, self.host.period, [self._probe], outputs=False)
        # Whatever was cut for the adapters, the answer has the whole state.
        found: Floats = state + self.host.scale * result.real("out.z")[0]
        return found

    def _coded(self, state: Floats) -> Floats:
        x = np.clip(state / self.host.scale, -1.0, 1.0)
        return np.concatenate([np.maximum(x, 0.0), np.maximum(-x, 0.0)]) if self._opposite else x


@dataclass(frozen=True)
class Token:
    """One token that was read: its loss -log p in nats, the frozen model's, and the seconds of host and adapters."""

    token: int
    loss: float
    frozen: float
    host: float = 0.0
    adapters: float = 0.0


class Reader:
    """Reads texts one after the other, with all that the learner and the modulators keep."""

    def __init__(self, frozen: Frozen, learner: Learner) -> None:
        self.frozen, self.learner = frozen, learner
        self.modulators = Modulators(frozen.encoder.sizes.hidden)
        self._lesson: Lesson | None = None

    def read(self, tokens: Ints, *, encoded: Singles | None = None, learn: bool = True) -> Floats:
        """The loss of each token of a text but the first, (n - 1,). ``encoded``: the encoder's states, if known.

        With ``learn`` off nothing changes, neither weights nor running means.
        """
        encoded = self.frozen.encoder.encode(tokens) if encoded is None else encoded
        states = self.frozen.states(tokens, encoded)
        found = np.empty(max(0, len(tokens) - 1))
        for t in range(len(found)):
            found[t] = self._answer(states[t], encoded[t], int(tokens[t + 1]), learn)
        return found

    def live(self, tokens: Ints, *, learn: bool = True) -> Iterator[Token]:
        """Read a text as it comes, a token at a time, and time both parts."""
        stream = self.frozen.encoder.stream()
        for t in range(len(tokens) - 1):
            begin = perf_counter()
            encoded = stream.push(int(tokens[t]))
            state = self.frozen.state(encoded, int(tokens[t]), int(tokens[t - 1]) if t else None)
            middle = perf_counter()
            loss = self._answer(state, encoded, int(tokens[t + 1]), learn)
            end = perf_counter()
            frozen = self.frozen.loss(self.frozen.probabilities(state), int(tokens[t + 1]))
            yield Token(int(tokens[t + 1]), loss, frozen, middle - begin, end - middle)

    def _answer(self, state: Floats, encoded: Singles, token: int, learn: bool) -> float:
        p = self.frozen.probabilities(self.learner.exchange(state, self._lesson if learn else None))
        loss = self.frozen.loss(p, token)
        if learn:
            self._lesson = Lesson(state, self.frozen.error(p, token), self.modulators.read(loss, p, encoded))
        return loss
