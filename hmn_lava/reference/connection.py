"""A connection at run time: what it delivers (step 1 of the model), and how its weights learn (steps 2 to 4 and 6)."""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from hmn_lava.reference import equations as eq
from hmn_lava.reference.draws import LEVELS, Draws
from hmn_lava.reference.equations import Floats, Ints
from hmn_lava.reference.population import Units
from hmn_lava.spec.model import Connection, Hebbian, Oscillator, Rule


class Synapses:
    """The synapses of one connection.

    ``delay`` (n_syn,) is in steps. The activation uses the weights as they were ``weight_lag`` steps before the newest.
    """

    def __init__(self, connection: Connection, source: Units, delay: Ints, weight_lag: int) -> None:
        self.record = connection
        self.w = connection.weights
        self._source, self._delay, self._lag = source, delay, weight_lag
        self._common_delay = int(delay[0]) if len(delay) and np.all(delay == delay[0]) else None
        self._snapshots: deque[Floats] = deque(maxlen=weight_lag + 1)
        self.load(connection.weights)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Symbols of the signals that :meth:`read` knows."""
        return ("w",)

    def read(self, symbol: str) -> Floats:
        """Return the signal with this symbol."""
        signal: Floats = getattr(self, symbol)
        return signal

    def load(self, w: Floats) -> None:
        """Replace the weights, also those that are still on their way."""
        self.w = w
        self._snapshots.extend([w] * (self._lag + 1))

    def drive(self, t: int) -> Floats:
        """Return ``sum_i w_ij x_i(t - tau_ij)``, (n_post,)."""
        connection, w = self.record, self._snapshots[0]
        if connection.dense and self._common_delay is not None:  # the same sum as below, as a matrix product
            x = self._source.past(t, self._common_delay)
            product: Floats = w.reshape(connection.n_post, connection.n_pre) @ x
            return product
        return eq.synaptic_input(w, self.presynaptic(t), connection.row, connection.n_post)

    def presynaptic(self, t: int) -> Floats:
        """Return ``x_i(t - tau_ij)``, per synapse."""
        col = self.record.col
        if self._common_delay is None:
            return self._source.past_of_each(t, self._delay, col)
        x: Floats = self._source.past(t, self._common_delay)[col]
        return x

    def end_step(self) -> None:
        """Let the weights of this step be the newest that the activation may use."""
        self._snapshots.append(self.w)


class HebbianSynapses(Synapses):
    """Synapses that learn from presynaptic spikes and the postsynaptic voltage."""

    def __init__(self, connection: Connection, rule: Hebbian, source: Units, delay: Ints, weight_lag: int) -> None:
        super().__init__(connection, source, delay, weight_lag)
        self.rule = rule
        self._decay = 1.0 if rule.tau_w is None else math.exp(-1.0 / rule.tau_w)

    def learn(self, t: int, voltage: Floats) -> None:
        """Move the weights by one step; ``voltage`` (n_post,) is the postsynaptic one before the reset."""
        rule, x = self.rule, self.presynaptic(t)
        bounds = (rule.w_min, rule.w_max)
        self.w = eq.hebbian_weights(
            self.w, x, voltage[self.record.row], self._decay, rule.rate, rule.offset, rule.full, bounds
        )


class PlasticSynapses(Synapses):
    """Synapses that learn by the HMN rule; traces, contexts and updates start at 0."""

    def __init__(
        self,
        connection: Connection,
        rule: Rule,
        oscillator: Oscillator | None,
        source: Units,
        delay: Ints,
        weight_lag: int,
        seed: int,
    ) -> None:
        super().__init__(connection, source, delay, weight_lag)
        self._zero = np.zeros(len(connection.row))
        self.psi_fast = self.psi_slow = self.dw = self._x = self._zero
        self.G = 0.0
        self.follow(rule)
        if rule.attention is not None:
            self.c = np.zeros((connection.n_post, rule.attention.dimensions))
        if rule.phase is not None:
            self.gate = np.zeros(1 if rule.phase.uniform else len(connection.row))
        self._oscillator = oscillator
        self._draws = Draws(seed, f"{connection.name}.gate", len(connection.row))

    def follow(self, rule: Rule) -> None:
        """Learn by ``rule`` from now on."""
        self.rule = rule
        self._decay_fast = eq.trace_decay(rule.tau_fast)
        self._decay_slow = None if rule.tau_slow is None else eq.trace_decay(rule.tau_slow)
        self._trace = eq.eligibility_replacing if rule.mode == "replacing" else eq.eligibility_accumulating
        if rule.phase is not None:
            self._preferred = rule.phase.phi[:1] if rule.phase.uniform else rule.phase.phi

    @property
    def symbols(self) -> tuple[str, ...]:
        """Symbols of the signals that :meth:`read` knows: those of a subsystem only where it is on."""
        rule = self.rule
        slow = () if rule.tau_slow is None else ("psi_slow",)
        attention = () if rule.attention is None else ("c", "alpha")
        phase = () if rule.phase is None else ("gate",)
        return ("w", "psi_fast", *slow, *attention, "G", *phase, "dw")

    def read(self, symbol: str) -> Floats:
        """Return the signal with this symbol."""
        return np.array([self.G]) if symbol == "G" else super().read(symbol)

    @property
    def alpha(self) -> Floats:
        """Return the local attention of this step, per synapse; it is computed when it is asked for."""
        attention = self.rule.attention
        if attention is None:
            return np.ones(len(self.w))
        row, col = self.record.row, self.record.col
        return eq.local_attention(attention.beta, self._x, attention.embedding, self.c, row, col)

    def modulate(self, t: int, factor: float) -> None:
        """Take the third factor G' and the phase gate of step ``t``; an update follows only with :meth:`learn`."""
        self.G, self.dw = factor, self._zero
        if self._oscillator is not None:
            phase = eq.oscillator_phase(t, self._oscillator.period, self._oscillator.phase)
            self.gate = eq.phase_gate(phase, self._preferred)

    def learn(self, t: int, z: Floats) -> None:
        """Move traces, context and weights by one step; ``z`` (n_post,) is the postsynaptic activity."""
        rule = self.rule
        x, z_of_synapse = self.presynaptic(t), z[self.record.row]
        self._x = x
        self.psi_fast = self._trace(self.psi_fast, x, z_of_synapse, self._decay_fast)
        if self._decay_slow is not None:
            self.psi_slow = self._trace(self.psi_slow, x, z_of_synapse, self._decay_slow)
        if rule.attention is not None:
            self.c = eq.local_context(self.c, z, rule.attention.key, rule.attention.rate)
        if rule.eta_local + rule.eta_global * self.G != 0.0:  # else dw is 0, as in most steps before a reward comes
            self.dw = self._update(t)
            self.w = eq.apply_update(self.w, self.dw, rule.w_min, rule.w_max)

    def _update(self, t: int) -> Floats:
        rule = self.rule
        e = eq.eligibility(self.psi_fast, None if self._decay_slow is None else self.psi_slow)
        if rule.attention is not None:
            e = eq.attended_eligibility(self.alpha, e)
        dw = eq.preliminary_update(rule.eta_local, rule.eta_global, self.G, e)
        if rule.phase is not None:
            dw = eq.gated_update(dw, self.gate)
        if rule.gate is not None:
            dw = self._let_through(t, dw, eq.gate_probability(dw, rule.gate.beta, rule.gate.threshold))
        return dw

    def _let_through(self, t: int, dw: Floats, p: Floats) -> Floats:
        changed = np.flatnonzero(dw)  # the others stay 0 whatever is drawn
        passed = changed[self._draws.of(t, changed) < p[changed] * LEVELS]
        applied = np.zeros_like(dw)
        applied[passed] = dw[passed]
        return applied
