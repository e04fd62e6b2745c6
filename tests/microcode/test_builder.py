"""The builder's arithmetic against exact fractions: the stated rounding, and no overflow."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmn_lava.fixed import Fixed
from hmn_lava.microcode.builder import Builder, ProgramError, Value, narrowest
from hmn_lava.microcode.interpreter import execute
from hmn_lava.microcode.ranges import WORD_RANGE, analyse, overflows
from hmn_lava.microcode.verify import verify

TOP = WORD_RANGE[1]
HALF = Fraction(1, 2)
ROUNDINGS = st.sampled_from(["nearest", "floor", "zero"])
ROUND = {"nearest": lambda x: math.floor(x + HALF), "floor": math.floor, "zero": math.trunc}


def real(integer, frac):
    return Fraction(integer) / Fraction(2) ** frac


@st.composite
def quantities(draw, low=-TOP, fracs=(-6, 30)):
    """An input's binary point, its bounds, and some values inside them, the ends among them."""
    frac = draw(st.integers(*fracs))
    reach = (1 << draw(st.integers(0, 23))) - draw(st.sampled_from([0, 1]))
    ends = sorted(draw(st.integers(max(low, -reach), min(TOP, reach))) for _ in range(2))
    if draw(st.booleans()):
        ends = [max(low, -reach), min(TOP, reach)]
    inside = draw(st.lists(st.integers(*ends), min_size=3, max_size=3))
    return frac, (ends[0], ends[1]), [*ends, 0 if ends[0] <= 0 <= ends[1] else ends[0], *inside]


class Computed:
    """A program of some inputs: the integers that it gives, its exact operands, and its result's binary point."""

    def __init__(self, function, *operands):
        b = Builder("p")
        inputs = [b.input(f"x{n}", Fixed(24, True, frac), bounds) for n, (frac, bounds, _) in enumerate(operands)]
        self.result = function(b, *inputs)
        b.observe("y", self.result)
        self.program = b.build()
        assert verify(self.program) == []
        assert overflows(self.program) == []
        if isinstance(self.result.operand, str):
            assert analyse(self.program).of[self.result.operand] == (self.result.low, self.result.high)
        grid = [g.ravel() for g in np.meshgrid(*(np.array(values) for _, _, values in operands))]
        index = np.arange(grid[0].size)
        words = {f"x{n}": g for n, g in enumerate(grid)}
        self.words = (
            execute(self.program, states={}, inputs=words, constants={}, index=index, time=0).observed["y"].tolist()
        )
        self.exact = [
            tuple(real(int(n), frac) for n, (frac, _, _) in zip(row, operands, strict=True))
            for row in zip(*grid, strict=True)
        ]
        self.frac = self.result.frac
        assert self.result.low <= min(self.words) and max(self.words) <= self.result.high

    def __iter__(self):
        """Pairs (integer, exact operands)."""
        return iter(zip(self.words, self.exact, strict=True))

    def scaled(self, exact):
        """An exact real value in units of the result."""
        return exact * Fraction(2) ** self.frac


FEW = settings(max_examples=40, deadline=None)


# ------------------------------------------------------------------------------------------------------ scale


@FEW
@given(quantities(), st.integers(-40, 40), ROUNDINGS)
def test_rescale_rounds_as_it_says(x, frac, rounding):
    try:
        computed = Computed(lambda b, v: b.rescale(v, frac, rounding), x)
    except ProgramError:
        too_far_left = max(map(abs, x[1])) << max(0, frac - x[0]) > TOP
        assert too_far_left or (rounding == "floor" and x[0] - frac >= 24 and x[1][0] < 0)
        return
    assert computed.frac == frac
    for integer, (value,) in computed:
        assert integer == ROUND[rounding](computed.scaled(value))


@FEW
@given(st.integers(*WORD_RANGE), st.integers(-30, 30), st.integers(-30, 30), ROUNDINGS)
def test_rescale_rounds_immediates_alike(integer, frac, to, rounding):
    expected = ROUND[rounding](real(integer, frac) * Fraction(2) ** to)
    if not WORD_RANGE[0] <= expected <= TOP:
        with pytest.raises(ProgramError, match="does not fit a word"):
            Builder("p").rescale(Builder.literal(integer, frac), to, rounding)
    else:
        assert Builder("p").rescale(Builder.literal(integer, frac), to, rounding) == Builder.literal(expected, to)


