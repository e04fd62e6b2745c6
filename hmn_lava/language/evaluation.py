"""The language model's phases P0 to P2, on sections of texts that follow from a seed.

``P0``  the perplexity of prose that is read with learning on, over the frozen model's: adapters must not harm.
``P1``  a text in another style: ``SENTENCES`` sentences are read with learning on, the next with learning off, and
        their perplexity is compared with the frozen model's.
``P2``  prose, then code, then prose again. Adaptation: the perplexity of unseen code after the code, over the frozen
        model's. Forgetting: by how much the perplexity of unseen prose is higher after the code than before it; and
        what is left of that when some prose has been read again.

The rival of P2 is :class:`hmn_lava.language.rival.GradientAdapters`, the same layers in floats taught by the gradient,
at the rate at which it adapts as well as the chip. Source: the Trans-HMN paper, section 4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import hmn_lava as hl
from hmn_lava.errors import InputError
from hmn_lava.language.adapters import SCALE
from hmn_lava.language.encoder import Ints, Singles
from hmn_lava.language.frozen import Floats, Frozen
from hmn_lava.language.model import frozen_of, host_of
from hmn_lava.language.reader import Adapters, Learner, Nothing, Reader
from hmn_lava.language.rival import GradientAdapters
from hmn_lava.language.store import encode
from hmn_lava.language.texts import read_text
from hmn_lava.language.tokens import Tokenizer
from hmn_lava.spec import Spec
from hmn_lava.tasks.subsystems import PAPER, present
from hmn_lava.tasks.subsystems import without as cut

READ, TEST, AGAIN = 3000, 2000, 1000
"""Tokens that are read with learning on, tested on, and read again."""
SENTENCES = 200
SIMULATED = ("fast", "interpreter", "reference")
CURVE = 250
"""Tokens of a point of a curve."""
RATES = (0.005, 0.5)
"""Between these the rival's rate is searched, by ``HALVINGS`` halvings of their logarithm."""
HALVINGS = 9


@dataclass(frozen=True, eq=False)
class Section:
    """A stretch of a text, (n,) tokens, and the encoder's states of them."""

    tokens: Ints
    encoded: Singles


@dataclass(frozen=True, eq=False)
class Course:
    """What P2 reads of a seed: ``prose``, then ``code``, then prose ``again``; and what it tests on."""

    prose: Section
    unseen_prose: Section
    again: Section
    code: Section
    unseen_code: Section


