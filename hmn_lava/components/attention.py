"""Local attention on eligibility traces (HMN paper, eq. (8) and (9)), in three places.

α_ij = exp(β_a g_ij) / Σ_l exp(β_a g_lj),  g_ij = <h_i, c_j> / (‖h_i‖ ‖c_j‖),  h_i = x_i r_i

Since g does not see the magnitude of x_i, g_ij = sign(x_i) <r̂_i, ĉ_j> with the unit vectors r̂_i, constants of the
synapse, and ĉ_j.

* :func:`context`: for each neuron, c_j and its direction ĉ_j
* :func:`score`: in each synapse, exp(β_a (g_ij - 1)), which is in (0, 1]; the factor exp(β_a) cancels
* :func:`normaliser`: for each neuron, one over the sum of its synapses' scores

Synapses of the learning engine have no program. There the score is one of each presynaptic neuron, and the context is
the mean over the postsynaptic ones:

* :func:`pooled_context`: c = mean of c_j over j, and its direction
* :func:`payload`: of each presynaptic neuron, exp(β_a (g_i - 1)) as an even number of eight bits
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from hmn_lava.components.port import Port
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.builder import Builder, Value
from hmn_lava.microcode.functions import exponential, inverse_square_root, reciprocal
from hmn_lava.microcode.ir import WORD, Program
from hmn_lava.microcode.ranges import Interval

DIRECTION = Fixed(17, signed=True, frac=15)
RATE = Fixed(WORD - 1, signed=False, frac=WORD - 2)
"""Format of the rate κ of a running mean."""

ATTENTION_STEPS = 3
"""Steps from a context's direction leaving its neuron to α: to the synapse, to the normaliser, and back."""


def running_mean(b: Builder, mean: Value, target: Value, rate: Value) -> Value:
    """m + κ (target - m), rounded to nearest, so that a mean that was moved once does not die out."""
    step = b.mul(b.sub(target, mean), rate, frac=mean.frac, rounding="nearest")
    return b.clip(b.raw("add", mean, step), mean.low, mean.high)


def context(name: str, z: Fixed, z_bounds: Interval, keys: Sequence[Fixed], bound: float) -> Program:
    """c_j ← (1 - κ) c_j + κ z_j k_j, and its direction ĉ_j = c_j / ‖c_j‖ (0 where c_j = 0).

    Input ``z``; constants ``rate`` = κ and ``key_<d>`` = k_jd; states ``c_<d>``; outputs ``direction_<d>`` with 15
    fractional bits. ``bound`` is a bound of |c_jd|. In one dimension the direction is the sign.
    """
    b = Builder(name, "local context c_j of each neuron, and its direction")
    activity = b.input("z", z, z_bounds)
    rate = b.constant("rate", RATE, (0, 1 << RATE.frac))
    # One bit of headroom for the difference target - mean, one for the sum.
    format = Fixed(WORD - 2, signed=True, frac=WORD - 4 - math.frexp(bound)[1])
    means = []
    for d, key in enumerate(keys):
        mean = b.state(f"c_{d}", format)
        after = running_mean(b, mean, b.convert(b.mul(activity, b.constant(f"key_{d}", key)), format), rate)
        b.store(mean, after)
        means.append(after)
    for d, component in enumerate(direction(b, means)):
        b.emit(f"direction_{d}", component)
    return b.build()


def pooled_context(name: str, terms: Sequence[Port], gain: Fixed) -> Program:
    """The mean over all neurons of their contexts, c ← (1 - κ) c + κ mean_j z_j k_j, and its direction.

    Inputs ``term_<d>``, the sums of z_j k_jd; constants ``rate`` = κ and ``gain`` = 1/n; states ``c_<d>``; outputs
    ``direction_<d>``.
    """
    b = Builder(name, "pooled context of all neurons, and its direction")
    rate = b.constant("rate", RATE, (0, 1 << RATE.frac))
    share = b.constant("gain", gain)
    targets = [
        b.mul(b.input(f"term_{d}", port.format, port.bounds), share, rounding="nearest") for d, port in enumerate(terms)
    ]
    # One binary point for all components: a direction must not lose a small one by aligning it to another.
    frac = min(target.frac - max(0, target.reach.bit_length() - (WORD - 3)) for target in targets)
    means = []
    for d, target in enumerate(b.rescale(target, frac) for target in targets):
        limit = max(1, target.reach)
        mean = b.state(f"c_{d}", Fixed(WORD - 1, True, frac), (-limit, limit))
        after = running_mean(b, mean, target, rate)
        b.store(mean, after)
        means.append(after)
    for d, component in enumerate(direction(b, means)):
        b.emit(f"direction_{d}", component)
    return b.build()


def payload(name: str, x: Port, directions: Sequence[Port], beta: float, high: int) -> Program:
    """2 round(``high`` exp(β_a (g_i - 1))), at least 2: the message of a presynaptic neuron when its synapses learn.

    Inputs ``x`` and ``direction_<d>``; constants as in :func:`score`; output ``score``. It is even since the engine
    takes half of a payload, and never 0, since no message would leave an older one in the trace.
    """
    b = Builder(name, "attention score of a presynaptic neuron, as a payload")
    activity = b.input("x", x.format, x.bounds)
    ports = [b.input(f"direction_{d}", port.format, port.bounds) for d, port in enumerate(directions)]
    value = b.clip(b.convert(score(b, activity, ports, beta), Fixed(WORD - 1, False, SCORE_FRAC)), 0, 1 << SCORE_FRAC)
    half = b.raw("mul", value, high, SCORE_FRAC - 1, frac=1)
    rounded = b.raw("shr", b.raw("add", half, 1), 1, frac=0)
    b.emit("score", b.raw("shl", b.clip(rounded, 1, high), 1, frac=0))
    return b.build()


