"""Energy of a token: totals, ranges, and the host's profile."""

from __future__ import annotations

import pytest

from hmn_lava.hardware_profiles.hosts import load_host
from hmn_lava.language.cost import multiplications, token_cost


@pytest.fixture(scope="module")
def priced(bundle, frozen, tokens_of_text):
    return token_cost(bundle, frozen, tokens_of_text(12, style=1))


def test_multiplications_are_those_of_encoder_projection_scores_and_error(frozen):
    """Of a token in the middle of a window of 31, which attends to 15."""
    layer = 4 * 32 * 32 + 2 * 32 * 64 + 2 * 15 * 32
    assert multiplications(frozen, 31) == 2 * layer + 96 * 8 + 2 * 51 * 8


def test_totals_are_those_of_the_formula(priced, frozen):
    cost, report = priced
    price, n = load_host().multiply_accumulate, multiplications(frozen, 31)
    for end, e in (("low", price.low), ("typical", price.value), ("high", price.high)):
        assert getattr(cost.host, end) == pytest.approx(n * e)
        adapters = getattr(cost.adapters, end)
        assert adapters == pytest.approx(getattr(report.energy(), end) / cost.tokens)
        assert getattr(cost.total, end) == pytest.approx(adapters + n * e)
    a, h = cost.adapters, cost.host
    found = (cost.overhead.low, cost.overhead.typical, cost.overhead.high)
    assert found == pytest.approx((a.low / h.high, a.typical / h.typical, a.high / h.low))
    assert found[0] < found[1] < found[2]


def test_lessons_cost_something_and_change_weights(priced, bundle):
    cost, _ = priced
    assert 0 < cost.idle.typical < cost.adapters.typical
    size = 8 * (16 if bundle.plasticity == "engine" else 8)
    assert cost.synapses == 4 * size and 0 < cost.changed <= cost.synapses


def test_the_dictionary_has_units_formula_and_source(priced):
    cost, _ = priced
    found = cost.as_dict()
    assert found["token"]["typical"] == pytest.approx(cost.total.typical)
    assert {found[name]["unit"] for name in ("adapters", "adapters_without_lessons", "host", "token")} == {"pJ"}
    assert "N e" in found["formula"] and "horowitz2014" in found["source"]
    assert found["multiplications"] == cost.multiplications and found["tokens"] == cost.tokens


def test_the_host_profile_says_where_its_figures_are_from():
    host = load_host()
    price = host.multiply_accumulate
    assert 0 < price.low < price.value < price.high
    assert price.basis == "assumed" and any(name in price.source for name in host.references)