@FEW
@given(st.lists(quantities(), min_size=2, max_size=3))
def test_align_keeps_values_to_half_a_unit_and_leaves_room_for_the_sum(operands):
    b = Builder("p")
    values = [b.input(f"x{n}", Fixed(24, True, frac), bounds) for n, (frac, bounds, _) in enumerate(operands)]
    aligned = b.align(*values)
    assert len({v.frac for v in aligned}) == 1
    assert sum(v.reach for v in aligned) <= TOP
    frac = aligned[0].frac
    assert frac <= max(v.frac for v in values)
    if frac < max(v.frac for v in values):  # one bit more would not have fitted
        assert sum(ROUND["nearest"](real(v.reach, v.frac) * Fraction(2) ** (frac + 1)) for v in values) > TOP
    for n, operand in enumerate(operands):
        computed = Computed(lambda b, *inputs, n=n: b.align(*inputs)[n], *operands)
        for integer, exact in computed:
            assert integer == ROUND["nearest"](computed.scaled(exact[n]))
        assert computed.frac == frac
        del operand


# ------------------------------------------------------------------------------------------------- arithmetic


@FEW
@given(quantities(), quantities())
def test_add_and_sub_are_exact_once_aligned(x, y):
    for function, sign in ((Builder.add, 1), (Builder.sub, -1)):
        computed = Computed(function, x, y)
        finest = max(x[0], y[0])
        for integer, (a, c) in computed:
            error = integer - computed.scaled(a + sign * c)
            if computed.frac == finest:
                assert error == 0
            # Half a unit for each operand that was rounded.
            assert abs(error) <= HALF * ((computed.frac < x[0]) + (computed.frac < y[0]))


def test_full_words_can_be_added():
    """Rounded to nearest, two halves of 2**23 - 1 are 2**23 together: one bit more has to go."""
    b = Builder("p")
    total = b.add(b.input("x", Fixed(24)), b.input("y", Fixed(24)))
    assert (total.frac, total.high) == (-2, 2**22)


@FEW
@given(quantities(low=-TOP - 1), quantities(low=-TOP - 1), st.sampled_from(["nearest", "floor"]))
def test_mul_without_a_scale_finds_the_finest(x, y, rounding):
    computed = Computed(lambda b, v, w: b.mul(v, w, rounding=rounding), x, y)
    for integer, (a, c) in computed:
        assert integer == ROUND[rounding](computed.scaled(a * c))
    full = x[0] + y[0]
    reach = max(abs(m * n) for m in x[1] for n in y[1])
    # To nearest, the sum on the way has one bit more.
    spare = 2 if rounding == "nearest" else 1
    assert computed.frac == full or (reach << 1) >> (full - computed.frac - spare + 1) >= TOP


@FEW
@given(quantities(), quantities(), st.integers(-30, 60), ROUNDINGS)
def test_mul_to_a_scale_rounds_as_it_says(x, y, frac, rounding):
    try:
        computed = Computed(lambda b, v, w: b.mul(v, w, frac, rounding), x, y)
    except ProgramError:
        reach = max(abs(real(m, x[0]) * real(n, y[0])) for m in x[1] for n in y[1]) * Fraction(2) ** frac
        both_signed = rounding == "zero" and x[1][0] < 0 and y[1][0] < 0
        lost = rounding == "floor" and x[0] + y[0] - frac >= 48
        # Rounding to nearest goes through a result of one bit more.
        assert both_signed or lost or reach * 2 >= TOP
        return
    assert computed.frac == frac
    for integer, (a, c) in computed:
        assert integer == ROUND[rounding](computed.scaled(a * c))


@FEW
@given(quantities(low=-TOP - 1))
def test_a_square(x):
    computed = Computed(lambda b, v: b.mul(v, v), x)
    assert computed.result.low >= 0
    for integer, (a,) in computed:
        assert integer == math.floor(computed.scaled(a * a))


@FEW
@given(quantities())
def test_neg_and_absolute_are_exact(x):
    for function, expected in ((Builder.neg, lambda a: -a), (Builder.absolute, abs)):
        computed = Computed(function, x)
        assert computed.frac == x[0]
        for integer, (a,) in computed:
            assert integer == computed.scaled(expected(a))
    assert Computed(Builder.absolute, x).result.low >= 0


def finest_for_both(x, y):
    """The finest binary point, of the two, at which the bounds of both fit a word."""
    frac = max(x[0], y[0])
    while not all(
        WORD_RANGE[0] <= math.floor(real(n, f) * Fraction(2) ** frac) <= TOP for f, ends, _ in (x, y) for n in ends
    ):
        frac -= 1
    return frac


