"""Every executor gives the same integers for a language model's adapters, in both lowerings, while they learn."""

from __future__ import annotations

import importlib.util
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import hmn_lava as hl
from hmn_lava.language.adapters import language_spec
from hmn_lava.language.frozen import Frozen
from hmn_lava.language.model import host_of
from hmn_lava.language.reader import Adapters, Lesson

WIDTH, EXCHANGES = 4, 3


@pytest.fixture(scope="module", params=["neurocore", "engine"])
def bundle(request: pytest.FixtureRequest) -> hl.Bundle:
    """The encoder says its name alone: nothing is encoded."""
    rng, encoder = np.random.default_rng(0), SimpleNamespace(name="none", sha256="0" * 64, window=7)
    arrays = [rng.normal(size=shape) for shape in ((12, WIDTH), (6, WIDTH), (6,))]
    frozen: Any = Frozen(encoder, *arrays, tokens=np.arange(5))  # type: ignore[arg-type]
    return hl.compile(language_spec(frozen, request.param), plasticity=request.param)


def inputs_of(bundle: hl.Bundle) -> tuple[dict[str, np.ndarray], int]:
    host = host_of(bundle.spec)
    rng, chip = np.random.default_rng(1), Adapters(bundle.session("fast"), host)
    state, lesson, found = rng.normal(size=WIDTH), None, []
    for _ in range(EXCHANGES):
        found.append(chip.inputs(state, lesson))
        lesson = Lesson(state, rng.normal(0, 0.4, WIDTH), np.array([1.2, 0.6, -0.3]))
        state = rng.normal(size=WIDTH)
    return {name: np.concatenate([each[name] for each in found]) for name in found[0]}, EXCHANGES * host.period


def check(bundle: hl.Bundle, golden: Any, others: list[Any]) -> None:
    """In two runs, so that the second starts from messages that are on their way."""
    inputs, steps = inputs_of(bundle)
    names = list(bundle.network.signals)
    moved: set[str] = set()
    for part in (slice(0, steps // 2), slice(steps // 2, steps)):
        now = {name: values[part] for name, values in inputs.items()}
        expected = golden.run(now, part.stop - part.start, names).raw
        moved |= {name for name, values in expected.items() if np.ptp(values, axis=0).any()}
        for other in others:
            found = other.run(now, part.stop - part.start, names).raw
            for name, values in expected.items():
                assert np.array_equal(found[name], values), f"{other.backend} differs in {name}"
    assert {f"adapt_{n}.w" for n in range(1, 5)} <= moved and "out.z" in moved
    for name, array in golden.snapshot().items():
        for other in others:
            assert np.array_equal(other.snapshot()[name], array), f"{other.backend} differs in {name}"


def test_fast_is_the_interpreter(bundle: hl.Bundle, tmp_path: Any) -> None:
    """On one thread and on two, and behind a save and load."""
    from hmn_lava.simulator.fast import Fast

    loaded = hl.load(bundle.save(tmp_path / "bundle"))
    others = [Fast(bundle.network, threads=1), Fast(loaded.network, threads=2, threaded_from=1)]
    check(bundle, bundle.session("interpreter"), others)


@pytest.mark.heavy
@pytest.mark.skipif(importlib.util.find_spec("lava") is None, reason="lava-nc is not installed (it needs Python 3.10)")
def test_lava_is_fast(bundle: hl.Bundle) -> None:
    check(bundle, bundle.session("fast"), [bundle.session("lava")])
