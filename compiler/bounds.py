"""How far the integers of one step may be from the model's equations: a bound for every signal.

The bound is local. One step's equation, in real numbers and with the parameters that the spec asks for, is fed with
what the integers themselves held in that step (activities, weights, traces, messages); the largest |integer - equation|
is at most the bound. So a bound says what one step costs; what many steps add up to depends on the network, and
``compare`` measures that. Quantities that are no signals (the running means behind a reward and a novelty) run along in
real numbers from the beginning.

A bound of None says that there is none: behind a threshold (LIF, which is Lava's arithmetic exactly), behind a random
choice, or for an oscillator whose period the counter does not hold exactly, since its phase drifts. Where an
accumulator's range comes from a calibration, the bounds hold for as long as nothing leaves that range.

In the formulas u is the signal's unit, the value of its last bit; ``stored`` parameters enter by their actual error.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from hmn_lava.compiler.channels import stored_real
from hmn_lava.compiler.neurocore.static_neurons import STATES
from hmn_lava.compiler.quantise import Formats
from hmn_lava.fixed import Fixed, Integers
from hmn_lava.microcode.ir import WORD
from hmn_lava.microcode.ranges import WORD_RANGE
from hmn_lava.network import IntegerNetwork
from hmn_lava.reference.equations import Floats
from hmn_lava.spec.model import Connection, GlobalAttention, Model, Modulator, Population, Rule
from hmn_lava.topology import blocks

Bound = float | None

# Maximal errors of the elementary functions, as their docstrings state and tests/microcode/test_functions.py asserts.
EXPONENTIAL = 9.1e-6
SIGMOID = 6.7e-6
LOGARITHM = 5.8e-6
COSINE = 3.82e-6
NORMAL = 0.00176
ROOT = 2.0**-20.5  # relative
RECIPROCAL = 2.0**-22  # relative
LARGEST_NORMAL = 4.4
"""Above the outermost draw of a standard normal variable from 16 bits."""

PRODUCT = 2.0 ** -(WORD - 2)
"""A product that had to be shortened fills a word: rounded down (22 bits) or to nearest (21), it errs by at most this
share of its largest value."""

DIRECTION = 2.0**-16
"""Half a unit of a unit vector's component."""


def bounds(model: Model, formats: Formats, network: IntegerNetwork) -> dict[str, float | None]:
    """The bound of the local error of every signal of ``network``, the lowering of ``model`` with ``formats``."""
    return dict(_Bounds(model, formats, network).all())


