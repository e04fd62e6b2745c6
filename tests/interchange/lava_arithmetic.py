"""What Lava's fixed-point models compute in a step, written again from their source.

Nothing here is shared with what it checks. Every function keeps its states in a dictionary; states begin at 0. Messages
between layers take a step, in which a synapse holds its sum.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Ints = Any


def towards_zero(product: Ints, bits: int) -> Ints:
    return np.sign(product) * (np.abs(product) // (1 << bits))


def lif(state: dict[str, Ints], a: Ints, du: Ints, dv: Ints, vth: Ints, bias: Ints) -> Ints:
    """``du`` and ``dv`` as the file's iDecay and vDecay; threshold and bias as its mantissas."""
    u = towards_zero(state.get("u", np.zeros_like(a)) * (4096 - du), 12) + a * 64
    state["u"] = (u + (1 << 23)) % (1 << 24) - (1 << 23)
    v = towards_zero(state.get("v", np.zeros_like(a)) * (4096 - dv), 12) + state["u"] + bias * 64
    v = np.clip(v, -(2**23) + 1, 2**23 - 1)
    spike = v > vth * 64
    state["v"] = np.where(spike, 0, v)
    return spike.astype(np.int64)


def delta(state: dict[str, Ints], act: Ints, vth: Ints, raw: int) -> Ints:
    """Sends the changes of ``act`` that are ``vth << raw`` or more, without their 6 lowest bits."""
    change = act - state.get("act", np.zeros_like(act)) + state.get("residue", np.zeros_like(act))
    sent = np.where(np.abs(change) >= vth * (1 << raw), change, 0)
    state["residue"], state["act"] = change - sent, act
    return sent >> 6


def sigma(state: dict[str, Ints], a: Ints) -> Ints:
    state["sigma"] = state.get("sigma", np.zeros_like(a)) + a
    return state["sigma"]


def sigma_delta(state: dict[str, Ints], a: Ints, vth: Ints, bias: Ints, raw: int) -> Ints:
    return delta(state, np.maximum(sigma(state, a) + bias * (1 << raw), 0), vth, raw)


def resonator(state: dict[str, Ints], a_re: Ints, a_im: Ints, cos: Ints, sin: Ints, vth: Ints, phase: bool) -> Ints:
    zero = np.zeros_like(a_re)
    re, im = state.get("re", zero), state.get("im", zero)
    new_re = towards_zero(cos * re, 12) - towards_zero(sin * im, 12) + a_re * 64
    new_im = towards_zero(sin * re, 12) + towards_zero(cos * im, 12) + a_im * 64
    new_re, new_im = (np.clip(x, -(2**23) + 1, 2**23 - 1) for x in (new_re, new_im))
    if phase:
        spike = (new_re >= vth * 64) & (new_im >= 0) & (im < 0)
        state["re"], state["im"] = new_re, new_im
    else:
        spike = new_im >= vth * 64
        state["re"], state["im"] = np.where(spike, 0, new_re), np.where(spike, vth * 64 - 1, new_im)
    return spike.astype(np.int64)


def convolve(x: Ints, weight: Ints, stride: Any, padding: Any, dilation: Any, groups: int) -> Ints:
    """The cross-correlation of ``x`` (channels, height, width) with ``weight``, flat, tap by tap."""
    channels, height, width = x.shape
    out, each, kh, kw = weight.shape
    padded = np.zeros((channels, height + 2 * padding[0], width + 2 * padding[1]), np.int64)
    padded[:, padding[0] : padding[0] + height, padding[1] : padding[1] + width] = x
    rows = (padded.shape[1] - dilation[0] * (kh - 1) - 1) // stride[0] + 1
    columns = (padded.shape[2] - dilation[1] * (kw - 1) - 1) // stride[1] + 1
    total = np.zeros((out, rows, columns), np.int64)
    for o in range(out):
        first = o // (out // groups) * each
        for r in range(rows):
            for c in range(columns):
                for i in range(each):
                    for j in range(kh):
                        for k in range(kw):
                            at = (first + i, r * stride[0] + j * dilation[0], c * stride[1] + k * dilation[1])
                            total[o, r, c] += weight[o, i, j, k] * padded[at]
    return total.reshape(-1)


class Delayed:
    """A dense synapse: the sum of step t arrives in step t + 1 + delay."""

    def __init__(self, weight: Ints, delay: Ints = 0) -> None:
        self.weight, self.delay = weight, np.broadcast_to(delay, weight.shape)
        self.waiting = [np.zeros(len(weight), np.int64) for _ in range(65)]

    def __call__(self, x: Ints) -> Ints:
        arriving = self.waiting.pop(0)
        self.waiting.append(np.zeros_like(arriving))
        for later in np.unique(self.delay):
            self.waiting[int(later)] = self.waiting[int(later)] + np.where(self.delay == later, self.weight, 0) @ x
        return arriving
