"""The draws of the reference are the named streams, whatever way they are fetched."""

import math

import numpy as np
import pytest

from hmn_lava.reference.draws import Draws, gumbel_of_draw, normal_of_draw
from hmn_lava.streams import uniform


@pytest.mark.parametrize("size", [1, 7, 4096, 5000])
def test_draws_are_the_stream_in_any_order(size):
    draws = Draws(11, "out.noise", size)
    for t in (0, 1, 4095, 4096, 2, 70_000):
        expected = uniform(11, "out.noise", t, np.arange(size))
        np.testing.assert_array_equal(draws.at(t), expected)
        some = np.arange(0, size, 3)
        np.testing.assert_array_equal(draws.of(t, some), expected[some])


def test_normal_variates_are_symmetric_and_have_unit_variance():
    normal = normal_of_draw()
    np.testing.assert_allclose(normal, -normal[::-1], atol=1e-9)
    assert np.all(np.diff(normal) > 0)
    assert normal[2**15] == pytest.approx(0.5 / 2**16 * math.sqrt(2 * math.pi), rel=1e-6)  # slope of the inverse at 1/2
    assert normal.std() == pytest.approx(1.0, abs=1e-3)


def test_gumbel_variates():
    gumbel = gumbel_of_draw()
    # u = (2**15 + 1/2) / 2**16 = 1/2 + 2**-17; the derivative of -log(-log u) at 1/2 is 1 / (1/2 ln 2)
    assert gumbel[2**15] == pytest.approx(-math.log(math.log(2.0)) + 2.0**-17 * 2 / math.log(2.0), rel=1e-9)
    assert np.mean(gumbel) == pytest.approx(0.5772156649, abs=1e-3)  # Euler's constant
    assert np.std(gumbel) == pytest.approx(math.pi / math.sqrt(6), abs=2e-3)
