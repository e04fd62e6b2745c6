"""The equations of the Hybrid Modulated Neuron (HMN), one pure function each, in float64.

Numbers in parentheses are the equations of the HMN paper. The order is that of one time step: activation (1),
competition, eligibility (2), contexts, local attention (8-9), modulators, global attention (6, 10-11), update (3),
phase gate (4), probabilistic gate (5).

Symbols and shapes. A connection from ``n_pre`` to ``n_post`` units is a flat list of ``n_syn`` synapses, sorted by row
and then by column: synapse ``s`` leads from unit ``i = col[s]`` to unit ``j = row[s]``. "Per synapse" means shape
(n_syn,). ``x`` per synapse is the presynaptic activity after the synapse's delay, ``x_i(t - tau_ij)``, and ``z`` per
synapse is ``z_j(t) = z[row]``. Activities, weights and traces have no unit; times are in steps and angles in rad. No
function changes its arguments.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# ------------------------------------------------------------------------------------------------------- activation (1)


def synaptic_input(w: Floats, x: Floats, row: Ints, n_post: int) -> Floats:
    """Return ``sum_i w_ij x_i(t - tau_ij)``, the weighted sum in (1), shape (n_post,).

    ``w``, ``x`` and ``row`` are per synapse; a unit without synapses receives 0.
    """
    return np.asarray(np.bincount(row, weights=w * x, minlength=n_post), dtype=np.float64)


def activation(drive: Floats, bias: Floats | float = 0.0, noise: Floats | float = 0.0) -> Floats:
    """Return ``a_j = sum_i w_ij x_i(t - tau_ij) + b_j + eps_j``, the argument of f in (1), all of shape (n_post,).

    ``drive`` is the weighted sum over all connections of the population and ``noise`` is Gaussian with mean 0.
    """
    return drive + bias + noise


def relu(a: Floats, z_max: float = math.inf) -> Floats:
    """Return ``z = min(max(0, a), z_max)``: the rectifier of HMN paper appendix 10.1, saturating at ``z_max``."""
    z: Floats = np.minimum(np.maximum(a, 0.0), z_max)
    return z


def sigmoid(a: Floats) -> Floats:
    """Return ``z = 1 / (1 + exp(-a))``, the logistic function of HMN paper appendix 10.1 and of (5)."""
    z: Floats = 1.0 / (1.0 + np.exp(-np.maximum(a, -700.0)))  # exp(710) would overflow, and z is 0 far before that
    return z


def lif_step(
    u: Floats, v: Floats, a: Floats, du: float, dv: float, vth: float, bias: Floats | float = 0.0
) -> tuple[Floats, Floats, Floats]:
    """One step of the current-based leaky integrate-and-fire neuron; returns ``(z, u, v)``, each of shape (n_post,).

    ``u <- u (1 - du) + a``;  ``v <- v (1 - dv) + u + bias``;  ``z = 1`` if ``v > vth``, else 0;  ``v <- 0`` if z = 1.

    ``u`` is the current, ``v`` the voltage, ``du`` and ``dv`` their decays per step, ``vth`` the threshold, ``a`` the
    input. Source: Lava's floating-point LIF (``lava.proc.lif``).
    """
    u = u * (1.0 - du) + a
    v = v * (1.0 - dv) + u + bias
    spike = v > vth
    return spike.astype(np.float64), u, np.where(spike, 0.0, v)


# ---------------------------------------------------------------------------------------------------------- competition


def winner_take_all(a: Floats, z: Floats) -> Floats:
    """Keep ``z_j`` of the unit with the largest ``a_j`` and silence the others; the lowest index wins a tie."""
    return _only(int(np.argmax(a)), z)


def sample(a: Floats, z: Floats, temperature: float, gumbel: Floats) -> Floats:
    """Keep ``z_j`` of one unit, drawn from ``softmax(a / temperature)``, and silence the others.

    The winner is ``argmax_j (a_j / temperature + gumbel_j)`` (the Gumbel-max trick), where ``gumbel`` (n_post,) are
    independent standard Gumbel variates, ``-log(-log U)`` of a uniform U.
    """
    return _only(int(np.argmax(a / temperature + gumbel)), z)


def _only(winner: int, z: Floats) -> Floats:
    kept = np.zeros_like(z)
    kept[winner] = z[winner]
    return kept


# ------------------------------------------------------------------------------------------------------ eligibility (2)


def trace_decay(tau: float) -> float:
    """Return ``lambda = exp(-1 / tau)``, what a trace with time constant ``tau`` (steps) keeps in one step."""
    return math.exp(-1.0 / tau)


def eligibility_replacing(psi: Floats, x: Floats, z: Floats, decay: float) -> Floats:
    """Return the next trace: ``psi = x_i z_j`` at a coincidence (``x_i z_j != 0``), else ``decay psi``; per synapse.

    This is ``psi = x_i z_j exp(-(t - t_last) / tau)`` of HMN paper appendix 10.1, t_last being the last coincidence.
    """
    coincidence = x * z
    return np.where(coincidence != 0.0, coincidence, decay * psi)


def eligibility_accumulating(psi: Floats, x: Floats, z: Floats, decay: float) -> Floats:
    """Return the next trace ``decay psi + x_i z_j``, per synapse."""
    return decay * psi + x * z


def eligibility(psi_fast: Floats, psi_slow: Floats | None) -> Floats:
    """Return ``e_ij = psi_fast + psi_slow`` (2), per synapse; without a slow trace, ``psi_fast``."""
    return psi_fast if psi_slow is None else psi_fast + psi_slow


# ------------------------------------------------------------------------------------------------------------- contexts


def running_average(mean: Floats, value: Floats, rate: float) -> Floats:
    """Return the exponentially decayed average ``(1 - rate) mean + rate value``, of any shape."""
    return (1.0 - rate) * mean + rate * value


def local_context(c: Floats, z: Floats, key: Floats, rate: float) -> Floats:
    """Return ``c_j <- (1 - rate) c_j + rate z_j k_j``: ``c`` and ``key`` are (n_post, D), ``z`` is (n_post,).

    With D = 1 and ``k_j = 1`` it is the decayed average of ``z_j`` of HMN paper section 4.4.1.
    """
    return running_average(c, z[:, None] * key, rate)


def population_context(z: Floats, key: Floats) -> Floats:
    """Return ``mean_j z_j k_j``, shape (Dg,), what a population gives to the global context; ``key`` is (n, Dg)."""
    mean: Floats = z @ key / len(z)
    return mean


# ------------------------------------------------------------------------------------------------ local attention (8-9)


def unit(vectors: Floats) -> Floats:
    """Scale the vectors along the last axis to Euclidean norm 1; a zero vector stays 0."""
    largest = np.abs(vectors).max(axis=-1, keepdims=True)
    scaled = vectors / np.where(largest == 0.0, 1.0, largest)  # so that the squares of tiny vectors do not underflow
    norm = np.sqrt((scaled * scaled).sum(axis=-1, keepdims=True))
    scaled_to_one: Floats = scaled / np.where(norm == 0.0, 1.0, norm)
    return scaled_to_one


def similarity(a: Floats, b: Floats) -> Floats:
    """Return ``g(a, b) = <a, b> / (|a| |b|)`` along the last axis, 0 where a norm is 0 (HMN paper appendix 10.1)."""
    g: Floats = (unit(a) * unit(b)).sum(axis=-1)
    return g


def softmax(values: Floats) -> Floats:
    """Return ``exp(values) / sum exp(values)`` of a vector."""
    weights = np.exp(values - values.max())
    shares: Floats = weights / weights.sum()
    return shares


def row_softmax(values: Floats, row: Ints) -> Floats:
    """Return the softmax over the synapses of each row, per synapse; ``row`` is sorted, and may leave rows out."""
    if not len(values):
        return np.zeros(0)
    lengths = np.bincount(row)
    lengths = lengths[lengths > 0]
    starts = np.cumsum(lengths) - lengths
    weights = np.exp(values - np.repeat(np.maximum.reduceat(values, starts), lengths))
    shares: Floats = weights / np.repeat(np.add.reduceat(weights, starts), lengths)
    return shares


def local_attention(beta: float, x: Floats, embedding: Floats, c: Floats, row: Ints, col: Ints) -> Floats:
    """Return ``alpha_ij = softmax over i of beta g(h_i, c_j)`` with ``h_i = x_i(t - tau_ij) r_i``, per synapse (8-9).

    ``x`` is per synapse, ``embedding`` (n_pre, D) holds the ``r_i`` and ``c`` (n_post, D) the local contexts. The
    softmax runs over the synapses of the row. As g ignores magnitudes, ``g(x_i r_i, c_j) = sign(x_i) g(r_i, c_j)``.
    """
    g = np.sign(x) * np.einsum("sd,sd->s", unit(embedding)[col], unit(c)[row])
    return row_softmax(beta * g, row)


def attended_eligibility(alpha: Floats, e: Floats) -> Floats:
    """Return ``e~_ij = alpha_ij e_ij`` (8), per synapse."""
    return alpha * e


# ----------------------------------------------------------------------------------------------------------- modulators


def reward(r: float, mean: float, rate: float, on_delivery: bool = False) -> tuple[float, float]:
    """Return ``(E, mean)``: the reward minus its running mean before this step, and the running mean after it.

    ``E = r - mean``;  ``mean <- mean + rate (r - mean)``. With ``on_delivery``, a step with ``r = 0`` brings no reward:
    E is 0 and the mean stays.
    """
    if on_delivery and r == 0.0:
        return 0.0, mean
    error = r - mean
    return error, mean + rate * error


def uncertainty(z: Floats) -> float:
    """Return the entropy of ``p = softmax(z)`` in nats, ``-sum_j p_j log p_j``: from 0 to ``log(len(z))``."""
    shifted = z - z.max()
    weights = np.exp(shifted)
    total = float(weights.sum())
    return math.log(total) - float(shifted @ weights) / total


def novelty(x: Floats, mean: Floats, rate: float) -> tuple[float, Floats]:
    """Return ``(E, mean)``: the distance of the input from its running mean before this step, and the mean after it.

    ``E = |x - mean|``;  ``mean <- mean + rate (x - mean)``; ``x`` and ``mean`` have shape (n,).
    """
    difference = x - mean
    return math.sqrt(difference @ difference), mean + rate * difference


# ------------------------------------------------------------------------------------------ global attention (6, 10-11)


def global_attention(beta: float, value: Floats, key: Floats, context: Floats) -> Floats:
    """Return ``gamma = softmax over k of beta g(E_k q_k, C)`` (11), shape (K,).

    ``value`` (K,) holds the modulators' ``E_k``, ``key`` (K, Dg) their ``q_k``, and ``context`` (Dg,) is C.
    """
    return softmax(beta * similarity(value[:, None] * key, context))


def third_factor(weight: Floats, value: Floats, gamma: Floats | None = None) -> float:
    """Return ``G' = sum_k gamma_k w_k E_k`` (10), or without attention ``G = sum_k w_k E_k`` (6).

    ``weight``, ``value`` and ``gamma``, all (K,), hold the modulators' ``w_k``, ``E_k`` and ``gamma_k``.
    """
    return float(weight @ value if gamma is None else (gamma * weight) @ value)


# ---------------------------------------------------------------------------------------------- update and gates (3-5)


def preliminary_update(eta_local: float, eta_global: float, factor: float, e: Floats) -> Floats:
    """Return ``dw* = (eta_l + eta_g G') e~`` (3), per synapse; ``factor`` is the third factor G'."""
    return (eta_local + eta_global * factor) * e


def oscillator_phase(t: int, period: float, phase: float) -> float:
    """Return ``Phi(t) = 2 pi t / P + Phi_0`` in rad, less whole turns; the period P is in steps."""
    return 2.0 * math.pi * (math.fmod(t, period) / period) + phase


def phase_gate(phase: float, phi: Floats) -> Floats:
    """Return ``max(0, cos(Phi - phi_ij))``, the factor of (4), in the shape of the preferred phases ``phi`` (rad)."""
    gate: Floats = np.maximum(0.0, np.cos(phase - phi))
    return gate


def gated_update(dw: Floats, gate: Floats) -> Floats:
    """Return ``dw† = dw* max(0, cos(Phi - phi_ij))`` (4), per synapse; ``gate`` is :func:`phase_gate`'s."""
    return dw * gate


def gate_probability(dw: Floats, beta: float, threshold: float) -> Floats:
    """Return ``p = sigmoid(beta (|dw†| - threshold))`` (5), with which the update is applied, per synapse."""
    return sigmoid(beta * (np.abs(dw) - threshold))


def hebbian_weights(
    w: Floats,
    x: Floats,
    voltage: Floats,
    decay: float,
    rate: float,
    offset: float,
    full: float,
    bounds: tuple[float, float],
) -> Floats:
    """Return ``clip(decay w + rate S (rho(U) + offset), *bounds)``, ``rho(U) = clip(U / full, 0, 1)``, per synapse.

    ``S`` is 1 where ``x``, what the presynaptic unit sends, is not 0; ``voltage`` is U of the postsynaptic unit, per
    synapse, before its reset; ``decay = exp(-1 / tau_w)``. Source: arXiv:2508.13673, the plasticity of W_2.
    """
    sent, rho = x != 0.0, np.clip(voltage / full, 0.0, 1.0)
    moved: Floats = np.clip(decay * w + rate * sent * (rho + offset), *bounds)
    return moved


def apply_update(w: Floats, dw: Floats, w_min: float, w_max: float) -> Floats:
    """Return ``clip(w + dw, w_min, w_max)``, per synapse; ``dw`` is 0 where the gate (5) said no."""
    updated: Floats = np.minimum(np.maximum(w + dw, w_min), w_max)
    return updated
