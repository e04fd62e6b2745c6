"""The neurons of static networks: the form of their program, and their constants in the chip's integers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.compiler.neurocore.assembly import Assembly
from hmn_lava.compiler.quantise import holds_current, lif_decays
from hmn_lava.components.lif import LIF_DECAY_BITS, LIF_SHIFT, LifForm
from hmn_lava.components.resonator import DECAY
from hmn_lava.components.sigma_delta import SigmaDeltaForm
from hmn_lava.fixed import Fixed, Integers
from hmn_lava.hardware_profiles import Lif as LifLimits
from hmn_lava.microcode.ir import WORD
from hmn_lava.microcode.ranges import WORD_RANGE
from hmn_lava.network import Constant
from hmn_lava.reference.equations import Floats
from hmn_lava.spec.model import Lif, Population

STATES = {"lif": ("u", "v"), "sigma_delta": ("sigma", "act"), "resonator": ("re", "im")}
"""The states of a neuron that are signals, by its activation."""


def static_form(p: Population) -> dict[str, Any]:
    """The fields of a NeuronForm that a population of a static network fills in."""
    every = 0 if p.restart is None else p.restart[0]
    if p.sigma_delta is not None:
        form = p.sigma_delta
        return {"sigma_delta": SigmaDeltaForm(form.sum, form.difference, form.activation, every)}
    if p.resonator is not None:
        return {"resonator": p.resonator.spike, "restart": every}
    if p.lif is None:
        return {}
    lif, resets = p.lif, bool(p.lif.v_reset.any())
    return {"lif": LifForm(lif.reset, resets, lif.refractory, lif.output, holds_current(p), every)}


def lower_static_constants(net: Assembly, p: Population, constants: dict[str, Constant]) -> None:
    """Fill in the constants of a LIF, a sigma-delta neuron or a resonator, and record how well they fit."""
    if p.lif is not None:
        _lower_lif(net, p, p.lif, constants)
    if p.sigma_delta is not None:
        word = Fixed(WORD, True, net.formats.accumulator[p.name].format.frac)
        if p.sigma_delta.difference:
            _each(
                net,
                p,
                constants,
                "vth",
                p.sigma_delta.vth,
                np.minimum(word.quantise(p.sigma_delta.vth), word.max),
                word,
            )
        if np.any(p.bias):
            _each(net, p, constants, "bias", p.bias, word.quantise(p.bias), word)
    if p.resonator is not None:
        word = Fixed(WORD, True, net.formats.accumulator[p.name].format.frac + LIF_SHIFT)
        for name in ("decay_re", "decay_im"):
            decay = getattr(p.resonator, name)
            _each(net, p, constants, name, decay, DECAY.quantise(decay), DECAY)
        vth = np.maximum(word.quantise(p.resonator.vth), 1)
        _each(net, p, constants, "vth", p.resonator.vth, vth, word)


def _lower_lif(net: Assembly, p: Population, lif: Lif, constants: dict[str, Constant]) -> None:
    frac, one = net.formats.accumulator[p.name].format.frac, 1 << LIF_DECAY_BITS
    keep_u, keep_v = lif_decays(lif, holds_current(p))
    decay = Fixed(LIF_DECAY_BITS + 1, False, LIF_DECAY_BITS)
    for name, keep in (("u", keep_u), ("v", keep_v)):
        constants[f"keep_{name}"] = _constant(keep)
        field = f"populations.{p.name}.d{name}"
        net.record.add(field, getattr(lif, f"d{name}"), one - keep, decay, f"{p.name}.keep_{name}")
    if lif.output == "voltage":
        return
    # A threshold of one more than the mantissa holds is above every voltage: such a neuron never fires.
    top = 1 << net.chip.vth_mantissa_bits.value
    mantissa = np.minimum(np.rint(np.ldexp(lif.vth, frac)), top).astype(np.int64)
    constants["vth"] = _constant(np.minimum(mantissa << LIF_SHIFT, WORD_RANGE[1]))
    format = Fixed(net.chip.vth_mantissa_bits.value, False, frac)
    net.record.add(f"populations.{p.name}.vth", lif.vth, mantissa, format, f"{p.name}.vth")
    if lif.v_reset.any():
        word = Fixed(WORD, True, frac + LIF_SHIFT)
        _each(net, p, constants, "v_reset", lif.v_reset, word.quantise(lif.v_reset), word)


def _each(
    net: Assembly,
    p: Population,
    constants: dict[str, Constant],
    name: str,
    requested: Floats,
    stored: Integers,
    format: Fixed,
) -> None:
    """One constant of a population, and its row of the record."""
    constants[name] = _constant(stored)
    net.record.add(f"populations.{p.name}.{name}", requested, stored, format, f"{p.name}.{name}")


def _constant(values: NDArray[Any]) -> Constant:
    return Constant(values, "all" if values.size == 1 else "each")


def lava_bias(bias: Floats, frac: int, chip: LifLimits) -> tuple[Integers, int]:
    """Biases as Lava holds them: mantissas, and the one exponent that they share."""
    largest = (1 << (chip.bias_mantissa_bits.value - 1)) - 1
    integers = np.ldexp(np.asarray(bias, np.float64), frac)
    reach = float(np.abs(integers).max(initial=0.0))
    exponent = math.ceil(math.log2(reach / largest)) if reach > largest else 0
    exponent = min(exponent, (1 << chip.bias_exponent_bits.value) - 1)
    return np.clip(np.rint(np.ldexp(integers, -exponent)), -largest, largest).astype(np.int64), exponent
