"""The neurons of static networks in float64, a pure function for a step of each: see ``hmn_lava/spec/neurons.py``."""

from __future__ import annotations

import numpy as np

from hmn_lava.reference.equations import Floats
from hmn_lava.spec.model import Lif, Resonator, SigmaDelta


def lif_step(u: Floats, v: Floats, rest: Floats, a: Floats, bias: Floats, lif: Lif) -> tuple[Floats, ...]:
    """One step of the current-based LIF with reset and refractory time; returns ``(z, u, v, rest)``, each (n,).

    ``u <- u (1 - du) + a``;  ``v <- v (1 - dv) + u + bias``, while ``rest`` is 0;  ``z = 1`` and a reset of v where
    ``v > vth``, and then ``rest = refractory``, which counts down. With ``output: voltage``, z is v.

    Source: Lava's floating-point LIF and LIFRefractory (``lava.proc.lif``); reset by subtraction as in NIR.
    """
    u, v = lif_integrate(u, v, rest, a, bias, lif)
    return lif_fire(u, v, rest, lif)


def lif_integrate(u: Floats, v: Floats, rest: Floats, a: Floats, bias: Floats, lif: Lif) -> tuple[Floats, Floats]:
    """The first half of :func:`lif_step`: ``(u, v)`` with the input of the step, before the reset."""
    u = u * (1.0 - lif.du) + a
    return u, np.where(rest > 0.0, v, v * (1.0 - lif.dv) + u + bias)


def lif_fire(u: Floats, v: Floats, rest: Floats, lif: Lif) -> tuple[Floats, ...]:
    """The second half of :func:`lif_step`: ``(z, u, v, rest)`` after threshold and reset."""
    if lif.output == "voltage":
        return np.clip(v, -lif.z_max, lif.z_max), u, v, rest
    resting = rest > 0.0
    spike = (v > lif.vth) & ~resting
    after = v - lif.vth if lif.reset == "subtract" else np.broadcast_to(lif.v_reset, v.shape)
    left = np.where(spike, float(lif.refractory), np.maximum(rest - 1.0, 0.0))
    return spike.astype(np.float64), u, np.where(spike, after, v), left


def sigma_delta_step(
    sigma: Floats, act: Floats, residue: Floats, a: Floats, bias: Floats, form: SigmaDelta
) -> tuple[Floats, ...]:
    """One step of a sigma-delta neuron; returns ``(z, sigma, act, residue)``, each (n,).

    ``sigma <- sigma + a`` (a without a sum);  ``act' = f(sigma + bias)``;  ``delta = act' - act + residue``;
    ``z = delta`` where ``|delta| >= vth``, else 0;  ``residue <- delta - z``. Without differences, z is act'.

    Source: Lava's Sigma, Delta and SigmaDelta (``lava.proc.sdn``).
    """
    sigma = sigma + a if form.sum else a
    now = sigma + bias
    if form.activation == "relu":
        now = np.maximum(now, 0.0)
    if not form.difference:
        return np.clip(now, -form.z_max, form.z_max), sigma, now, residue
    delta = now - act + residue
    z = np.where(np.abs(delta) >= form.vth, delta, 0.0)
    return np.clip(z, -form.z_max, form.z_max), sigma, now, delta - z


def resonator_step(re: Floats, im: Floats, a_re: Floats, a_im: Floats, form: Resonator) -> tuple[Floats, ...]:
    """One step of a resonate-and-fire neuron; returns ``(z, re, im)``, each (n,).

    ``re' = c re - s im + a_re``;  ``im' = s re + c im + a_im``, c and s the decay's real and imaginary part. A spike by
    phase: ``re' >= vth``, ``im' >= 0`` and ``im < 0``; Izhikevich's: ``im' >= vth``, and then re' = 0 and im' = vth.

    Source: Lava's RF and RF_IZ (``lava.proc.rf``, ``lava.proc.rf_iz``), whose im after a spike is 1e-5 less.
    """
    c, s = form.decay_re, form.decay_im
    new_re, new_im = c * re - s * im + a_re, s * re + c * im + a_im
    if form.spike == "phase":
        spike = (new_re >= form.vth) & (new_im >= 0.0) & (im < 0.0)
        return spike.astype(np.float64), new_re, new_im
    spike = new_im >= form.vth
    below = np.nextafter(form.vth, 0.0)
    return spike.astype(np.float64), np.where(spike, 0.0, new_re), np.where(spike, below, new_im)
