"""Neuromodulators and global attention (HMN paper, eq. (6), (10) and (11)).

G' = Σ_k γ_k w_k E_k,  γ = softmax over k of β_g g(E_k q_k, C),  g(E_k q_k, C) = sign(E_k) <q̂_k, Ĉ>;  without attention
γ_k = 1.

What a plastic connection receives is its third factor η_l + η_g G'.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from hmn_lava.components.attention import DIRECTION, RATE, direction, running_mean, temperature
from hmn_lava.components.port import Port
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.builder import Builder, Value
from hmn_lava.microcode.functions import exponential, logarithm, reciprocal, square_root
from hmn_lava.microcode.ir import WORD, Program
from hmn_lava.microcode.ranges import WORD_RANGE


@dataclass(frozen=True)
class ModulatorForm:
    """One modulator as its program sees it.

    The message that arrives, its weight, and for a reward how its mean moves.
    """

    name: str
    type: str
    port: Port
    weight: Fixed
    on_delivery: bool = False


@dataclass(frozen=True)
class GlobalAttentionForm:
    """Global attention.

    The messages that carry the context's D_g components, the gain from them to the context, and β_g.
    """

    ports: tuple[Port, ...]
    gain: Fixed
    beta: float


def modulation(
    name: str,
    modulators: Sequence[ModulatorForm],
    attention: GlobalAttentionForm | None,
    eta_local: Fixed,
    eta_global: Fixed,
) -> Program:
    """The third factor η_l + η_g G' of a plastic connection, as output ``third``.

    Inputs ``e_<modulator>`` and ``context_<d>``; constants ``eta_local``, ``eta_global``, ``weight_<modulator>``,
    ``mean_rate_<modulator>`` and, with attention, ``context_rate``, ``context_gain``, ``beta_g`` and
    ``key_<modulator>_<d>`` = q̂_kd. States ``mean_<modulator>`` of a reward and ``C_<d>``. Observables
    ``E_<modulator>`` and ``G``.
    """
    b = Builder(name, "third factor eta_l + eta_g G'")
    values = {m.name: _value(b, m) for m in modulators}
    weighted = [b.mul(values[m.name], b.constant(f"weight_{m.name}", m.weight), rounding="nearest") for m in modulators]
    if not modulators:
        g = b.literal(0, 0)
    elif attention is None:
        g = weighted[0]
        for term in weighted[1:]:
            g = b.add(g, term)
    else:
        g = _attend(b, modulators, values, weighted, attention)
    if modulators:
        b.observe("G", g)
    b.note("third factor")
    scaled = b.mul(g, b.constant("eta_global", eta_global), rounding="nearest") if modulators else g
    b.emit("third", b.add(scaled, b.constant("eta_local", eta_local)))
    return b.build()


def _value(b: Builder, modulator: ModulatorForm) -> Value:
    """E_k: the message itself, or for a reward the difference to its running mean, r - m; then m ← m + κ (r - m)."""
    message = b.input(f"e_{modulator.name}", modulator.port.format, modulator.port.bounds)
    if modulator.type != "reward":
        b.observe(f"E_{modulator.name}", message)
        return message
    b.note(f"{modulator.name}: reward minus its running mean")
    reach = max(abs(bound) for bound in modulator.port.bounds)
    shift = WORD - 2 - max(1, reach).bit_length() - 1
    reward = b.rescale(message, message.frac + shift)
    mean = b.state(f"mean_{modulator.name}", Fixed(WORD - 1, True, reward.frac), (-(reach << shift), reach << shift))
    rate = b.constant(f"mean_rate_{modulator.name}", RATE, (0, 1 << RATE.frac))
    error = b.sub(reward, mean)
    after = running_mean(b, mean, reward, rate)
    if modulator.on_delivery:
        silent = b.is_zero(message)
        error = b.raw("sel", silent, 0, error, frac=error.frac)
        after = b.raw("sel", silent, mean, after, frac=after.frac)
    b.store(mean, after)
    b.observe(f"E_{modulator.name}", error)
    return error


def _attend(
    b: Builder,
    modulators: Sequence[ModulatorForm],
    values: dict[str, Value],
    weighted: Sequence[Value],
    form: GlobalAttentionForm,
) -> Value:
    """Σ_k γ_k w_k E_k with γ the softmax of the agreement of E_k q_k with the context."""
    b.note("global context")
    rate = b.constant("context_rate", RATE, (0, 1 << RATE.frac))
    gain = b.constant("context_gain", form.gain)
    means = []
    targets = [
        b.mul(b.input(f"context_{d}", port.format, port.bounds), gain, rounding="nearest")
        for d, port in enumerate(form.ports)
    ]
    # One binary point for all components: a direction must not lose a small one by aligning it to another.
    frac = min(target.frac - max(0, target.reach.bit_length() - (WORD - 3)) for target in targets)
    for d, target in enumerate(b.rescale(target, frac) for target in targets):
        limit = max(1, target.reach)
        mean = b.state(f"C_{d}", Fixed(WORD - 1, True, target.frac), (-limit, limit))
        after = running_mean(b, mean, target, rate)
        b.store(mean, after)
        means.append(after)
    directions = direction(b, means)
    limit = 1 << DIRECTION.frac
    scale = b.constant("beta_g", *temperature(form.beta))
    agreements = []
    for modulator in modulators:
        b.note(f"agreement of {modulator.name} with the context")
        product = b.literal(0, DIRECTION.frac)
        for d, component in enumerate(directions):
            key = b.constant(f"key_{modulator.name}_{d}", DIRECTION, (-limit, limit))
            product = b.add(product, b.mul(component, key, frac=DIRECTION.frac, rounding="nearest"))
        e = values[modulator.name]
        agreement = b.raw("sel", b.raw("lt", 0, e, frac=0), product, 0, frac=product.frac)
        if e.low < 0:
            agreement = b.raw("sel", b.raw("lt", e, 0, frac=0), b.neg(product), agreement, frac=product.frac)
        agreements.append(b.clip(agreement, -limit, limit))
    b.note("softmax: exp(beta_g (g - max g)), so that one score is 1")
    top = agreements[0]
    for agreement in agreements[1:]:
        top = b.maximum(top, agreement)
    # 18 bits, so that the sum over the modulators fits a word
    distances = [b.clip(b.sub(agreement, top), -2 * limit, 0) for agreement in agreements]
    scores = [b.rescale(exponential(b, b.mul(distance, scale)), 18) for distance in distances]
    total = scores[0]
    for value in scores[1:]:
        total = b.add(total, value)
    share = reciprocal(b, b.maximum(total, b.literal(1 << total.frac, total.frac)))
    g = None
    for value, term in zip(scores, weighted, strict=True):
        gamma = b.mul(value, share)
        gamma = b.clip(gamma, 0, min(1 << gamma.frac, gamma.high))
        part = b.mul(gamma, term, rounding="nearest")
        g = part if g is None else b.add(g, part)
    return g if g is not None else b.literal(0, 0)


def context_terms(name: str, z: Port, keys: Sequence[Fixed]) -> Program:
    """z_j k_jd of each neuron, for the sum over the population.

    Input ``z``, constants ``key_<d>``, outputs ``term_<d>`` of 16 bits.
    """
    b = Builder(name, "global context: z_j k_j of each neuron")
    activity = b.input("z", z.format, z.bounds)
    for d, key in enumerate(keys):
        product = b.mul(activity, b.constant(f"key_{d}", key))
        b.emit(f"term_{d}", b.rescale(product, product.frac - max(0, product.reach.bit_length() - 16)))
    return b.build()


def entropy_terms(name: str, z: Port, count: int) -> Program:
    """exp(z_j - z_max) and z_j exp(z_j - z_max) of each of ``count`` neurons, scaled so that their sums fit a word.

    Input ``z``; outputs ``exp`` and ``zexp``. z_max is the bound of z.
    """
    b = Builder(name, "uncertainty: the terms of a softmax's entropy")
    activity = b.input("z", z.format, z.bounds)
    power = exponential(b, b.sub(activity, b.literal(activity.high, activity.frac)))
    frac = min(power.frac, WORD - 2 - max(1, count).bit_length())
    # No power is below that of the least z; saying so lets the reciprocal of their sum keep its bits.
    least = math.floor(math.ldexp(math.exp(math.ldexp(activity.low - activity.high, -activity.frac)), frac))
    b.emit("exp", b.maximum(b.rescale(power, frac), b.literal(max(1, least), frac)))
    product = b.mul(activity, power)
    room = WORD - 2 - max(1, count).bit_length()
    b.emit("zexp", b.rescale(product, product.frac - max(0, product.reach.bit_length() - room)))
    return b.build()


def entropy(name: str, exp: Port, zexp: Port, z_max: float, least: int) -> Program:
    """H = ln Σ_j e^(z_j - z_max) + z_max - (Σ_j z_j e^(z_j - z_max)) / Σ_j e^(z_j - z_max), in nats, as output ``E``.

    The entropy of softmax(z), at most ln n. Inputs ``exp`` and ``zexp``, the sums of the neurons' terms. ``least`` is
    the proven lower bound of the sum of exp once the neurons have sent; before, it stands in for the sum.
    """
    b = Builder(name, "uncertainty: entropy of softmax(z)")
    power = b.clip(b.input("exp", exp.format, exp.bounds), max(1, least), exp.bounds[1])
    weighted, share = b.input("zexp", zexp.format, zexp.bounds), reciprocal(b, power)
    # A mean of z is at most z_max, and at most four times that where both sums were rounded: it never wraps, which the
    # bounds cannot see.
    frac = min(16, WORD - 1 - math.frexp(4.0 * z_max)[1], weighted.frac + share.frac)
    mean = b.raw("mul", weighted, share, weighted.frac + share.frac - frac, frac=frac, wraps=True)
    mean = b.clip(b.raw("and", mean, WORD_RANGE[1]), 0, math.ceil(math.ldexp(z_max, frac)))
    value = b.convert(b.sub(b.add(logarithm(b, power), b.number(z_max, 16)), mean), Fixed(WORD - 4, False, 16))
    most = math.log(math.ldexp(exp.bounds[1], -exp.format.frac))
    b.emit("E", b.clip(value, 0, max(1, math.ceil(math.ldexp(most, 16)))))
    return b.build()


def novelty_terms(name: str, x: Port, count: int) -> Program:
    """(x_i - m_i)² of each of ``count`` inputs, then m_i ← m_i + κ (x_i - m_i).

    Input ``x``, state ``mean``, constant ``rate`` = κ, output ``square``, scaled so that the sum fits a word.
    """
    b = Builder(name, "novelty: squared distance of each input from its running mean")
    message = b.input("x", x.format, x.bounds)
    reach = max(1, message.reach)
    shift = WORD - 2 - reach.bit_length() - 1
    value = b.rescale(message, message.frac + shift)
    mean = b.state("mean", Fixed(WORD - 1, True, value.frac), (-(reach << shift), reach << shift))
    rate = b.constant("rate", RATE, (0, 1 << RATE.frac))
    difference = b.sub(value, mean)
    square = b.mul(difference, difference)
    room = WORD - 2 - max(1, count).bit_length()
    b.emit("square", b.rescale(square, square.frac - max(0, square.reach.bit_length() - room)))
    b.store(mean, running_mean(b, mean, value, rate))
    return b.build()


def novelty(name: str, total: Port) -> Program:
    """The Euclidean distance √Σ_i (x_i - m_i)² as output ``E``. Input ``sum``."""
    b = Builder(name, "novelty: distance of the input from its running mean")
    b.emit("E", square_root(b, b.input("sum", total.format, total.bounds)))
    return b.build()