class Bench:
    """A spec of a language model, to be measured. ``prose`` and ``code``: texts by name or path, as ``texts.py`` says.

    Raises InputError for texts that are too short for their sections.
    """

    def __init__(
        self,
        spec: Spec,
        *,
        backend: str = "fast",
        encoder: Path | None = None,
        prose: str = "topics",
        code: str = "code",
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        if backend not in SIMULATED:
            remedy = f"one of: {', '.join(SIMULATED)}"
            raise InputError("cannot be measured with", field="backend", value=backend, remedy=remedy)
        self.spec, self.plasticity, self.backend = spec, host_of(spec).plasticity, backend
        self.frozen: Frozen = frozen_of(spec, encoder)
        self.tokenizer = Tokenizer(self.frozen.encoder.folder)
        self.prose, self.code, self.tell = prose, code, tell
        self._texts: dict[str, Ints] = {}
        self._parts: dict[str, list[Ints]] = {}

    def adapters(self, seed: int, without: Sequence[str] = ()) -> Learner:
        """The adapters, compiled with a seed, with these subsystems switched off."""
        spec = cut(self.spec, without) if without else self.spec
        bundle = hl.compile(spec, plasticity=self.plasticity, seed=seed)
        return Adapters(bundle.session(self.backend), host_of(spec))

    def check(self, phases: Sequence[str], styles: Sequence[str]) -> None:
        """Before a long run. Raises InputError for texts in which a phase would meet the same tokens twice."""
        if "P0" in phases:
            self._long_enough(self.prose, READ)
        if "P1" in phases:
            for text in styles:
                self._sentences(text)
        if "P2" in phases:
            self._long_enough(self.prose, READ + TEST + AGAIN)
            self._long_enough(self.code, READ + TEST)

    def section(self, text: str, start: int, length: int) -> Section:
        """``length`` tokens from ``start`` on; behind its end a text begins again."""
        tokens = self._long_enough(text, length)
        tokens = np.take(tokens, np.arange(start, start + length), mode="wrap")
        return Section(tokens, encode(self.frozen.encoder, tokens))

    # ---- phases

    def harm(self, seed: int) -> dict[str, Any]:
        """P0."""
        read = self.section(self.prose, seed * READ, READ)
        losses = self._read(Reader(self.frozen, self.adapters(seed)), read)
        frozen = self._frozen(read)
        return {"frozen": perplexity(frozen), "adapted": perplexity(losses), "ratio": ratio(losses, frozen),
                "curve": curve(losses, frozen)}  # fmt: skip

    def style(self, seed: int, text: str) -> dict[str, Any]:
        """P1, with a text in another style."""
        sentences = self._sentences(text)
        first = seed * 2 * SENTENCES
        parts = []
        for begin in (first, first + SENTENCES):
            chosen = [sentences[n % len(sentences)] for n in range(begin, begin + SENTENCES)]
            tokens = np.concatenate(chosen)
            parts.append(Section(tokens, encode(self.frozen.encoder, tokens)))
        reader = Reader(self.frozen, self.adapters(seed))
        online = self._read(reader, parts[0])
        tested = self._read(reader, parts[1], learn=False)
        frozen = self._frozen(parts[1])
        return {"text": text, "sentences": SENTENCES, "tokens": len(parts[0].tokens), "frozen": perplexity(frozen),
                "adapted": perplexity(tested), "ratio": ratio(tested, frozen),
                "curve": curve(online, self._frozen(parts[0]))}  # fmt: skip

    def forgetting(self, seed: int, ablate: bool = True) -> list[dict[str, Any]]:
        """P2: a row for the adapters, the rival at equal adaptation, no adaptation and, on request, each subsystem."""
        self.check(["P2"], [])
        course = self._course(seed)
        found = [{"learner": "adapters", **self._follow(course, self.adapters(seed))}]
        found.append(self._rival(course, found[0]["adaptation"]))
        found.append({"learner": "none", **self._follow(course, Nothing())})
        if ablate:
            for name in present(self.spec):
                if name in (*PAPER, "secondary_modulators"):
                    self.tell(f"P2, seed {seed}: without {name}")
                    row = self._follow(course, self.adapters(seed, [name]))
                    found.append({"learner": f"without {name}", **row})
        return found

    def _long_enough(self, text: str, length: int) -> Ints:
        if text not in self._texts:
            self._texts[text] = self.tokenizer.encode(read_text(text))
        if len(self._texts[text]) < length:
            raise _too_short(text, len(self._texts[text]), length, "tokens")
        return self._texts[text]

    def _sentences(self, text: str) -> list[Ints]:
        if text not in self._parts:
            self._parts[text] = self.tokenizer.sentences(read_text(text))
        if len(self._parts[text]) < 2 * SENTENCES:
            raise _too_short(text, len(self._parts[text]), 2 * SENTENCES, "sentences")
        return self._parts[text]

    def _course(self, seed: int) -> Course:
        prose, code = seed * (READ + TEST + AGAIN), seed * 4 * (READ + TEST)
        return Course(
            prose=self.section(self.prose, prose, READ),
            unseen_prose=self.section(self.prose, prose + READ, TEST),
            again=self.section(self.prose, prose + READ + TEST, AGAIN),
            code=self.section(self.code, code, READ),
            unseen_code=self.section(self.code, code + READ, TEST),
        )

    def _follow(self, course: Course, learner: Learner) -> dict[str, Any]:
        reader = Reader(self.frozen, learner)
        self._read(reader, course.prose)
        before = self._read(reader, course.unseen_prose, learn=False)
        self._read(reader, course.code)
        adapted = self._read(reader, course.unseen_code, learn=False)
        after = self._read(reader, course.unseen_prose, learn=False)
        self._read(reader, course.again)
        later = self._read(reader, course.unseen_prose, learn=False)
        return {
            "adaptation": ratio(adapted, self._frozen(course.unseen_code)),
            "forgetting": ratio(after, before) - 1.0,
            "left_after_prose": ratio(later, before) - 1.0,
            "prose": ratio(before, self._frozen(course.unseen_prose)),
        }

    def _rival(self, course: Course, adaptation: float) -> dict[str, Any]:
        """The gradient at the smallest rate that adapts as well; its best where none does."""
        low, high = (float(np.log(rate)) for rate in RATES)
        tried = []
        for _ in range(HALVINGS):
            rate = float(np.exp((low + high) / 2.0))
            tried.append((rate, self._follow(course, GradientAdapters(self.frozen.width, rate, SCALE))))
            # Too large a rate adapts worse again: it is told by what it has forgotten.
            row = tried[-1][1]
            enough = row["adaptation"] <= adaptation or row["forgetting"] > 1.0
            low, high = (low, np.log(rate)) if enough else (np.log(rate), high)
        reached = [each for each in tried if each[1]["adaptation"] <= adaptation]
        rate, row = min(reached or tried, key=lambda each: each[1]["forgetting" if reached else "adaptation"])
        return {"learner": "gradient", "rate": rate, "equal_adaptation": bool(reached), **row}

    def _read(self, reader: Reader, section: Section, learn: bool = True) -> Floats:
        return reader.read(section.tokens, encoded=section.encoded, learn=learn)

    def _frozen(self, section: Section) -> Floats:
        return self.frozen.losses(self.frozen.states(section.tokens, section.encoded), section.tokens)


def _too_short(text: str, found: int, needed: int, unit: str) -> InputError:
    return InputError(f"is too short: {needed} {unit} are needed", where=text, value=found, remedy="give a longer text")


def perplexity(losses: Floats) -> float:
    """exp of the mean loss."""
    return float(np.exp(losses.mean()))


def ratio(losses: Floats, frozen: Floats) -> float:
    """Of two perplexities of the same tokens."""
    return float(np.exp(losses.mean() - frozen.mean()))


def curve(losses: Floats, frozen: Floats) -> list[float]:
    """The ratio of perplexities of each :data:`CURVE` tokens."""
    every = CURVE
    return [ratio(losses[n : n + every], frozen[n : n + every]) for n in range(0, len(losses) - every + 1, every)]
