"""The arithmetic of the learning engine.

A sum of products into an accumulator, and the accumulator back into a variable.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hmn_lava.fixed import Integers
from hmn_lava.learning.engine import Engine, Levels
from hmn_lava.learning.records import Product, Rule
from hmn_lava.learning.rounding import Up

Value = Callable[[str, str], Integers]
"""Value of a variable for each synapse, at the moment that a dependency names."""


def down_scaling(product: Product, engine: Engine) -> int:
    """Bits by which the hardware shifts a product to the right before its exponent applies.

    max(0, sum of the factors' widths + scaling_mantissa_bits - (accumulator_bits - 1)). The true coefficient of the
    product is ``mantissa * 2**(exponent - down_scaling)``.
    """
    width = sum(engine.widths[factor.variable] for factor in product.factors)
    return max(0, width + engine.scaling_mantissa_bits - (engine.accumulator_bits - 1))


def evaluate(product: Product, active: Integers, value: Value, engine: Engine) -> Integers:
    """One product for each synapse, in units of 2**-alignment, saturated to the accumulator.

    ``active`` is 1 where it acts, else 0. Factors saturate after their constant is added; the product is a register
    of 32 bits, which wraps.
    """
    register = active.astype(np.int32)
    for factor in product.factors:
        width = engine.widths[factor.variable]
        shifted = value(factor.variable, product.dependency) + int(factor.constant)
        term = np.sign(shifted) if factor.sign else shifted
        register = register * np.clip(term, -(1 << width), (1 << width) - 1).astype(np.int32)
    register = register * np.int32(product.mantissa)
    register = register >> np.int32(min(down_scaling(product, engine), 31))
    register = register << np.int32(product.exponent + engine.alignment)
    return np.clip(register.astype(np.int64), *engine.accumulator)


def accumulate(
    rule: Rule, start: Integers, active: Callable[[str], Integers], value: Value, engine: Engine
) -> Integers:
    """``start`` plus all products of ``rule``, in units of 2**-alignment, saturated after every product."""
    total = start << engine.alignment
    for product in rule:
        total = np.clip(total + evaluate(product, active(product.dependency), value, engine), *engine.accumulator)
    return total


def settle(total: Integers, levels: Levels, engine: Engine, up: Callable[[Integers, int], Up]) -> Integers:
    """The accumulator rounded stochastically to ``levels.step`` and saturated to ``levels``.

    ``up(fraction, bits)`` says which go up, given their fractions ``fraction / 2**bits``.
    """
    bits = engine.alignment + levels.step.bit_length() - 1
    whole = (total >> bits) + up(total & ((1 << bits) - 1), bits)
    return np.asarray(np.clip(whole * levels.step, levels.low, levels.high), dtype=np.int64)