@FEW
@given(quantities(), quantities())
def test_minimum_maximum_and_select(x, y):
    frac = finest_for_both(x, y)
    tolerance = HALF if frac < max(x[0], y[0]) else 0
    for function, expected in ((Builder.minimum, min), (Builder.maximum, max)):
        try:
            computed = Computed(function, x, y)
        except ProgramError:  # max(a, b) = -min(-a, -b), and -2**23 has no negative in a word
            scale = Fraction(2) ** frac
            assert function is Builder.maximum
            assert min(ROUND["nearest"](real(v[1][0], v[0]) * scale) for v in (x, y)) == WORD_RANGE[0]
            continue
        assert computed.frac == frac
        for integer, exact in computed:
            assert abs(integer - computed.scaled(expected(exact))) <= tolerance
    for condition, chosen in ((-3, 0), (0, 1)):
        computed = Computed(lambda b, v, w, c=condition: b.select(b.literal(c), v, w), x, y)
        for integer, exact in computed:
            assert abs(integer - computed.scaled(exact[chosen])) <= tolerance


@FEW
@given(quantities(), quantities())
def test_comparisons_are_exact_where_both_fit_and_right_beyond_a_unit(x, y):
    frac = finest_for_both(x, y)
    for function, expected in ((Builder.less, lambda a, c: a < c), (Builder.at_least, lambda a, c: a >= c)):
        computed = Computed(function, x, y)
        assert computed.frac == 0
        for integer, (a, c) in computed:
            if frac == max(x[0], y[0]) or abs(a - c) > Fraction(2) ** -frac:
                assert integer == expected(a, c)


@FEW
@given(quantities())
def test_is_zero(x):
    for integer, (a,) in Computed(Builder.is_zero, x):
        assert integer == (a == 0)


@FEW
@given(quantities(), st.data())
def test_clip(x, data):
    low, high = sorted(data.draw(st.lists(st.integers(-TOP, TOP), min_size=2, max_size=2)))
    computed = Computed(lambda b, v: b.clip(v, low, high), x)
    assert low <= computed.result.low and computed.result.high <= high
    for integer, (a,) in computed:
        assert integer == min(max(computed.scaled(a), low), high)


def test_clip_emits_only_what_is_needed():
    b = Builder("p")
    value = b.input("x", Fixed(8))
    assert b.clip(value, -127, 127) is value
    assert len(b.build().instructions) == 0


FORMATS = st.builds(Fixed, st.integers(2, 22), st.booleans(), st.integers(-10, 30))


@FEW
@given(quantities(), FORMATS, ROUNDINGS)
def test_convert_rounds_and_saturates(x, format, rounding):
    low, high = -format.max if format.signed else 0, format.max
    try:
        computed = Computed(lambda b, v: b.convert(v, format, rounding), x)
    except ProgramError:
        assert rounding == "floor" and x[0] - format.frac >= 24 and x[1][0] < 0
        return
    assert computed.frac == format.frac
    assert low <= computed.result.low and computed.result.high <= high
    coarse = 1 << max(0, format.frac - x[0])  # one unit of the input
    for integer, (a,) in computed:
        expected = ROUND[rounding](computed.scaled(a))
        if low <= expected <= high:
            assert integer == expected
        elif expected > high:  # the end, or the last of the input's units inside it
            assert high - coarse < integer <= high
        else:
            assert low <= integer < low + coarse


# ------------------------------------------------------------------------------------------ numbers and limits


@given(st.floats(-(2.0**30), 2.0**30, allow_subnormal=False).filter(lambda r: r == 0 or abs(r) > 2.0**-60))
def test_number_keeps_22_bits(value):
    number = Builder("p").number(value)
    assert number.low == number.high == number.operand
    if value:
        assert abs(real(number.operand, number.frac) - Fraction(value)) <= abs(Fraction(value)) / 2**22
    else:
        assert number.operand == 0


def test_number_by_hand():
    b = Builder("p")
    assert b.number(0.3, 4).operand == 5
    assert b.number(-0.3, 4).operand == -5
    with pytest.raises(ProgramError, match=r"the number 1\.0 does not fit a word with 23 fractional bits"):
        b.number(1.0, 23)


