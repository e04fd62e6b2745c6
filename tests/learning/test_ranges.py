"""Ranges of products, against the engine's own arithmetic."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import numpy as np
import pytest

from hmn_lava.hardware_profiles import load_profile
from hmn_lava.learning import LAVA, Engine, LearningRule, parse_rule
from hmn_lava.learning.products import down_scaling, evaluate
from hmn_lava.learning.ranges import domains, product_range, trace_high

sys.path.insert(0, str(Path(__file__).parent))
from cases import random_product

ENGINE = Engine.of(load_profile("loihi2"))
RULE = LearningRule.two_factor(
    dw="x0", x1_impulse=30, x1_tau=2, x2_impulse=127, x2_tau=9, y1_impulse=1, y2_impulse=5, y2_tau=3
)


@pytest.mark.parametrize("seed", range(150))
def test_no_value_of_a_product_leaves_its_range(seed):
    rng, draw = random.Random(seed), np.random.default_rng(seed)
    product = random_product(rng, 0)
    known = domains(RULE, ENGINE)
    span = product_range(product, known, ENGINE)
    values = {}
    for name, (low, high) in known.items():
        values[name] = draw.integers(low, high, 400, endpoint=True)
        values[name][:4] = (low, high, low, high) if rng.random() < 0.5 else (low, low, high, high)
    if product.dependency != "u":
        values[product.dependency] = np.ones(400, np.int64)
    if span.wraps:
        return
    found = evaluate(product, np.ones(400, np.int64), lambda name, _: values[name], ENGINE) / 128
    low, high = np.clip([span.low, span.high], *(end / 128 for end in ENGINE.accumulator))
    assert low <= found.min() and found.max() <= high
    moved = np.abs(found[found != 0])
    assert not moved.size or moved.min() >= min(span.smallest, 255)


def test_the_ends_are_reached():
    (product,) = parse_rule("-3*2^-4*u0*t*sgn(t)*(w-4)")
    span = product_range(product, domains(RULE, ENGINE), ENGINE)
    values = [(t, w) for t in (-256, -1, 0, 1, 255) for w in (-256, -252, 4, 254)]
    shift = down_scaling(product, ENGINE)
    every = [(-3 * t * ((t > 0) - (t < 0)) * max(-512, min(511, w - 4)) >> shift) / 16 for t, w in values]
    assert shift == 16
    assert (span.low, span.high) == (min(every), max(every))


@pytest.mark.parametrize(("impulse", "tau", "top"), [(0, 20, 0), (30, 0, 30), (64, 20, 127), (127, 1, 127)])
def test_traces_reach_what_spikes_in_every_step_make(impulse, tau, top):
    assert trace_high(impulse, tau, LAVA) == top


def test_supplied_traces_have_the_engines_range_or_a_narrower_one():
    rule = LearningRule.three_factor(dw="x0*y1")
    assert domains(rule, ENGINE)["y1"] == (0, 127)
    assert domains(rule, LAVA)["y1"] == (-128, 127)
    assert domains(rule, ENGINE, supplied={"y1": (-5, 9)})["y1"] == (0, 9)
