"""Rule text to records: a recursive-descent parser for Lava's rule syntax and for the float form. Nothing is evaluated.

::

    rule    = [sign] product { sign product }
    product = atom { '*' atom }                        (float form: also '/' number)
    atom    = number | '2' '^' [sign] digits | name | '(' inner ')' | 'sgn' '(' inner ')'
    inner   = [sign] (name | constant) [ sign (name | constant) ]
    name    = x0 | x1 | x2 | y0 | y1 | y2 | y3 | u0..u9 | w | d | t

What Lava reads without a word as something else than it says (``u10`` as u1*0, ``(-w)`` as w, ``(w*2)`` as w+2,
``x0*-2*y0`` as x0 - 2*y0) is an error here.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import NoReturn

from hmn_lava.errors import InputError
from hmn_lava.learning.records import (
    SPIKES,
    SYNAPTIC,
    TARGETS,
    VARIABLES,
    Dependency,
    Factor,
    FloatProduct,
    FloatRule,
    Product,
    Rule,
    Target,
    scale_text,
)

MANTISSA = (-8, 7)
EXPONENT = (-7, 8)
MAX_CONSTANT = 511
"""The largest constant beside a variable: no factor is wider than nine bits."""

_LONGEST = 4096  # characters; a rule may come from a file of somebody else's
_TOKEN = re.compile(
    r"(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<symbol>[-+*/^()])"
)
_NAMES = ", ".join((*VARIABLES, "u0..u9"))


def parse_rule(text: str, target: Target = "dw") -> Rule:
    """The rule that ``text`` says in Lava's syntax, e.g. ``2^-7*u7*y1*x1 - 2^-7*u7*y0*x1``.

    Raises InputError with the position, what is expected there, and the remedy.
    """
    terms = _parse(text, target, real=False)
    return Rule(target, tuple(Product(t.dependency, t.decimation, *_scale(t), tuple(t.factors)) for t in terms))


def parse_float_rule(text: str, target: Target = "dw") -> FloatRule:
    """The rule that ``text`` says in the float form, e.g. ``0.013*x1*y0 - 0.01*x0*y1``.

    Powers of 2 are read as well.
    """
    terms = _parse(text, target, real=True)
    for term in terms:
        if not math.isfinite(term.real):
            term.fail("the coefficient is not finite", "use coefficients that a float holds")
    return FloatRule(target, tuple(FloatProduct(t.dependency, t.decimation, t.real, tuple(t.factors)) for t in terms))


@dataclass
class _Token:
    kind: str
    text: str
    at: int


@dataclass
class _Term:
    """A product while it is read. ``mantissa * 2**exponent`` is its coefficient (``real`` in the float form)."""

    target: str
    text: str
    mantissa: int
    real: float
    exponent: int = 0
    dependency: Dependency = "u"
    decimation: int | None = None
    factors: list[Factor] = field(default_factory=list)

    @property
    def depends(self) -> bool:
        """Whether a dependency has been read: u alone is none."""
        return self.dependency != "u" or self.decimation is not None

    def check(self) -> None:
        if not self.depends:
            self.fail("the product has no dependency", "multiply it by x0, y0 or u0..u9, which say when it acts")

    def fail(self, problem: str, remedy: str) -> NoReturn:
        raise InputError(problem, where=self.target, field="product", value=self.text.strip(), remedy=remedy)


def _scale(term: _Term) -> tuple[int, int]:
    """Mantissa and exponent in Lava's normal form, where they fit the chip's widths."""
    mantissa, exponent = term.mantissa, term.exponent
    while abs(mantissa) > MANTISSA[1] and mantissa % 2 == 0 and exponent < EXPONENT[1]:
        mantissa, exponent = mantissa // 2, exponent + 1
    for name, value, (low, high) in (("mantissa", mantissa, MANTISSA), ("exponent", exponent, EXPONENT)):
        if not low <= value <= high:
            term.fail(
                f"the coefficient's {name} is {value}; it goes from {low} to {high}", _nearest(mantissa, exponent)
            )
    return mantissa, exponent


def _nearest(mantissa: int, exponent: int) -> str:
    """Remedy for a coefficient that does not fit: the nearest one that does."""
    size = abs(mantissa)
    if size.bit_length() + exponent > 12:
        return "use a smaller coefficient: the largest is 7*2^8"
    if size == 0 or size.bit_length() + exponent < EXPONENT[0]:
        return "use a larger coefficient (the smallest is 2^-7), or let the product act less often, with u1..u9"
    value = math.ldexp(size, exponent)
    choices = [(m, e) for e in range(EXPONENT[0], EXPONENT[1] + 1) for m in range(1, MANTISSA[1] + 1)]
    m, e = min(choices, key=lambda c: (abs(math.ldexp(c[0], c[1]) - value), c[0]))
    nearest = scale_text(-m if mantissa < 0 else m, e)
    nearest += "1" if nearest in ("", "-") else ""
    return f"the nearest that fits is {nearest}; or make the sum of two products"


def _parse(text: str, target: Target, real: bool) -> list[_Term]:
    if target not in TARGETS:
        raise InputError(
            "a rule changes dw, dd or dt", value=target, remedy="dw for the weight, dd for tag 2, dt for tag 1"
        )
    if not isinstance(text, str):
        raise InputError("a rule is a text", where=target, value=text, remedy="write it like '2^-2*x1*y0 - 2^-3*x0*y1'")
    if len(text) > _LONGEST:
        raise InputError("the rule is too long", where=target, value=len(text), remedy=f"{_LONGEST} characters at most")
    return _Parser(text, target, real).rule()


class _Parser:
    def __init__(self, text: str, target: str, real: bool) -> None:
        self.text, self.target, self.real = text, target, real
        self.tokens: list[_Token] = []
        at = 0
        while at < len(text):
            if text[at] in " \t\r\n":
                at += 1
                continue
            found = _TOKEN.match(text, at)
            if found is None:
                token = _Token("", text[at], at)
                remedy = f"a rule is made of {_NAMES}, numbers, + - * ^ ( ) and sgn"
                self.fail("this character has no meaning in a rule", token, remedy)
            self.tokens.append(_Token(str(found.lastgroup), found[0], at))
            at = found.end()
        self.tokens.append(_Token("end", "", len(text)))
        self.next = 0

    # reading tokens

    def fail(self, problem: str, token: _Token, remedy: str) -> NoReturn:
        value = token.text or None
        raise InputError(problem, where=self.target, field=f"character {token.at + 1}", value=value, remedy=remedy)

    @property
    def token(self) -> _Token:
        return self.tokens[self.next]

    def take(self) -> _Token:
        token = self.token
        self.next += 1
        return token

    def took(self, *texts: str) -> str | None:
        """The next token if it is one of ``texts``, which is then taken; else None."""
        if self.token.kind == "symbol" and self.token.text in texts:
            return self.take().text
        return None

    # the grammar

    def rule(self) -> list[_Term]:
        if self.token.kind == "end":
            self.fail(
                "the rule is empty", self.token, "write at least one product, like 2^-2*x1*y0; or leave the rule out"
            )
        terms = [self.product(self.took("+", "-"))]
        while (sign := self.took("+", "-")) is not None:
            terms.append(self.product(sign))
        token = self.token
        if token.text == ")":
            self.fail("a bracket closes that was never opened", token, "remove it, or open one before")
        if token.text in ("^", "/"):
            self.fail("this operation is not known here", token, "powers are of 2 alone, as 2^-3; write /8 as *2^-3")
        if token.kind != "end":
            self.fail("an operator is missing", token, "put * between factors, + or - between products")
        for term in terms:
            term.check()
        decimations = [term.decimation for term in terms if term.decimation is not None]
        if len(set(decimations)) > 1:
            found = " and ".join(f"u{k}" for k in sorted(set(decimations)))
            raise InputError(
                "a rule has one decimation", where=self.target, value=found, remedy="use the same u_k in all products"
            )
        return terms

    def product(self, sign: str | None) -> _Term:
        start = self.token.at
        unit = -1 if sign == "-" else 1
        term = _Term(self.target, "", unit, float(unit))
        self.atom(term)
        while (operator := self.took("*", "/") if self.real else self.took("*")) is not None:
            if operator == "*":
                self.atom(term)
            else:
                divisor = self.number("a number to divide by")
                if float(divisor) == 0:
                    self.fail("division by zero", self.tokens[self.next - 1], "divide by something else")
                term.real /= float(divisor)
        term.text = self.text[start : self.token.at]
        return term

    def atom(self, term: _Term) -> None:
        token = self.token
        if token.kind == "number":
            self.scale(term, 1, *self.scaled())
        elif token.text == "sgn":
            self.take()
            if not self.took("("):
                self.fail("sgn needs a bracket", self.token, "write sgn(w), sgn(t-4) or the like")
            self.bracket(term, token, sign=True)
        elif token.kind == "name":
            self.name(term, self.take())
        elif self.took("("):
            self.bracket(term, token, sign=False)
        elif token.text in ("+", "-", "*", "/") and self.next and self.tokens[self.next - 1].text in "+-*/":
            self.fail("two operators meet", token, "put the sign in front of the product, or in a bracket: x0*(-2)*y1")
        else:
            problem = "the rule ends where a factor is expected" if token.kind == "end" else "a factor is expected here"
            self.fail(problem, token, f"a factor is a number, 2^k, one of {_NAMES}, (w+2), sgn(w+2) or the like")

    def name(self, term: _Term, token: _Token) -> None:
        name = token.text
        if re.fullmatch("u[0-9]+", name):
            if len(name) > 2:
                self.fail(
                    "the decimation of u goes from 0 to 9",
                    token,
                    "use u9 with a smaller coefficient, or a longer epoch",
                )
            if term.depends:
                self.fail("u is a dependency, and a product has one", token,
                          "put u first, as in u0*x0*y1, or leave it out")  # fmt: skip
            term.dependency, term.decimation = "u", int(name[1])
        elif name in SPIKES and not term.depends:
            term.dependency = "x0" if name == "x0" else "y0"
        elif name in VARIABLES:
            term.factors.append(Factor(name))
        else:
            self.fail("this name is not known", token, f"the names are {_NAMES}, with * between them")

    def bracket(self, term: _Term, opening: _Token, sign: bool) -> None:
        """The rest of a bracket: [sign] item [sign item], with at most one name and one number."""
        variable: _Token | None = None
        constant: tuple[float, int] | None = None
        constant_token = opening
        negative = False
        first = True
        while first or self.token.text in ("+", "-"):
            operator = self.took("+", "-")
            first = False
            token = self.token
            if token.kind == "name" and variable is None:
                variable, negative = self.take(), operator == "-"
            elif token.kind == "number" and constant is None:
                value, power = self.scaled()
                constant, constant_token = (-value if operator == "-" else value, power), token
            else:
                self.fail(
                    "a bracket holds one variable, one constant, or their sum",
                    token,
                    "write (w-4), (x1+2), (-3) or the like",
                )
        if not self.took(")"):
            problem = (
                "the bracket is not closed"
                if self.token.kind == "end"
                else "a bracket holds a variable plus a constant"
            )
            self.fail(problem, self.token, "write (w-4), (x1+2), (-3) or the like")
        if variable is None:
            if sign:
                self.fail("sgn is taken of w, d or t", opening, "write sgn(w), sgn(t-4) or the like")
            self.scale(term, 1, *(constant or (1, 0)))
            return
        name = variable.text
        if name not in VARIABLES or (sign and name not in SYNAPTIC):
            known = ", ".join(SYNAPTIC if sign else VARIABLES)
            self.fail("this name cannot stand in " + ("sgn" if sign else "a bracket"), variable, f"use one of {known}")
        if name in SPIKES and constant is None:
            self.fail("Lava loses a dependency in a bracket", variable, f"write {name} without it")
        if negative and (sign or constant is None):
            self.fail("Lava loses this sign", variable, "put it in front of the product")
        if negative:
            self.scale(term, -1, 1, 0)
        shift = self.constant(constant, constant_token)
        term.factors.append(Factor(name, -shift if negative else shift, sign))

    # numbers

    def constant(self, read: tuple[float, int] | None, token: _Token) -> float:
        if read is None:
            return 0
        value = math.ldexp(read[0], read[1]) if abs(read[1]) < 64 else math.inf
        if not abs(value) <= MAX_CONSTANT:
            self.fail(
                f"a constant goes from -{MAX_CONSTANT} to {MAX_CONSTANT}", token, "no variable is wider than nine bits"
            )
        if value == int(value):
            return int(value)
        if not self.real:
            self.fail("a constant is a whole number", token, "round it")
        return value

    def scale(self, term: _Term, sign: int, value: float, power: int) -> None:
        """Multiply the coefficient by ``sign * value * 2**power``."""
        term.exponent += power
        if not self.real:
            term.mantissa *= sign * int(value)
            return
        try:
            term.real *= sign * math.ldexp(value, power)
        except OverflowError:
            term.real = math.inf

    def scaled(self) -> tuple[float, int]:
        """A number times a power of 2: n, 2^k, or n*2^k (n, k)."""
        value, power = self.power()
        if self.token.text == "*" and self.tokens[self.next + 1].text == "2" and self.tokens[self.next + 2].text == "^":
            self.take()
            factor, more = self.power()
            return value * factor, power + more
        return value, power

    def power(self) -> tuple[float, int]:
        base = self.token
        value = self.number("a number")
        if not self.took("^"):
            return value, 0
        if base.text != "2":
            self.fail("only 2 is raised to a power", base, "write the coefficient as n*2^k with whole n and k")
        sign = -1 if self.took("+", "-") == "-" else 1
        exponent = self.token
        if exponent.kind != "number" or not exponent.text.isdecimal() or len(exponent.text) > 4:
            self.fail("the exponent is not a whole number", exponent, "write 2^-7, 2^3 or the like")
        self.take()
        return 1, sign * int(exponent.text)

    def number(self, expected: str) -> float:
        token = self.token
        if token.kind != "number":
            self.fail(f"{expected} is expected here", token, "write one, like 3 or 0.5")
        self.take()
        if len(token.text) > 40:
            self.fail("the number is too long", token, "write it in 40 characters or less")
        if self.real:
            return float(token.text)
        if not token.text.isdecimal() or (token.text[0] == "0" and token.text != "0"):
            self.fail("numbers are whole on the chip, and coefficients n*2^k", token, _decimal(token.text))
        return int(token.text)


def _decimal(text: str) -> str:
    """Remedy for a decimal: the nearest coefficient."""
    value = float(text)
    if not 2.0**-8 < value < 2.0**11:
        return (
            "write it as n*2^k, with n from -8 to 7 and k from -7 to 8; or use the float form and let it be quantised"
        )
    exponent = max(EXPONENT[0], math.frexp(value)[1] - 3)
    mantissa = max(1, round(math.ldexp(value, -exponent)))
    while mantissa % 2 == 0:
        mantissa, exponent = mantissa // 2, exponent + 1
    return f"the nearest is {scale_text(mantissa, exponent) or '1'}; or use the float form and let it be quantised"
