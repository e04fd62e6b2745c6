"""One step of the equations, fed with what the integers held in that step: the local error of every signal."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava import streams
from hmn_lava.compiler.quantise import lif_decays
from hmn_lava.components.neuron import LIF_DECAY_BITS, LIF_SHIFT
from hmn_lava.fixed import wrap
from hmn_lava.network import IntegerNetwork
from hmn_lava.reference import equations as eq
from hmn_lava.reference.draws import gumbel_of_draw, normal_of_draw
from hmn_lava.simulator.result import Result
from hmn_lava.spec.model import Connection, Model, Population, Rule

Floats = NDArray[np.float64]

KEY_TOLERANCE = 0.02
"""How far below the largest key the sampled one may be: the Gumbel draw's stated error of 0.0035, twice, and the
temperature's rounding; besides, two units of the key's format, in which its two terms are rounded."""

UNDECIDED = 1e-3
"""How close to its draw a gate's probability may be without deciding the gate, besides what the error of dw makes of
it."""


class TeacherForced:
    """Recorded real values by model step, and the errors of the equations on them; ``inputs`` is what the host sent."""

    def __init__(self, model: Model, network: IntegerNetwork, result: Result, inputs: dict[str, Floats]) -> None:
        self.model, self.network, self.inputs = model, network, inputs
        late = {name: network.latency(name) for name in network.signals}
        self.steps = result.steps - max(late.values())
        self.t = np.arange(self.steps)
        self.raw = {
            name: result.raw[name][offset : offset + self.steps].reshape(self.steps, -1)
            for name, offset in late.items()
        }
        self.real = {name: network.signals[name].format.real(raw) for name, raw in self.raw.items()}

    def errors(self) -> dict[str, Floats]:
        """|integer - equation| of each signal that has a bound, (steps, elements)."""
        expected: dict[str, Floats] = {}
        for p in self.model.populations.values():
            if p.type == "input":
                expected[f"{p.name}.x"] = self.inputs[p.name][: self.steps]
            else:
                expected[f"{p.name}.a"] = self.a(p)
                if self.network.signals[f"{p.name}.z"].bound is not None:
                    expected[f"{p.name}.z"] = np.array([self.z(p, a) for a in self.real[f"{p.name}.a"]])
        for c in self.model.connections.values():
            if c.rule is not None:
                expected |= self.plastic(c, c.rule)
        for m in self.model.modulators.values():
            if f"{m.name}.E" in self.network.signals:
                expected[f"{m.name}.E"] = self.modulator(m.name)
        if "global.C_0" in self.network.signals:
            expected |= self.context()
        return {name: np.abs(self.real[name] - values.reshape(self.steps, -1)) for name, values in expected.items()}

    # what a step is fed with

    def activity(self, population: str) -> Floats:
        symbol = "x" if self.model.populations[population].type == "input" else "z"
        return self.real[f"{population}.{symbol}"]

    def presynaptic(self, c: Connection) -> Floats:
        """x_i(t - τ_ij) of each synapse, (steps, n_syn); zero before the first step."""
        time = self.t[:, None] - np.broadcast_to(self.network.delay[c.name], c.row.shape)
        return np.where(time >= 0, self.activity(c.pre)[np.maximum(time, 0), c.col], 0.0)

    def initial(self, c: Connection) -> Floats:
        name = f"{c.name}.synapse"
        learning = self.network.learning.get(name)
        stored = self.network.groups[name].initial["w"] if learning is None else learning.initial["weights"]
        return np.asarray(self.network.signals[f"{c.name}.w"].format.real(np.broadcast_to(stored, (c.n_syn,))))

    def weights(self, c: Connection, lag: int) -> Floats:
        """The weights after the updates of the steps up to t - 1 - lag, or the initial ones."""
        shift = 1 + lag
        return np.concatenate([np.tile(self.initial(c), (shift, 1)), self.real[f"{c.name}.w"]])[: self.steps]

    def before(self, signal: str) -> Floats:
        """A state as it was at the start of each step; zero at first."""
        real = self.real[signal]
        return np.concatenate([np.zeros((1, real.shape[1])), real])[: self.steps]

    # populations

    def a(self, p: Population) -> Floats:
        drive = np.zeros((self.steps, p.size))
        for c in self.model.connections.values():
            if c.post != p.name:
                continue
            x = self.presynaptic(c)
            if f"{c.name}.w" not in self.network.signals:
                w = np.tile(c.weights, (self.steps, 1))
            else:
                w = self.weights(c, self.network.weight_lag[c.name] if c.rule.learning else 0)
            drive += np.array([eq.synaptic_input(w[t], x[t], c.row, p.size) for t in self.t])
        if p.type == "lif":
            return drive
        noise = 0.0
        if p.noise:
            draws = streams.uniform(self.model.seed, f"{p.name}.noise", self.t[:, None], np.arange(p.size))
            noise = p.noise * normal_of_draw()[draws]
        return eq.activation(drive, p.bias, noise)

    def z(self, p: Population, a: Floats) -> Floats:
        z = eq.relu(a, p.z_max) if p.activation == "relu" else eq.sigmoid(a)
        return eq.winner_take_all(a, z) if p.competition == "winner_take_all" else z

    def check_random_choice(self, p: Population) -> None:
        """At most one neuron of a sample is active, with its own f(a), and none has a clearly larger key."""
        z, a = self.real[f"{p.name}.z"], self.real[f"{p.name}.a"]
        draws = streams.uniform(self.model.seed, f"{p.name}.sample", self.t[:, None], np.arange(p.size))
        key = a / p.temperature + gumbel_of_draw()[draws]
        unit = next(v.format.unit for v in self.network.groups[p.name].program.outputs if v.name == "key")
        for t, winner in np.argwhere(z):
            assert np.count_nonzero(z[t]) == 1
            assert key[t, winner] >= key[t].max() - KEY_TOLERANCE - 2 * unit
            if p.activation == "relu":
                assert abs(z[t, winner] - eq.relu(a[t], p.z_max)[winner]) <= self.unit(f"{p.name}.z") + self.unit(
                    f"{p.name}.a"
                )
            elif p.activation == "sigmoid":
                assert abs(z[t, winner] - eq.sigmoid(a[t])[winner]) <= 7e-6 + self.unit(f"{p.name}.z")

    def unit(self, signal: str) -> float:
        return self.network.signals[signal].format.unit

    def check_lif(self, p: Population) -> None:
        """Lava's integers: u, v and the spike follow from the recorded a and the parameters at the scale of v."""
        lif, frac = p.lif, self.network.signals[f"{p.name}.v"].format.frac
        assert lif is not None and self.network.signals[f"{p.name}.u"].format.frac == frac
        a = self.real[f"{p.name}.a"]
        current = np.ldexp(a, frac).astype(np.int64)
        vth = min(round(np.ldexp(lif.vth[0], frac - LIF_SHIFT)), (1 << 17) - 1) << LIF_SHIFT
        bias: Any = 0
        if p.type == "lif" and np.any(p.bias):
            bias = self.network.groups[p.name].constants["bias"].values
        keep_u, keep_v = lif_decays(lif)
        u, v = np.zeros(p.size, np.int64), np.zeros(p.size, np.int64)
        for t in self.t:
            u = wrap(_towards_zero(u * keep_u) + current[t], 24)
            v = np.clip(_towards_zero(v * keep_v) + u + bias, -(2**23) + 1, 2**23 - 1)
            spike = v > vth
            v = np.where(spike, 0, v)
            assert np.array_equal(self.raw[f"{p.name}.u"][t], u) and np.array_equal(self.raw[f"{p.name}.v"][t], v)
            z = self.raw[f"{p.name}.z"][t]
            if p.competition == "none":
                assert np.array_equal(z, spike)
            elif p.competition == "winner_take_all":
                assert np.array_equal(z, eq.winner_take_all(a[t], spike.astype(float)))
            assert not np.any((z != 0) & ~spike)

    # plastic connections

    def plastic(self, c: Connection, rule: Rule) -> dict[str, Floats]:
        name, row = c.name, c.row
        if f"{name}.synapse" in self.network.learning:
            return self.engine(c, rule)
        if f"{name}.w" not in self.network.signals:
            return {}  # what does not learn is static in the learning engine's network
        before = self.weights(c, 0)
        if not rule.learning:
            return {f"{name}.w": np.tile(c.weights, (self.steps, 1))}
        x, z = self.presynaptic(c), self.activity(c.post)
        dw = self.real[f"{name}.dw"]
        found = {f"{name}.w": eq.apply_update(before, dw, rule.w_min, rule.w_max)}
        trace = eq.eligibility_replacing if rule.mode == "replacing" else eq.eligibility_accumulating
        for symbol, tau in (("psi_fast", rule.tau_fast), ("psi_slow", rule.tau_slow)):
            if tau is not None:
                found[f"{name}.{symbol}"] = trace(self.before(f"{name}.{symbol}"), x, z[:, row], eq.trace_decay(tau))
        e = eq.eligibility(
            self.real[f"{name}.psi_fast"], None if rule.tau_slow is None else self.real[f"{name}.psi_slow"]
        )
        if rule.attention is not None:
            d = range(rule.attention.dimensions)
            c_before, c_now = (
                np.stack([get(f"{name}.c_{k}") for k in d], axis=-1) for get in (self.before, self.real.__getitem__)
            )
            after = np.array(
                [eq.local_context(c_before[t], z[t], rule.attention.key, rule.attention.rate) for t in self.t]
            )
            found |= {f"{name}.c_{k}": after[:, :, k] for k in d}
            beta, embedding = rule.attention.beta, rule.attention.embedding
            found[f"{name}.alpha"] = np.array(
                [eq.local_attention(beta, x[t], embedding, c_now[t], row, c.col) for t in self.t]
            )
            e = eq.attended_eligibility(self.real[f"{name}.alpha"], e)
        g = np.zeros((self.steps, 1))
        if rule.modulators:
            found[f"{name}.G"] = self.third_factor(rule)
            g = self.real[f"{name}.G"]
        update = (rule.eta_local + rule.eta_global * g) * e
        if rule.phase is not None:
            source = self.model.oscillators[rule.phase.oscillator]
            phi = rule.phase.phi[:1] if rule.phase.uniform else rule.phase.phi
            gate = np.array(
                [eq.phase_gate(eq.oscillator_phase(int(t), source.period, source.phase), phi) for t in self.t]
            )
            if self.network.signals[f"{name}.gate"].bound is not None:
                found[f"{name}.gate"] = gate
            update = eq.gated_update(update, self.real[f"{name}.gate"])
        if rule.gate is not None:
            self.check_gate(c, rule, update)
            update = np.where(dw == 0.0, 0.0, update)
        # A step beyond the span of the weights saturates there.
        span = np.ptp(
            self.network.signals[f"{name}.w"].format.real(
                self.network.signals[f"{name}.w"].format.quantise([rule.w_min, rule.w_max])
            )
        )
        found[f"{name}.dw"] = np.clip(update, -span, span)
        return found

    def engine(self, c: Connection, rule: Rule) -> dict[str, Floats]:
        """What is deterministic of a connection in the learning engine: its third factor and one gate for all."""
        found = {f"{c.name}.G": self.third_factor(rule)} if rule.modulators else {}
        if rule.phase is not None and rule.phase.uniform and self.network.signals[f"{c.name}.gate"].bound is not None:
            source, phi = self.model.oscillators[rule.phase.oscillator], rule.phase.phi[:1]
            gates = [eq.phase_gate(eq.oscillator_phase(int(t), source.period, source.phase), phi) for t in self.t]
            found[f"{c.name}.gate"] = np.array(gates)
        return found

    def check_gate(self, c: Connection, rule: Rule, update: Floats) -> None:
        """Where the probability is clearly on one side of its draw, the gate decides as the equation does."""
        gate, bound = rule.gate, self.network.signals[f"{c.name}.dw"].bound
        assert gate is not None and bound is not None
        p = eq.gate_probability(update, gate.beta, gate.threshold)
        draws = streams.uniform(self.model.seed, f"{c.name}.gate", self.t[:, None], np.arange(c.n_syn)) / 2.0**16
        doubt = UNDECIDED + gate.beta * bound  # the logistic function is no steeper than β/4
        dw = self.real[f"{c.name}.dw"]
        assert not np.any((dw != 0) & (draws > p + doubt))
        assert not np.any((dw == 0) & (draws < p - doubt) & (np.abs(update) > bound))

    # neuromodulation

    def modulator(self, name: str) -> Floats:
        m = self.model.modulators[name]
        source = self.activity(m.source)
        if m.type == "input":
            return source
        if m.type == "uncertainty":
            return np.array([eq.uncertainty(z) for z in source])
        values, mean = np.zeros(self.steps), np.zeros(source.shape[1])
        for t in self.t:
            if m.type == "reward":
                values[t], mean[0] = eq.reward(float(source[t, 0]), float(mean[0]), m.mean_rate, m.on == "delivery")
            else:
                values[t], mean = eq.novelty(source[t], mean, m.mean_rate)
        return values

    def context(self) -> dict[str, Floats]:
        attention = self.model.global_attention
        assert attention is not None
        z, d = self.activity(attention.context), range(attention.dimensions)
        target = z if attention.from_input else np.array([eq.population_context(row, attention.key) for row in z])
        before = np.concatenate([self.before(f"global.C_{k}") for k in d], axis=1)
        after = eq.running_average(before, target, attention.rate)
        return {f"global.C_{k}": after[:, k : k + 1] for k in d}

    def third_factor(self, rule: Rule) -> Floats:
        modulators = [self.model.modulators[name] for name in rule.modulators]
        weight, key = np.array([m.weight for m in modulators]), np.array([m.key for m in modulators])
        values = np.concatenate([self.real[f"{m.name}.E"] for m in modulators], axis=1)
        attention = self.model.global_attention
        if attention is None:
            return np.array([eq.third_factor(weight, value) for value in values])
        c = np.concatenate([self.real[f"global.C_{k}"] for k in range(attention.dimensions)], axis=1)
        gammas = [eq.global_attention(attention.beta, values[t], key, c[t]) for t in self.t]
        return np.array([eq.third_factor(weight, value, gamma) for value, gamma in zip(values, gammas, strict=True)])


def _towards_zero(product: Any) -> Any:
    return np.sign(product) * (np.abs(product) >> LIF_DECAY_BITS)