class _Bounds:
    """The formulas, one method for each signal or family of signals."""

    def __init__(self, model: Model, formats: Formats, network: IntegerNetwork) -> None:
        self.model, self.formats, self.network = model, formats, network

    def all(self) -> Iterator[tuple[str, Bound]]:
        for p in self.model.populations.values():
            if p.type == "input":
                yield f"{p.name}.x", self.x(p)
                continue
            yield f"{p.name}.a", self.a(p)
            yield f"{p.name}.z", self.z(p)
            if p.resonator is not None:
                yield f"{p.name}.a_im", self.a(p, "imaginary")
            yield from ((f"{p.name}.{state}", None) for state in STATES.get(str(p.activation), ()))
        for c in self.model.connections.values():
            if c.rule is not None:
                yield from self._plastic(c, c.rule)
            elif c.learns:  # hebbian: rounded stochastically
                yield f"{c.name}.w", None
        for m in self.model.modulators.values():
            if f"{m.name}.E" in self.network.signals:
                yield f"{m.name}.E", self.modulator(m)
        if self.model.global_attention is not None:
            for d in range(self.model.global_attention.dimensions):
                if f"global.C_{d}" in self.network.signals:
                    yield f"global.C_{d}", self.global_context(self.model.global_attention, d)

    def _plastic(self, c: Connection, rule: Rule) -> Iterator[tuple[str, Bound]]:
        if f"{c.name}.synapse" in self.network.learning:
            yield from self._engine(c, rule)
            return
        if f"{c.name}.w" not in self.network.signals:
            return  # static in the learning engine's network
        yield f"{c.name}.w", self.w(c, rule)
        if not rule.learning:
            return
        yield f"{c.name}.psi_fast", self.psi(c, rule, "psi_fast", rule.tau_fast)
        if rule.tau_slow is not None:
            yield f"{c.name}.psi_slow", self.psi(c, rule, "psi_slow", rule.tau_slow)
        yield f"{c.name}.dw", self.dw(c, rule)
        if rule.attention is not None:
            yield f"{c.name}.alpha", self.alpha(c, rule)
            for d in range(rule.attention.dimensions):
                yield f"{c.name}.c_{d}", self.c(c, rule, d)
        if rule.phase is not None:
            yield f"{c.name}.gate", self.gate(c, rule)
        if rule.modulators:
            yield f"{c.name}.G", self.third_factor(c, rule)

    def _engine(self, c: Connection, rule: Rule) -> Iterator[tuple[str, Bound]]:
        """Weights and tags of the learning engine are rounded stochastically: they have no bound."""
        yield from ((f"{c.name}.{symbol}", None) for symbol in ("w", "psi_fast", "psi_slow"))
        if rule.phase is not None and rule.phase.uniform:
            yield f"{c.name}.gate", self.gate(c, rule)
        if rule.modulators:
            yield f"{c.name}.G", self.third_factor(c, rule)

    # what the formulas read

    def _unit(self, signal: str) -> float:
        return self.network.signals[signal].format.unit

    def _reach(self, signal: str) -> float:
        return _largest(self.network.signals[signal].format)

    def _message(self, group: str, output: str) -> tuple[float, float]:
        """The unit of a message, and its largest real magnitude."""
        variable = next(v for v in self.network.groups[group].program.outputs if v.name == output)
        return variable.format.unit, max(abs(variable.low), abs(variable.high)) * variable.format.unit

    def _off(self, group: str, constant: str, requested: ArrayLike) -> float:
        """The largest |stored - requested| of a constant."""
        format = self.network.groups[group].program.variable(constant).format
        return _distance(format, self.network.groups[group].constants[constant].values, requested)

    # populations

    def x(self, p: Population) -> float:
        """u/2: the host's input is rounded to nearest. A spike is exact."""
        return 0.0 if p.signal == "spike" else self._unit(f"{p.name}.x") / 2

    def a(self, p: Population, component: str = "real") -> float:
        """Σ_i (|w - stored| max |x|, or u'/2 if plastic) + |b - stored| + u + 0.00176 σ + 4.4 |σ - stored| + 2.5 u.

        The worst neuron's; u' is the unit of the accumulator that the synapses add to, and a static connection whose
        sum is shifted right costs one. The bias may cost a unit when the two are aligned, noise a floor and an
        alignment; a LIF may round the sum back to its threshold's unit. What a population has not costs nothing.
        """
        u, port = self._unit(f"{p.name}.a"), self.formats.accumulator[p.name].format
        error = np.zeros(p.size)
        for c in self.model.connections.values():
            if c.post != p.name or c.component != component:
                continue
            if f"{c.name}.synapse" in self.network.groups:
                error += c.topology.counts * (port.unit / 2)
                continue
            x, w, extra = self.formats.activity[c.pre], self.formats.weight[c.name], self.formats.extra.get(c.name)
            reach = max(abs(n) for n in x.bounds) * x.format.unit
            if f"{c.name}.synapse" not in self.network.learning:
                error += c.topology.row_sums(partial(_off, w, c, extra)) * reach
            finest = w.frac + (0 if extra is None else int(extra.max(initial=0)))
            error += port.unit if port.frac < finest + x.format.frac else 0.0
        total = float(error.max(initial=0.0))
        if u > port.unit:  # a range that fills the word gives up a bit before anything is added to it
            total += u
        if p.type != "hmn":
            return total
        if np.any(p.bias):
            total += self._off(p.name, "bias", p.bias) + u
        if p.noise > 0:
            total += NORMAL * p.noise + LARGEST_NORMAL * self._off(p.name, "noise", p.noise) + 2 * u
            total += u / 2 if p.activation == "lif" else 0.0
        return total

    def z(self, p: Population) -> Bound:
        """relu: u/2, and a unit of a where a is the coarser. sigmoid: 6.7e-6 + u, since it is never below one unit.

        From the recorded a. Competition compares the integers of a exactly, so winner_take_all keeps the bound;
        ``sample`` and lif have none.
        """
        if p.activation not in ("relu", "sigmoid") or p.competition == "sample":
            return None
        u, u_a = self._unit(f"{p.name}.z"), self._unit(f"{p.name}.a")
        if p.activation == "sigmoid":
            return SIGMOID + u
        return u / 2 + (u_a if u_a > u else 0.0)

    # plastic connections

    def w(self, c: Connection, rule: Rule) -> float:
        """0, or what rounding w_min and w_max costs (at most u/2): else w = clip(w + dw) of the recorded dw exactly.

        Without learning: |w - stored| of the weights.
        """
        format = self.network.signals[f"{c.name}.w"].format
        limits = format.quantise([rule.w_min, rule.w_max])
        if rule.learning:
            return _distance(format, limits, [rule.w_min, rule.w_max])
        parts = (c.weights[part] for part in blocks(c.n_syn))
        return max(_distance(format, np.clip(format.quantise(w), limits[0], limits[1]), w) for w in parts)

    def psi(self, c: Connection, rule: Rule, symbol: str, tau: float) -> float:
        """replacing: 1.5 u + |λ - stored| max ψ; accumulating: one u more.

        A decay is rounded towards zero (u); x z is floored to a word, then rounded (1.5 u); accumulating may do both at
        once. A sum that saturates (time constants above 4096 steps) loses up to one x z.
        """
        name = f"{c.name}.{symbol}"
        u, decay = self._unit(name), math.exp(-1.0 / tau)
        error = self._off(f"{c.name}.synapse", f"{symbol}_decay", decay) * self._reach(name)
        if rule.mode == "replacing":
            return 1.5 * u + error
        coincidence = math.prod(_extent(self.model.populations[n]) for n in (c.pre, c.post))
        saturates = coincidence > (1.0 - decay) * (self._reach(name) + u)
        return 2.5 * u + error + (coincidence if saturates else 0.0)

    def c(self, c: Connection, rule: Rule, d: int) -> float:
        """u/2 + κ (1.5 u + max |z| |k - stored|) + 2 max |c| |κ - stored|: the step, the target z k, and the rate."""
        attention = rule.attention
        if attention is None:
            raise ValueError("no attention")
        group, u = f"{c.name}.context", self._unit(f"{c.name}.c_{d}")
        z = _extent(self.model.populations[c.post])
        target = 1.5 * u + z * self._off(group, f"key_{d}", attention.key[:, d])
        reach = z * float(np.abs(attention.key[:, d]).max(initial=0.0)) + target
        return u / 2 + attention.rate * target + 2 * reach * self._off(group, "rate", attention.rate)

    def alpha(self, c: Connection, rule: Rule) -> float:
        """d/4 + e^(2β) (ε/2 + u_m/2)/(1 - δ) + 2⁻²² + u'/2 + u, at most 1.

        What a softmax makes of the errors of its exponents and powers. d = 2 (β δg + 2 |β - stored|) + β 2⁻²¹ is the
        error of a difference of exponents, δg that of a scalar product of unit vectors; no share moves by more than
        d/4. A power e^(β (g - 1)) ≥ e^(-2β) errs by ε = 9.1e-6 + 2⁻²¹, and its message to the sum is rounded to u_m:
        a share moves by at most e^(2β) ε/4 for its own error, as much for the others', and e^(2β) u_m/2 for the
        sum's. δ = e^d - 1 + e^(2β) (ε + u_m/2) is their relative error; u' is the unit of the reciprocal. In one
        dimension the three possible powers are constants: d = 0 and ε = 2⁻²¹.
        """
        attention = rule.attention
        if attention is None:
            raise ValueError("no attention")
        beta, group = attention.beta, f"{c.name}.synapse"
        exponent, power = 0.0, 2.0**-21
        if attention.dimensions > 1:
            exponent = self._exponent(beta, attention.dimensions, self._off(group, "beta_a", beta))
            power += EXPONENTIAL
        message = self._message(group, "score")[0] / 2
        growth = math.exp(2 * beta)
        relative = math.expm1(exponent) + growth * (power + message)
        if relative >= 1.0:
            return 1.0
        reciprocal = self._message(f"{c.name}.attention", "reciprocal")[0]
        shares = exponent / 4 + growth * (power / 2 + message) / (1.0 - relative)
        return min(1.0, shares + RECIPROCAL + reciprocal / 2 + self._unit(f"{c.name}.alpha"))

    def _exponent(self, beta: float, dimensions: int, off: float) -> float:
        """The error of a difference of two exponents β g: 2 (β δg + 2 |β - stored|) + β 2⁻²¹."""
        return 2 * (beta * _agreement(dimensions) + 2 * off) + 2 * beta * PRODUCT

    def gate(self, c: Connection, rule: Rule) -> Bound:
        """3.82e-6 + 2π δ + u/2; with a phase per synapse √2 (3.82e-6 + 2⁻¹⁶) + 2π δ + 2 u.

        δ turns is the error of the phase: start u_count/2P, P |1/P - stored|, and 2⁻²¹ of the product. With a phase per
        synapse, two such waves in quadrature meet two stored constants. None where the period, or one step of a shorter
        one, is no whole number of the counter's units.
        """
        if rule.phase is None:
            raise ValueError("no phase gate")
        group, u = f"{c.name}.oscillator", self._unit(f"{c.name}.gate")
        period = self.model.oscillators[rule.phase.oscillator].period
        count = self.network.groups[group].program.variable("count").format
        if any(math.ldexp(steps, count.frac) % 1.0 for steps in (period, math.fmod(1.0, period))):
            return None
        turns = count.unit / (2 * period) + period * self._off(group, "turns_per_step", 1.0 / period) + 2 * PRODUCT
        if rule.phase.uniform:
            return COSINE + 2 * math.pi * turns + u / 2
        return math.sqrt(2.0) * (COSINE + 2.0**-16) + 2 * math.pi * turns + 2 * u

    def third_factor(self, c: Connection, rule: Rule) -> float:
        """Σ_k max |E_k| (|w_k - stored| + |w_k| δγ) + 2 K u, K the number of modulators, from the recorded E and C.

        Without attention δγ = 0. With it, powers are relative to the largest, which is 1, so that δγ = d/4 +
        K (9.1e-6 + 2⁻¹⁹) + 2⁻²⁰, where d is the error of a difference of exponents, as for α.
        """
        group, modulators = f"{c.name}.modulation", [self.model.modulators[name] for name in rule.modulators]
        attention, gamma = self.model.global_attention, 0.0
        if attention is not None:
            off = self._off(group, "beta_g", attention.beta)
            gamma = self._exponent(attention.beta, attention.dimensions, off) / 4
            gamma += len(modulators) * (EXPONENTIAL + 2.0**-19) + 2.0**-20
        error = sum(
            self._reach(f"{m.name}.E") * (self._off(group, f"weight_{m.name}", m.weight) + abs(m.weight) * gamma)
            for m in modulators
        )
        return error + 2 * len(modulators) * self._unit(f"{c.name}.G")

    def dw(self, c: Connection, rule: Rule) -> float:
        """u/2 + T e' + e T' + 3 T e 2⁻²², from the recorded ψ, α, gate and G'.

        T and e bound |η_l + η_g G'| and ψ_fast + ψ_slow. T' = |η_l - stored| + max |G'| |η_g - stored| + 1.5 u_T and
        e' (half the coarser trace's unit, where a word does not hold both) are their errors; each of up to three
        products is rounded to a word. dw is what is added to w, so it saturates at w_max - w_min, which
        changes no weight. With a probabilistic gate the bound is for the steps where both or neither apply it.
        """
        modulation, name = f"{c.name}.modulation", c.name
        unit, third = self._message(modulation, "third")
        off = self._off(modulation, "eta_local", rule.eta_local) + 1.5 * unit
        if rule.modulators:
            off += self._reach(f"{name}.G") * self._off(modulation, "eta_global", rule.eta_global)
        e, aligned = self._reach(f"{name}.psi_fast"), 0.0
        if rule.tau_slow is not None:
            e += self._reach(f"{name}.psi_slow")
            units = sorted(self._unit(f"{name}.{symbol}") for symbol in ("psi_fast", "psi_slow"))
            aligned = 0.0 if e / units[0] < WORD_RANGE[1] else units[1] / 2
        return self._unit(f"{name}.dw") / 2 + third * aligned + e * off + 3 * third * e * PRODUCT

    # neuromodulation

    def modulator(self, m: Modulator) -> float:
        """The bound of E_k by its type."""
        if m.type == "input":
            return 0.0
        return {"reward": self._reward, "novelty": self._novelty, "uncertainty": self._uncertainty}[m.type](m)

    def _mean(self, group: str, rate: str, m: Modulator, unit: float) -> float:
        """(u/2 + 2 max |x| |κ - stored|)/κ: what a running mean settles to, if each of its steps errs like that."""
        stored = (
            float(self.network.groups[group].constants[rate].values[0])
            * self.network.groups[group].program.variable(rate).format.unit
        )
        reach = 2 * _extent(self.model.populations[m.source])
        return min(reach, (unit / 2 + reach * abs(stored - m.mean_rate)) / stored) if stored > 0 else reach

    def _reward(self, m: Modulator) -> float:
        """u + (u/2 + 2 max |r| |κ - stored|)/κ: r less its mean, which is no signal and runs along in real numbers."""
        signal = self.network.signals[f"{m.name}.E"]
        return signal.format.unit + self._mean(signal.owner, f"mean_rate_{m.name}", m, signal.format.unit)

    def _novelty(self, m: Modulator) -> float:
        """√n μ + √(n u_s) + 2^-20.5 max E + u: n means that err by μ, n squares that are rounded to u_s, and a root."""
        group, n = f"{m.name}.terms", self.model.populations[m.source].size
        mean = self._mean(group, "rate", m, self.network.groups[group].program.variable("mean").format.unit)
        square, name = self._message(group, "square")[0], f"{m.name}.E"
        return math.sqrt(n) * mean + math.sqrt(n * square) + ROOT * self._reach(name) + self._unit(name)

    def _uncertainty(self, m: Modulator) -> float:
        """((1 + min(z_max, ln n))(ε + u_S) + u_Z) e^z_max/(1 - r) + z_max (n u'/2 + 2⁻²²) + 5.8e-6 + 4 u, at most ln n.

        Each neuron's e^(z - z_max) errs by ε = 9.1e-6 and is rounded to u_S, its product with z to u_Z; their sum S
        is at least n e^(-z_max), of which r = (ε + u_S) e^z_max is the relative error. The entropy moves by at most
        (1 + R) n/S times an error of the powers, R the largest z; as S ≥ (e^R + n - 1) e^(-z_max), that is below (1 +
        ln n) e^z_max. u' is the unit of the reciprocal. The entropy is clipped to [0, ln n].
        """
        source, name = self.model.populations[m.source], f"{m.name}.E"
        n, z_max, u = source.size, source.high, self._unit(name)
        u_z, _ = self._message(f"{m.name}.terms", "zexp")
        least, u_s = next(
            (v.low, v.format.unit) for v in self.network.groups[f"{m.name}.terms"].program.outputs if v.name == "exp"
        )
        relative = (EXPONENTIAL + u_s) * math.exp(z_max)
        most = math.log(n) + u
        if relative >= 1.0:
            return most
        share = PRODUCT / (u_s * 2.0 ** math.floor(math.log2(n * least)))
        sums = ((1.0 + min(z_max, math.log(n))) * relative + u_z * math.exp(z_max)) / (1.0 - relative)
        return min(most, sums + z_max * (n * share / 2 + RECIPROCAL) + LOGARITHM + 4 * u)

    def global_context(self, attention: GlobalAttention, d: int) -> float:
        """u/2 + κ (u + 0.51 u_t + max |z| |k - stored| + n max |z k| |g - stored|) + 2 max |C| |κ - stored|.

        The context is g Σ_j z_j k_j over n neurons, g = 1/n; u_t is the unit of a neuron's term. From an input, g = 1
        and no term is rounded.
        """
        signal = self.network.signals[f"global.C_{d}"]
        u, z = signal.format.unit, _extent(self.model.populations[attention.context])
        target, reach = u, z
        if not attention.from_input:
            key, n = attention.key[:, d], len(attention.key)
            reach = z * float(np.abs(key).max(initial=0.0))
            target += 0.51 * self._message("global.terms", f"term_{d}")[0] + z * self._off(
                "global.terms", f"key_{d}", key
            )
            target += n * reach * self._off(signal.owner, "context_gain", 1.0 / n)
        return (
            u / 2
            + attention.rate * target
            + 2 * (reach + target) * self._off(signal.owner, "context_rate", attention.rate)
        )


def _agreement(dimensions: int) -> float:
    """The error of the scalar product of a stored and a computed unit vector; in one dimension there is none.

    The D components of both and their products are rounded to 15 bits: (2 √D + D) 2⁻¹⁶. The computed one's norm adds
    (2 D² + D + √D + 1) 2⁻²¹.
    """
    if dimensions == 1:
        return 0.0
    d, root = float(dimensions), math.sqrt(dimensions)
    return (2 * root + d) * DIRECTION + (2 * d * d + d + root + 1) * 2.0**-21


def _extent(p: Population) -> float:
    """The largest magnitude of a population's activity."""
    return max(abs(p.low), abs(p.high))


def _largest(format: Fixed) -> float:
    return max(-format.min, format.max) * format.unit


def _off(format: Fixed, c: Connection, extra: Integers | None, part: slice) -> Floats:
    """How far the stored weights of some synapses are from those that are asked for."""
    return np.abs(stored_real(c, format, extra, part) - c.weights[part])


def _distance(format: Fixed, stored: ArrayLike, requested: ArrayLike) -> float:
    return float(np.abs(format.real(stored) - np.asarray(requested, np.float64)).max(initial=0.0))
