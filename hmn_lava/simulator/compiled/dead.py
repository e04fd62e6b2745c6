"""What a step of a program does, and what of it may be left out since something is zero.

A clause is a set of names; where all of them are zero, an effect changes nothing: it stores what is there, or sends 0.
Clauses are found by folding the program with these names as zeros. For a synapse of the HMN rule they say: where the
third factor, the phase gate, the eligibility or the update is zero, the weight stays, so that attention and the
probabilistic gate need not be computed; where a trace and the activity are zero, the trace stays; and where the
activity is zero, no message is sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from hmn_lava.fixed import wrap
from hmn_lava.microcode.ir import WORD, Instruction, Operand, Program
from hmn_lava.microcode.ranges import WORD_RANGE, Interval, Ranges

Clause = frozenset[str]

Folded = int | str | tuple[Literal["neg"], str]
"""A constant, a name, or a name with its sign turned."""


@dataclass(frozen=True)
class Effect:
    """A store, an emission or an observation of ``operand`` under ``name``.

    ``skips``: conditions that leave it out where they are not zero.
    """

    kind: Literal["store", "emit", "observe"]
    name: str
    operand: Operand
    skips: tuple[Operand, ...] = ()


def effects(program: Program, observed: tuple[str, ...]) -> list[Effect]:
    """All effects of a step, in order, with those observables that are kept."""
    found: list[Effect] = []
    skips: list[tuple[int, Operand]] = []
    where: dict[str, tuple[Operand, ...]] = {}
    for number, instruction in enumerate(program.instructions):
        skips = [skip for skip in skips if number < skip[0]]
        conditions = tuple(condition for _, condition in skips)
        if instruction.op == "skip":
            condition, length = instruction.operands
            skips.append((number + 1 + int(length), condition))
        elif instruction.op == "store":
            found.append(Effect("store", str(instruction.operands[0]), instruction.operands[1], conditions))
        elif instruction.op == "emit":
            found.append(Effect("emit", str(instruction.operands[0]), instruction.operands[1], conditions))
        else:
            where[str(instruction.target)] = conditions
    watched = {o.name: o.register for o in program.observables if o.name in observed}
    return found + [Effect("observe", name, of, where.get(of, ())) for name, of in watched.items()]


def reads(program: Program, effect: Effect) -> set[str]:
    """All names that an effect depends on."""
    definitions = {str(i.target): i for i in program.instructions if i.target is not None}
    found: set[str] = set()
    waiting: list[Operand] = [effect.operand, *effect.skips]
    while waiting:
        name = waiting.pop()
        if isinstance(name, int) or name in found:
            continue
        found.add(name)
        if name in definitions:
            waiting += definitions[name].registers()
    return found


def scalar_clauses(program: Program, ranges: Ranges, effect: Effect, scalars: Iterable[str]) -> list[Clause]:
    """The clauses of one name each among ``scalars``, which cost nothing to look at."""
    cone = reads(program, effect)
    return [frozenset([n]) for n in scalars if n in cone and _changes_nothing(program, ranges, effect, {n})]


def vector_clauses(program: Program, ranges: Ranges, effect: Effect, vectors: Iterable[str]) -> list[Clause]:
    """At most two clauses of one register each among ``vectors``: the first, and the one before the longest stretch.

    ``vectors`` are in the program's order. A look at a vector of values costs something, so that the stretch of
    instructions that it may save must be worth it.
    """
    cone = reads(program, effect)
    order = {str(i.target): n for n, i in enumerate(program.instructions) if str(i.target) in cone}
    found = [n for n in vectors if n in order and _changes_nothing(program, ranges, effect, {n})]
    if not found:
        return []
    ends = [*(order[n] for n in found[1:]), max(order.values())]
    saved = [sum(order[n] < at <= end for at in order.values()) for n, end in zip(found, ends, strict=True)]
    knee = max(range(len(found)), key=lambda k: saved[k])
    chosen = dict.fromkeys((found[0], found[knee]))
    return [frozenset([n]) for n in chosen if sum(at > order[n] for at in order.values()) >= WORTH]


WORTH = 8
"""Instructions that a look at a vector must be able to save."""


def loaded_clauses(program: Program, ranges: Ranges, effect: Effect, ports: Iterable[str]) -> list[Clause]:
    """Clauses of what need only be loaded: one port, alone, with the state itself, or with the other states."""
    cone = reads(program, effect)
    own = {effect.name} if effect.kind == "store" else set()
    others = {state.name for state in program.states if state.name in cone} - own
    found = []
    for port in ports:
        if port in cone:
            sets = ({port}, own | {port}, others | {port})
            names = next((n for n in sets if _changes_nothing(program, ranges, effect, n)), None)
            if names is not None:
                found.append(frozenset(names))
    return found


def _changes_nothing(program: Program, ranges: Ranges, effect: Effect, zeros: set[str]) -> bool:
    """Whether an effect stores what is there, or sends 0, where ``zeros`` are zero."""
    folded = _fold(program, ranges, zeros)
    value = effect.operand if isinstance(effect.operand, int) else folded[effect.operand]
    if effect.kind == "emit":
        return value == 0
    if effect.kind == "store":
        return value == effect.name or (value == 0 and effect.name in zeros)
    return False


def _fold(program: Program, ranges: Ranges, zeros: set[str]) -> dict[str, Folded]:
    """Every name, as simple as it is where ``zeros`` are zero."""
    folded: dict[str, Folded] = {v.name: 0 if v.name in zeros else v.name for v in program.readable}
    for instruction in program.instructions:
        name = str(instruction.target)
        if instruction.target is not None:
            folded[name] = 0 if name in zeros else _simple(instruction, folded, ranges)
    return folded


def _simple(instruction: Instruction, folded: dict[str, Folded], ranges: Ranges) -> Folded:
    op, name = instruction.op, str(instruction.target)
    a, b, c = [*(o if isinstance(o, int) else folded[o] for o in instruction.operands), None, None, None][:3]
    if op == "neg":
        return wrap(-a, WORD) if isinstance(a, int) else a[1] if isinstance(a, tuple) else ("neg", str(a))
    if op == "mov" and a is not None:
        return a
    if op == "mul" and (a == 0 or b == 0):
        return 0
    if op in ("shl", "shr") and (a == 0 or b == 0):
        return 0 if a == 0 or a is None else a
    if op in ("add", "or", "sub") and b == 0 and a is not None:
        return a
    if op in ("add", "or") and a == 0 and b is not None:
        return b
    if op == "and" and (a == 0 or b == 0):
        return 0
    if op == "sel" and b is not None and c is not None:
        return b if b == c or (isinstance(a, int) and a != 0) else c if a == 0 else name
    if op == "min" and a is not None and b is not None:
        first, second = _bounds(a, ranges), _bounds(b, ranges)
        return a if first[1] <= second[0] else b if second[1] <= first[0] else name
    if isinstance(a, int) and isinstance(b, int):
        return _constant(instruction, a, b)
    return name


def _constant(instruction: Instruction, a: int, b: int) -> Folded:
    """An operation on two constants."""
    op = instruction.op
    results = {
        "add": a + b,
        "sub": a - b,
        "and": a & b,
        "or": a | b,
        "lt": int(a < b),
        "ge": int(a >= b),
        "eq": int(a == b),
    }
    if op in results:
        return int(wrap(results[op], WORD))
    if op in ("shl", "shr"):
        return int(wrap(a << b if op == "shl" else a >> b, WORD))
    return str(instruction.target)


def _bounds(value: Folded, ranges: Ranges) -> Interval:
    if isinstance(value, tuple):
        low, high = ranges.bounds(value[1])
        return WORD_RANGE if low == WORD_RANGE[0] else (-high, -low)  # the least word is its own negative
    return ranges.bounds(value)