@pytest.mark.parametrize(
    "build",
    [
        lambda b, x: b.raw("add", x, 1),
        lambda b, x: b.raw("shl", x, 1),
        lambda b, x: b.raw("mul", x, x, 22),
        lambda b, x: b.rescale(x, 1),
        lambda b, x: b.mul(x, x, 0),
        lambda b, x: b.neg(b.raw("sub", x, 1)),
    ],
)
def test_what_could_overflow_is_not_built(build):
    b = Builder("narrow")
    x = b.input("x", Fixed(24))
    with pytest.raises(ProgramError, match=r"narrow: .* could overflow a word"):
        build(b, x)


def test_wrapping_that_is_meant_is_built():
    b = Builder("p")
    x = b.input("x", Fixed(24))
    total = b.raw("add", x, x, wraps=True)
    assert (total.low, total.high) == WORD_RANGE
    assert overflows(b.build()) == []


def test_rounding_a_signed_product_to_zero_needs_one_sign():
    b = Builder("p")
    x, y = b.input("x", Fixed(8)), b.input("y", Fixed(8))
    with pytest.raises(ProgramError, match="one factor without a sign"):
        b.mul(x, y, -3, "zero")


def test_writes_are_checked():
    b = Builder("p")
    state = b.state("s", Fixed(8, True, 4), (-100, 100))
    b.store(state, state)
    for wrong in (b.literal(101, 4), b.literal(-101, 4), b.literal(0, 3)):
        with pytest.raises(ProgramError, match="store s"):
            b.store(state, wrong)
    with pytest.raises(ProgramError, match="emit y"):
        b.emit("y", b.literal(0, 3), Fixed(8, True, 4))


@given(st.integers(*WORD_RANGE), st.integers(*WORD_RANGE))
def test_narrowest_holds_and_one_bit_less_does_not(a, c):
    low, high = min(a, c), max(a, c)
    format = narrowest(Value("x", 7, low, high))
    assert format.frac == 7
    assert format.holds(low, high)
    assert format.bits == 1 or not Fixed(format.bits - 1, format.signed, 7).holds(low, high)
    assert format.signed == (low < 0)


# ------------------------------------------------------------------------------------------------- structure


def run(program, inputs, steps, initial=None):
    """Run one compartment; yields the effects of each step."""
    states = {v.name: np.zeros(1, np.int64) for v in program.states} | (initial or {})
    for t in range(steps):
        effects = execute(
            program,
            states=states,
            inputs={k: np.array([v[t]]) for k, v in inputs.items()},
            constants={},
            index=np.zeros(1, np.int64),
            time=t,
        )
        states = effects.states
        yield effects


@pytest.mark.parametrize("steps", [1, 2, 3, 5])
@pytest.mark.parametrize("bounds", [(-5, 9), (3, 9), (-9, -3)])
def test_delayed_is_the_value_some_steps_ago(steps, bounds):
    b = Builder("p")
    b.emit("y", b.delayed("line", b.input("x", Fixed(8), bounds), steps))
    program = b.build()
    assert verify(program) == []
    assert overflows(program) == []
    x = [bounds[0] + n % (bounds[1] - bounds[0] + 1) for n in range(20)]
    y = [int(e.outputs["y"][0]) for e in run(program, {"x": x}, 20)]
    assert y == [0] * steps + x[: 20 - steps]


def test_unless_skips_its_block():
    b = Builder("p")
    x = b.input("x", Fixed(4))
    with b.unless(b.is_zero(x)):
        b.emit("outer", b.literal(1))
        with b.unless(b.less(x, b.literal(0))):
            b.emit("inner", b.literal(1))
    b.emit("always", b.literal(1))
    program = b.build()
    assert verify(program) == []
    effects = list(run(program, {"x": [0, 3, -3]}, 3))
    seen = [[int(e.outputs[name][0]) for e in effects] for name in ("outer", "inner", "always")]
    assert seen == [[0, 1, 1], [0, 1, 0], [1, 1, 1]]


def test_declarations_and_notes():
    b = Builder("p", "what it does")
    b.note("the sum")
    total = b.add(b.constant("k", Fixed(4, False), (0, 9)), b.input("x", Fixed(4)))
    b.observe("total", total)
    b.observe("seven", b.literal(7))
    program = b.build()
    assert (program.name, program.comment) == ("p", "what it does")
    assert program.instructions[0].comment == "the sum"
    assert program.variable("x").low == -7  # symmetric: the one extra negative value has no magnitude
    assert program.variable("k").high == 9
    assert [o.format for o in program.observables] == [Fixed(6), Fixed(3, False)]
    with pytest.raises(KeyError):
        program.variable("total")
