"""What a learning rule is: a sum of products, as frozen records, and their text.

``dz = sum_i D_i * S_i * prod_j F_ij`` for z in w (weight), d (tag 2), t (tag 1). The dependency D says when a product
acts, S is its coefficient, and each factor F is a trace, a synaptic variable or a spike, plus a constant; or the sign
of a synaptic variable. On the chip ``S = mantissa * 2**exponent`` (:class:`Product`); in the float form it is any real
number (:class:`FloatProduct`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

Target = Literal["dw", "dd", "dt"]
Dependency = Literal["x0", "y0", "u"]

TARGETS: tuple[Target, ...] = ("dw", "dd", "dt")
"""Left-hand sides, in the order in which their rules are applied."""

X_TRACES = ("x1", "x2")
Y_TRACES = ("y1", "y2", "y3")
TRACES = X_TRACES + Y_TRACES
SPIKES = ("x0", "y0")
SYNAPTIC = ("w", "d", "t")
VARIABLES = SPIKES + TRACES + SYNAPTIC

VARIABLE_NAMES = {"w": "weights", "d": "tag_2", "t": "tag_1"}
"""The synaptic variables by the names that Lava gives them."""


@dataclass(frozen=True)
class Factor:
    """``variable + constant``, or its sign. The constant is a whole number but for the float form."""

    variable: str
    constant: float = 0
    sign: bool = False

    def __str__(self) -> str:
        constant = f"{'-' if self.constant < 0 else '+'}{_number(abs(self.constant))}" if self.constant else ""
        inner = f"{self.variable}{constant}"
        return f"sgn({inner})" if self.sign else f"({inner})" if constant else inner


@dataclass(frozen=True)
class Product:
    """One product of a rule for the chip.

    ``dependency`` x0 or y0: acts where the neuron spiked in the epoch, with the traces of that moment; u: acts every
    ``2**decimation`` epochs, with the traces of the epoch's end. ``decimation`` is None but for u.
    """

    dependency: Dependency
    decimation: int | None
    mantissa: int
    exponent: int
    factors: tuple[Factor, ...] = ()

    @property
    def coefficient(self) -> float:
        """S = mantissa * 2**exponent, before the implicit down-scaling."""
        return self.mantissa * 2.0**self.exponent

    def __str__(self) -> str:
        return _product_text(scale_text(self.mantissa, self.exponent), self)


@dataclass(frozen=True)
class FloatProduct:
    """One product of a rule in float form: as :class:`Product`, with a real coefficient and real constants."""

    dependency: Dependency
    decimation: int | None
    coefficient: float
    factors: tuple[Factor, ...] = ()

    def __str__(self) -> str:
        size = "" if abs(self.coefficient) == 1 else _number(abs(self.coefficient))
        return _product_text(f"{'-' if self.coefficient < 0 else ''}{size}", self)


P = TypeVar("P", Product, FloatProduct)


@dataclass(frozen=True)
class _Sum(Generic[P]):
    """``target = sum of products``; the text of it parses to an equal record."""

    target: Target
    products: tuple[P, ...]

    def __iter__(self) -> Iterator[P]:
        return iter(self.products)

    @property
    def decimation(self) -> int | None:
        """k of the dependency u_k, or None if no product has it."""
        return next((product.decimation for product in self.products if product.decimation is not None), None)

    @property
    def variables(self) -> frozenset[str]:
        """All variables that occur as factors."""
        return frozenset(factor.variable for product in self.products for factor in product.factors)

    def __str__(self) -> str:
        first, *rest = map(str, self.products)
        return first + "".join(f" - {text[1:]}" if text[0] == "-" else f" + {text}" for text in rest)


class Rule(_Sum[Product]):
    """A rule for the chip; ``str`` gives it back in Lava's syntax."""


class FloatRule(_Sum[FloatProduct]):
    """A rule with real coefficients, as its author thinks of it."""


def scale_text(mantissa: int, exponent: int) -> str:
    """The coefficient in Lava's syntax, shortest form: '-3*2^-4', '2^5', '-7', or nothing for 1."""
    sign, size = "-" if mantissa < 0 else "", abs(mantissa)
    if exponent == 0:
        return sign if size == 1 else f"{sign}{size}"
    return f"{sign}{'' if size == 1 else f'{size}*'}2^{exponent}"


def _product_text(scale: str, product: Product | FloatProduct) -> str:
    sign, size = ("-", scale[1:]) if scale.startswith("-") else ("", scale)
    dependency = product.dependency if product.decimation is None else f"u{product.decimation}"
    return sign + "*".join([*([size] if size else []), dependency, *map(str, product.factors)])


def _number(value: float) -> str:
    return str(int(value)) if abs(value) < 1e15 and value == int(value) else repr(float(value))
