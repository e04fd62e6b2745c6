"""The stated errors of the elementary functions, swept through the golden interpreter."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmn_lava import streams
from hmn_lava.fixed import Fixed
from hmn_lava.microcode import functions, random
from hmn_lava.microcode.builder import Builder, ProgramError
from hmn_lava.microcode.interpreter import execute
from hmn_lava.microcode.ranges import overflows
from hmn_lava.microcode.verify import verify

TOP = 2**23 - 1
DRAWS = np.arange(2**16)
PROBABILITIES = (DRAWS + 0.5) / 2**16


class Swept:
    """A function of one input as a program: its results for many words, after the checks of every program."""

    def __init__(self, function, frac, low, high):
        builder = Builder("sweep")
        result = function(builder, builder.input("x", Fixed(24, True, frac), (low, high)))
        builder.observe("y", result)
        self.program = builder.build()
        self.value, self.input_frac = result, frac
        assert verify(self.program) == []
        assert overflows(self.program) == []

    @property
    def instructions(self):
        return len(self.program.instructions)

    def words(self, x):
        x = np.atleast_1d(np.asarray(x, np.int64))
        effects = execute(self.program, states={}, inputs={"x": x}, constants={}, index=np.arange(x.size), time=0)
        y = effects.observed["y"]
        assert self.value.low <= y.min() and y.max() <= self.value.high
        return y

    def __call__(self, x):
        return np.ldexp(self.words(x).astype(float), -self.value.frac)

    def error(self, x, reference):
        """Errors, and the exact values, at the words x."""
        exact = reference(np.ldexp(np.asarray(x, float), -self.input_frac))
        return self(x) - exact, exact


def words(low, high, count=150_000):
    """Every word if there are few, else an odd stride, both ends, and what is near zero and the powers of two."""
    stride = max(1, (high - low) // count) | 1
    powers = [sign * (1 << k) + d for k in range(24) for sign in (1, -1) for d in (-1, 0, 1)]
    near = [*range(low, low + 300), *range(high - 300, high + 1), *range(-300, 300), *powers]
    x = np.union1d(np.arange(low, high + 1, stride), near)
    return x[(low <= x) & (x <= high)]


def logistic(x):
    return 0.5 * (1 + np.tanh(x / 2))


@pytest.mark.parametrize(
    ("function", "shift", "instructions"), [(functions.cosine, 0, 11), (functions.sine, -0.25, 12)]
)
def test_cosine_and_sine(function, shift, instructions):
    swept = Swept(function, 24, -TOP - 1, TOP)
    error, _ = swept.error(words(-TOP - 1, TOP), lambda t: np.cos(2 * np.pi * (t + shift)))
    assert np.abs(error).max() <= 3.82e-6
    assert swept.instructions == instructions
    assert swept.value.real_bounds == (-1.0, 1.0)


def test_cosine_at_special_phases():
    swept = Swept(functions.cosine, 24, -TOP - 1, TOP)
    unit = 2.0**-swept.value.frac
    assert swept(0)[0] == 1.0
    assert swept([-(2**23), TOP, 2**22, -(2**22)]) == pytest.approx([-1, -1, 0, 0], abs=2 * unit)
    t = words(1, TOP)
    assert np.abs(swept.words(t) - swept.words(-t)).max() <= 3


def test_a_phase_must_be_a_full_word():
    with pytest.raises(ProgramError, match="24 fractional bits"):
        Swept(functions.cosine, 23, -TOP, TOP)


@pytest.mark.parametrize(
    ("low", "frac", "limit", "instructions"),
    [
        (0.25, 25, 1.6e-6, 6),
        (0.5, 24, 2.8e-6, 7),
        (1, 22, 4.5e-6, 8),
        (2, 21, 6.0e-6, 9),
        (16, 19, 9.1e-6, 10),
        (16, 8, 9.1e-6, 10),
        (31, 18, 9.1e-6, 12),
        (8000, 10, 9.1e-6, 12),
    ],
)
def test_exponential(low, frac, limit, instructions):
    swept = Swept(functions.exponential, frac, -int(low * 2**frac), 0)
    x = words(-int(low * 2**frac), 0)
    error, _ = swept.error(x, np.exp)
    assert np.abs(error).max() <= limit
    assert swept.instructions == instructions
    assert swept(0)[0] == 1.0
    assert swept.value.low >= 0 and swept.value.real_bounds[1] == 1.0


def test_exponential_does_not_decrease():
    for low, frac, drop in ((-(2**19), 15, 0), (-(2**22), 22, 3)):
        swept = Swept(functions.exponential, frac, low, 0)
        assert np.diff(swept.words(np.arange(-(2**19), 1))).min() >= -drop


def test_exponential_refuses_positive_numbers():
    with pytest.raises(ProgramError, match="x <= 0"):
        Swept(functions.exponential, 20, -5, 1)


@pytest.mark.parametrize(
    ("frac", "instructions"), [(24, 23), (22, 25), (20, 26), (19, 26), (18, 28), (12, 28), (4, 28)]
)
def test_sigmoid(frac, instructions):
    swept = Swept(functions.sigmoid, frac, -TOP, TOP)
    x = words(-TOP, TOP)
    error, _ = swept.error(x, logistic)
    assert np.abs(error).max() <= 6.7e-6
    assert swept.instructions == instructions
    assert swept(0)[0] == 0.5
    positive = x[x > 0]
    np.testing.assert_array_equal(swept(-positive), 1.0 - swept(positive))
    assert np.diff(swept.words(x)).min() >= -4
    assert np.diff(swept.words(np.arange(-200_000, 200_000))).min() >= -4


def test_sigmoid_saturates():
    swept = Swept(functions.sigmoid, 10, -TOP, TOP)
    assert swept([-TOP, -(17 << 10), 17 << 10, TOP]).tolist() == [0.0, 0.0, 1.0, 1.0]


def test_sigmoid_of_one_sign_needs_no_mirror():
    both, positive, negative = (
        Swept(functions.sigmoid, 19, low, high) for low, high in ((-TOP, TOP), (0, TOP), (-TOP, -1))
    )
    x = words(1, TOP)
    np.testing.assert_array_equal(positive(x), both(x))
    np.testing.assert_array_equal(negative(-x), both(-x))
    assert max(positive.instructions, negative.instructions) < both.instructions


@pytest.mark.parametrize(
    ("low", "high", "frac", "instructions"),
    [
        (1, TOP, 0, 41),
        (1, 255, 0, 31),
        (1, 1, 0, 13),
        (1, TOP, 20, 41),
        (3, 40_000, 3, 35),
        (4096, 2**20, 12, 35),
        (2**22, TOP, 0, 13),
    ],
)
def test_reciprocal(low, high, frac, instructions):
    swept = Swept(functions.reciprocal, frac, low, high)
    x = words(low, high)
    error, exact = swept.error(x, np.reciprocal)
    unit = 2.0**-swept.value.frac
    assert (np.abs(error) <= 0.5 * unit + 2.0**-22 * exact).all()
    assert swept.instructions == instructions
    powers = np.array([1 << k for k in range(23) if low <= 1 << k <= high], dtype=np.int64)
    representable = powers[np.ldexp(1.0, frac) / powers >= unit]
    np.testing.assert_array_equal(swept(representable), np.ldexp(1.0, frac) / representable)
    assert np.diff(swept.words(x)).max(initial=0) <= 1  # non-increasing, up to one unit


def test_reciprocal_uses_the_finest_scale():
    for low, high in ((1, TOP), (5, 6), (128, 255)):
        assert 2**21 < Swept(functions.reciprocal, 0, low, high).value.high <= 2**22


def test_reciprocal_refuses_zero():
    with pytest.raises(ProgramError, match="at least 1"):
        Swept(functions.reciprocal, 0, 0, 5)


@pytest.mark.parametrize(
    ("low", "high", "frac"),
    [(0, TOP, 0), (0, TOP, 1), (1, TOP, 23), (0, 255, 0), (128, 255, 3), (2**20, 2**22 - 1, 0), (4096, 2**20, 12)],
)
def test_roots(low, high, frac):
    inverse = Swept(functions.inverse_square_root, frac, low, high)
    root = Swept(functions.square_root, frac, low, high)
    x = words(max(low, 1), high)
    error, exact = inverse.error(x, lambda v: v**-0.5)
    assert (np.abs(error) <= 0.5 * 2.0**-inverse.value.frac + 2.0**-21.2 * exact).all()
    assert inverse.instructions <= 41
    error, exact = root.error(x, np.sqrt)
    assert (np.abs(error) <= 0.5 * 2.0**-root.value.frac + 2.0**-20.5 * exact).all()
    assert root.instructions <= 44
    assert inverse.value.low >= 0 and root.value.low >= 0
    if low == 0:
        assert inverse.words(0)[0] == inverse.value.high
        assert inverse(0)[0] <= 2.0 * inverse(1)[0]
        assert root(0)[0] == 0.0


def test_roots_of_powers_of_four():
    inverse = Swept(functions.inverse_square_root, 0, 1, TOP)
    root = Swept(functions.square_root, 0, 1, TOP)
    for k in range(11):
        assert inverse(4**k)[0] == 2.0**-k
        assert root(4**k)[0] == 2.0**k


@pytest.mark.parametrize(
    ("low", "high", "frac", "instructions"),
    [(1, TOP, 0, 38), (1, TOP, 23, 38), (1, 255, 0, 30), (128, 255, 3, 16), (4096, 2**20, 12, 33)],
)
def test_logarithm(low, high, frac, instructions):
    swept = Swept(functions.logarithm, frac, low, high)
    x = words(low, high)
    error, _ = swept.error(x, np.log)
    assert np.abs(error).max() <= 5.8e-6
    assert swept.instructions <= instructions
    assert np.diff(swept.words(x)).min() >= -1
    if low <= 1 << frac <= high:
        assert abs(swept(1 << frac)[0]) <= 2.0**-swept.value.frac


def test_logarithm_of_one_is_exact():
    assert Swept(functions.logarithm, 0, 1, TOP)(1)[0] == 0.0


def test_normal():
    swept = Swept(functions.normal, 16, 0, 2**16 - 1)
    z = swept(DRAWS)
    exact = np.array([NormalDist().inv_cdf(p) for p in PROBABILITIES])
    assert np.abs(z - exact).max() <= 0.00176
    unit = 2.0**-swept.value.frac
    assert np.abs(z + z[::-1]).max() <= unit
    assert (np.diff(z) > 0).all()
    assert abs(z.mean()) <= unit and abs(z.std() - exact.std()) <= 2e-4
    assert swept.instructions == 39


def test_gumbel():
    swept = Swept(functions.gumbel, 16, 0, 2**16 - 1)
    g = swept(DRAWS)
    exact = -np.log(-np.log(PROBABILITIES))
    assert np.abs(g - exact).max() <= 0.0035
    assert np.diff(g).min() >= -0.0005
    assert g.mean() == pytest.approx(exact.mean(), abs=2e-4)
    assert swept.instructions == 55


@pytest.mark.parametrize("function", [functions.normal, functions.gumbel])
def test_quantiles_take_draws_only(function):
    with pytest.raises(ProgramError, match="draw"):
        Swept(function, 15, 0, 2**16 - 1)


def test_normal_of_a_random_stream():
    builder = Builder("noise")
    time = builder.input("t", Fixed(24), (0, 1000))
    builder.observe("z", functions.normal(builder, random.uniform(builder, "noise", time)))
    constants = {f"noise_k{n}": key for n, key in enumerate(streams.keys(7, "out.noise"))}
    index = np.arange(500)
    z = execute(builder.build(), states={}, inputs={"t": 3}, constants=constants, index=index, time=0).observed["z"]
    draws = streams.uniform(7, "out.noise", 3, index)
    np.testing.assert_array_equal(z, Swept(functions.normal, 16, 0, 2**16 - 1).words(draws))


LIMITS = {
    functions.exponential: lambda x, y, unit: abs(y - math.exp(x)) <= 9.1e-6,
    functions.sigmoid: lambda x, y, unit: abs(y - logistic(x)) <= 6.7e-6,
    functions.reciprocal: lambda x, y, unit: abs(y - 1 / x) <= 0.5 * unit + 2.0**-22 / x,
    functions.inverse_square_root: lambda x, y, unit: x == 0 or abs(y - x**-0.5) <= 0.5 * unit + 2.0**-21.2 * x**-0.5,
    functions.square_root: lambda x, y, unit: abs(y - x**0.5) <= 0.5 * unit + 2.0**-20.5 * x**0.5,
    functions.logarithm: lambda x, y, unit: abs(y - math.log(x)) <= 5.8e-6 + unit,
}
DOMAINS = {
    functions.exponential: (-TOP, 0),
    functions.sigmoid: (-TOP, TOP),
    functions.reciprocal: (1, TOP),
    functions.logarithm: (1, TOP),
}


@pytest.mark.parametrize("function", LIMITS)
@settings(max_examples=60, deadline=None)
@given(data=st.data(), frac=st.integers(0, 30))
def test_every_format_is_proven_and_accurate(function, data, frac):
    smallest, largest = DOMAINS.get(function, (0, TOP))
    edges = st.one_of(st.integers(smallest, largest), st.integers(max(smallest, -300), min(largest, 300)))
    low, high = sorted(data.draw(st.tuples(edges, edges)))
    swept = Swept(function, frac, low, high)  # verifies, and proves that nothing overflows
    x = sorted({low, high, *data.draw(st.lists(st.integers(low, high), max_size=20))})
    for word, y in zip(x, swept(x), strict=True):
        assert LIMITS[function](math.ldexp(word, -frac), y, 2.0**-swept.value.frac), (word, y)