def direction(b: Builder, vector: Sequence[Value]) -> list[Value]:
    """The unit vector of ``vector`` in :data:`DIRECTION`, 0 where the vector is 0."""
    if len(vector) == 1:
        return [sign(b, vector[0], 1 << DIRECTION.frac, DIRECTION.frac)]
    b.note("scale the vector up, then divide by its norm")
    coarsest = min(v.frac for v in vector)
    vector = [b.rescale(v, coarsest) for v in vector]
    # Shift the vector left until its largest component fills 21 bits, so that the squares keep their precision.
    top = WORD - 3
    vector = [b.clip(v, -(1 << top), 1 << top) for v in vector]
    magnitude = b.absolute(vector[0])
    for v in vector[1:]:
        other = b.absolute(v)
        magnitude = b.maximum(magnitude, other)
    for shift in (12, 6, 3, 2, 1):
        small = b.raw("lt", magnitude, 1 << (top - shift), frac=0)
        edge = (1 << (top - shift)) - 1

        def scaled(value: Value, low: int) -> Value:
            up = b.raw("shl", b.clip(value, low, edge), shift)  # noqa: B023 - used within the iteration
            return b.raw("sel", small, up, value, frac=value.frac)  # noqa: B023

        vector = [scaled(v, -edge) for v in vector]
        magnitude = scaled(magnitude, 0)
    squares = b.literal(0, 0)
    for v in vector:
        squares = b.add(squares, b.mul(v, v))
    # The largest component now has its top bit set, unless the vector is zero; then any root will do.
    least = math.floor(math.ldexp(1.0, 2 * (top - 1) - 2 * vector[0].frac + squares.frac))
    root = inverse_square_root(b, b.maximum(squares, b.literal(least, squares.frac)))
    limit = 1 << DIRECTION.frac
    return [b.clip(b.mul(v, root, frac=DIRECTION.frac, rounding="nearest"), -limit, limit) for v in vector]


def sign(b: Builder, value: Value, one: int = 1, frac: int = 0) -> Value:
    """``one`` where value > 0, ``-one`` where value < 0, else 0, at ``frac`` fractional bits."""
    result = b.literal(0, frac)
    if value.high > 0:
        result = b.raw("sel", b.raw("lt", 0, value, frac=0), one, result, frac=frac)
    if value.low < 0:
        result = b.raw("sel", b.raw("lt", value, 0, frac=0), -one, result, frac=frac)
    return result


SCORE_FRAC = WORD - 4


def score(b: Builder, x: Value, directions: Sequence[Value], beta: float) -> Value:
    """exp(β_a (g_ij - 1)) of a synapse, for β_a up to ``beta``; constants ``embedding_<d>`` = r̂_id.

    In one dimension g is -1, 0 or 1, and the score is one of the constants ``score_opposed`` = exp(-2β_a),
    ``score_neutral`` = exp(-β_a) or 1. Otherwise it is computed, with the constant ``beta_a``.
    """
    b.note("attention score: exp(beta_a (g - 1))")
    limit = 1 << DIRECTION.frac
    embedding = [b.constant(f"embedding_{d}", DIRECTION, (-limit, limit)) for d in range(len(directions))]
    if len(directions) == 1:
        match = b.mul(directions[0], embedding[0], frac=DIRECTION.frac)
        agreement = b.raw("mul", match, sign(b, x), 0)
        one = 1 << SCORE_FRAC
        bounds = (score_bounds(beta)[0], one)
        opposed, neutral = (
            b.constant(f"score_{n}", Fixed(WORD - 1, False, SCORE_FRAC), bounds) for n in ("opposed", "neutral")
        )
        value = b.raw("sel", b.raw("lt", 0, agreement, frac=0), one, neutral, frac=SCORE_FRAC)
        return b.raw("sel", b.raw("lt", agreement, 0, frac=0), opposed, value, frac=SCORE_FRAC)
    products = b.literal(0, DIRECTION.frac)
    for component, r in zip(directions, embedding, strict=True):
        products = b.add(products, b.mul(component, r, frac=DIRECTION.frac, rounding="nearest"))
    g = b.raw("sel", b.raw("lt", 0, x, frac=0), products, 0, frac=products.frac)
    if x.low < 0:
        g = b.raw("sel", b.raw("lt", x, 0, frac=0), b.neg(products), g, frac=products.frac)
    distance = b.sub(b.clip(g, -limit, limit), b.literal(limit, DIRECTION.frac))
    scale = b.constant("beta_a", *temperature(beta))
    return exponential(b, b.mul(distance, scale))


def temperature(beta: float) -> tuple[Fixed, Interval]:
    """Format and bounds of a constant temperature of at most ``beta``."""
    format = Fixed.fitting(0.0, max(beta, 2.0**-8), 18)
    return format, (0, max(1, int(format.quantise(beta))))


def score_bounds(beta: float) -> Interval:
    """Bounds of a score's integer for a temperature of at most ``beta``.

    One unit below exp(-2 beta) for the error of the exponential.
    """
    return max(0, math.floor(math.ldexp(math.exp(-2.0 * beta), SCORE_FRAC)) - 1), 1 << SCORE_FRAC


def normaliser(name: str, score: Fixed, bounds: Interval) -> Program:
    """The reciprocal of the accumulated scores of a neuron. Input ``sum``, output ``reciprocal``.

    A sum below its proven lower bound (before the first scores arrive) is taken as that bound.
    """
    b = Builder(name, "attention: one over the sum of the scores")
    total = b.clip(b.input("sum", score, (0, bounds[1])), max(1, bounds[0]), bounds[1])
    b.emit("reciprocal", reciprocal(b, total))
    return b.build()
